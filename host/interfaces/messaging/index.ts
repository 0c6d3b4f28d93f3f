/**
 * wasi:messaging on the node's side: messages to the topics that the release may publish to. What arrives comes by the
 * `message` trigger. The metadata entry `key` is the message's key: messages of one key keep their order.
 */
import { isSelvedgeError, messageOf } from '../../../core/index.ts'
import { WitError, type BoundFunction } from '../../engine/index.ts'
import {
  messagingPartName,
  messagingProducerId,
  messagingTypesId,
  type MessagingError,
} from '../../guest/index.ts'
import type { NewMessage } from '../../messages/index.ts'
import type { AppContext } from '../context.ts'
import type { InterfaceOffer } from '../offer.ts'

/** Also the list under `[grants]`. */
const grantKind = 'publish'
const keyName = 'key'

const types: InterfaceOffer = {
  id: messagingTypesId,
  summary: 'messages, for apps with a message trigger or a topic to publish to',
  grantKind: null,
  // Without an interface of its own: it is what a message trigger takes.
  allowedBy: 'subscribe',
  part: messagingPartName,
  bind: () => ({}),
}

const producer: InterfaceOffer = {
  id: messagingProducerId,
  summary: 'send messages to the granted topics',
  grantKind,
  grantList: grantKind,
  grantTakes: 'TOPIC',
  part: messagingPartName,
  bind: ({ publishes, topics }: AppContext) => {
    const send: BoundFunction = {
      mode: 'call',
      async run([topic, contentType, data, metadata]) {
        const message = messageFrom(topic, contentType, data, metadata)
        // Of a topic that was not granted nobody learns whether it exists.
        if (!publishes.has(message.topic))
          throw fail({ tag: 'permission-denied', val: 'the release may not publish to this topic' })
        try {
          await topics().publish(message)
        } catch (error) {
          const isClosed = isSelvedgeError(error, 'ERR_MESSAGES_CLOSED')
          throw fail({ tag: isClosed ? 'connection' : 'other', val: messageOf(error) })
        }
      },
    }
    return { send }
  },
}

export const messaging: readonly InterfaceOffer[] = [types, producer]

/** What the sandbox's half says is only what a guest made it say. */
function messageFrom(topic: unknown, contentType: unknown, data: unknown, metadata: unknown): NewMessage {
  if (typeof topic !== 'string') throw new TypeError('a topic should be a string')
  if (!(data instanceof Uint8Array)) throw new TypeError('data should be bytes')
  if (contentType !== undefined && contentType !== null && typeof contentType !== 'string')
    throw new TypeError('a content type should be a string')
  const pairs = pairsOf(metadata)
  const key = pairs.find(([name]) => name === keyName)?.[1] ?? null
  return { topic, body: data, contentType: contentType ?? null, metadata: pairs, key }
}

function pairsOf(metadata: unknown): [string, string][] {
  if (metadata === undefined || metadata === null) return []
  if (!Array.isArray(metadata)) throw new TypeError('metadata should be a list')
  return (metadata as unknown[]).map((pair) => {
    const [name, value] = Array.isArray(pair) ? (pair as unknown[]) : []
    if (typeof name !== 'string' || typeof value !== 'string')
      throw new TypeError('metadata should be pairs of strings')
    return [name, value]
  })
}

function fail(error: MessagingError): WitError {
  return new WitError(error)
}
