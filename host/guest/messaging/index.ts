/**
 * wasi:messaging (0.2.0-draft) inside a sandbox: types, producer, request-reply, and the messages that the node
 * hands to `incoming-handler`. Messages live here; the node's half is asked when one is sent, and checks all of it again.
 */
import type { PartContext, PartKind } from '../part.ts'
import { clientClass, messageClass, MessageRoom } from './message.ts'
import { requestOptionsClass } from './request-options.ts'
import { messagingPartName, messagingProducerId, messagingRequestId, type GuestMessage } from './wire.ts'

export * from './wire.ts'

export const messagingPart: PartKind = {
  name: messagingPartName,
  create(context: PartContext) {
    const Message = messageClass(context, new MessageRoom())
    const Client = clientClass(context)
    const RequestOptions = requestOptionsClass(context)
    const send = (
      client: InstanceType<typeof Client>,
      topic: string,
      message: InstanceType<typeof Message>,
    ): void => {
      const { contentType, data, metadata } = message.taken()
      client.requireConnected()
      context.line.call(messagingProducerId, 'send', [topic, contentType, data, metadata])
    }
    const request = (
      client: InstanceType<typeof Client>,
      topic: string,
      message: InstanceType<typeof Message>,
      options: InstanceType<typeof RequestOptions> | undefined,
    ): InstanceType<typeof Message>[] => {
      const said = options?.said() ?? []
      // The options are the call's, whatever comes of it.
      options?.drop()
      client.requireConnected()
      const { contentType, data, metadata } = message.content()
      const asked = [topic, contentType, data, metadata, ...said]
      const replies = context.line.call(messagingRequestId, 'request', asked) as readonly GuestMessage[]
      return replies.map((reply) => Message.arrived(reply))
    }
    const reply = (to: InstanceType<typeof Message>, message: InstanceType<typeof Message>): void => {
      const { contentType, data, metadata } = message.taken()
      const replyTo = to.replyTo()
      // Nobody waits for a reply to what is no request: to reply all the same is nothing, as the draft has it.
      if (replyTo === undefined) return
      context.line.call(messagingRequestId, 'reply', [replyTo, contentType, data, metadata])
    }
    return {
      imports: {
        'wasi:messaging/types': { Message, Client },
        'wasi:messaging/producer': { send },
        'wasi:messaging/request-reply': { request, reply, RequestOptions },
      },
      arguments: {
        'wasi:messaging/incoming-handler': ([message]) => [Message.arrived(message as GuestMessage)],
      },
    }
  },
}
