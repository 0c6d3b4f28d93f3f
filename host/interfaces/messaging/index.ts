/**
 * wasi:messaging on the node's side: messages and requests to the topics that the release may publish to, and replies.
 * What arrives comes by the `message` trigger. The metadata entry `key` is the message's key: messages of one key keep their order.
 */
import { isSelvedgeError, messageOf } from '../../../core/index.ts'
import { WitError, type BoundFunction, type GuestCaller } from '../../engine/index.ts'
import {
  messagingPartName,
  messagingProducerId,
  messagingRequestId,
  messagingTypesId,
  type GuestMessage,
  type MessagingError,
} from '../../guest/index.ts'
import { messageLimits, type Message, type NewMessage } from '../../messages/index.ts'
import { reserved } from '../call/failure.ts'
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
        requireGranted(message.topic, publishes)
        await topics().publish(message).catch(told)
      },
    }
    return { send }
  },
}

/** Whoever may publish to a topic may ask there; whoever was asked may reply, so that it is given to all. */
const requestReply: InterfaceOffer = {
  id: messagingRequestId,
  summary: 'ask over the granted topics and wait for replies, and reply to what was asked',
  grantKind: null,
  allowedBy: grantKind,
  part: messagingPartName,
  bind: (context: AppContext) => ({
    request: { mode: 'call', run: (args, caller) => ask(context, args, caller) },
    reply: {
      mode: 'call',
      async run([replyTo, contentType, data, metadata], caller) {
        const { body, ...rest } = messageFrom('', contentType, data, metadata)
        if (typeof replyTo !== 'string') throw new TypeError('what is replied to should be a string')
        const { deadlineMs, signal } = reserved(caller)
        const terms = {
          ...(deadlineMs !== undefined && { timeoutMs: deadlineMs }),
          ...(signal !== undefined && { signal }),
        }
        await context
          .topics()
          .reply(
            replyTo,
            { body, contentType: rest.contentType ?? null, metadata: rest.metadata ?? [] },
            terms,
          )
          .catch(told)
      },
    } satisfies BoundFunction,
  }),
}

export const messaging: readonly InterfaceOffer[] = [types, producer, requestReply]

async function ask(
  { app, publishes, topics }: AppContext,
  [topic, contentType, data, metadata, timeoutMs, replies]: readonly unknown[],
  caller: GuestCaller | undefined,
): Promise<GuestMessage[]> {
  const { key: _, ...message } = messageFrom(topic, contentType, data, metadata)
  requireGranted(message.topic, publishes)
  const wantedMs = typeof timeoutMs === 'number' ? timeoutMs : messageLimits.requestMs
  // The caller keeps some of its own time to do something about a request that nobody answers.
  const { deadlineMs = wantedMs, signal } = reserved(caller, Math.min(wantedMs, messageLimits.requestMostMs))
  const terms = {
    app,
    timeoutMs: deadlineMs,
    replies: typeof replies === 'number' ? replies : 1,
    ...(signal !== undefined && { signal }),
  }
  const answers = await topics().request(message, terms).catch(told)
  return answers.map(guestMessage)
}

/** Where a reply came by is the node's business. */
function guestMessage({ contentType, body, metadata }: Message): GuestMessage {
  return { topic: undefined, contentType: contentType ?? undefined, data: body, metadata }
}

/** Of a topic that was not granted nobody learns whether it exists. */
function requireGranted(topic: string, publishes: ReadonlySet<string>): void {
  if (!publishes.has(topic))
    throw fail({ tag: 'permission-denied', val: 'the release may not publish to this topic' })
}

const timeouts = ['ERR_REQUEST_TIMEOUT', 'ERR_REQUEST_OVER']
const connections = ['ERR_MESSAGES_CLOSED', 'ERR_REQUEST_UNHEARD', 'ERR_NO_MESH']

/** In the words of the draft. */
function told(error: unknown): never {
  if (isSelvedgeError(error, ...timeouts)) throw fail({ tag: 'timeout' })
  throw fail({ tag: isSelvedgeError(error, ...connections) ? 'connection' : 'other', val: messageOf(error) })
}

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
