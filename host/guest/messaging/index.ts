/**
 * wasi:messaging (0.2.0-draft) inside a sandbox: types, producer, and the messages that the node hands to
 * `incoming-handler`. Messages live here; the node's half is asked when one is sent, and checks all of it again.
 */
import type { PartContext, PartKind } from '../part.ts'
import { clientClass, messageClass, MessageRoom } from './message.ts'
import { messagingPartName, messagingProducerId, type GuestMessage } from './wire.ts'

export * from './wire.ts'

export const messagingPart: PartKind = {
  name: messagingPartName,
  create(context: PartContext) {
    const Message = messageClass(context, new MessageRoom())
    const Client = clientClass(context)
    const send = (
      client: InstanceType<typeof Client>,
      topic: string,
      message: InstanceType<typeof Message>,
    ): void => {
      const { contentType, data, metadata } = message.taken()
      client.requireConnected()
      context.line.call(messagingProducerId, 'send', [topic, contentType, data, metadata])
    }
    return {
      imports: {
        'wasi:messaging/types': { Message, Client },
        'wasi:messaging/producer': { send },
      },
      arguments: {
        'wasi:messaging/incoming-handler': ([message]) => [Message.arrived(message as GuestMessage)],
      },
    }
  },
}
