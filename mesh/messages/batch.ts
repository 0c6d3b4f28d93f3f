/**
 * Messages as they cross between two nodes: several in one CBOR array, and what became of each in the answer. Whose they
 * are is not said in them: it is the peer of the admitted connection, so that nobody can send in another's name.
 */
import {
  decodeCbor,
  encodeCbor,
  isSelvedgeError,
  latestDateMs,
  messageOf,
  topicPattern,
} from '../../core/index.ts'
import { messageWireLimits as limits } from './limits.ts'
import { messagesProblems } from './problems.ts'

export interface WireMessage {
  /** Unique among those of its origin. */
  readonly id: string
  readonly topic: string
  readonly key: string | null
  readonly contentType: string | null
  readonly metadata: readonly (readonly [string, string])[]
  readonly body: Uint8Array
  /** By the origin's wall clock. */
  readonly timeMs: number
}

/**
 * `taken`: on the receiver's disk, or known there already. `unwanted`: nobody hears the topic there. `refused`: the
 * receiver's releases do not let it come from there. `later`: there is no room, or no time.
 */
export type Verdict = 'taken' | 'unwanted' | 'refused' | 'later'

export interface Verdicts {
  /** In the order of the batch. */
  readonly verdicts: readonly Verdict[]
  /** Not before so long has passed is anything else welcome, ms. */
  readonly waitMs: number
}

const words: readonly Verdict[] = ['taken', 'unwanted', 'refused', 'later']
const idPattern = /^[\x21-\x7e]{1,64}$/
/** What an entry costs beside its texts and body. */
const entryOverheadBytes = 64
const itemsPerMessage = 8 + 3 * limits.metadataEntries

/** What a message adds to a batch at most, bytes. */
export function wireSize({
  topic,
  key,
  contentType,
  metadata,
  body,
}: Omit<WireMessage, 'id' | 'timeMs'>): number {
  const chars = metadata.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0)
  const texts = topic.length + (key?.length ?? 0) + (contentType?.length ?? 0) + chars
  return body.length + texts * 3 + limits.idChars + entryOverheadBytes
}

export function encodeBatch(messages: readonly WireMessage[]): Uint8Array {
  return encodeCbor(
    messages.map(({ id, topic, key, contentType, metadata, body, timeMs }) => [
      id,
      topic,
      key,
      contentType,
      metadata,
      body,
      timeMs,
    ]),
  )
}

/** @throws ERR_MESSAGES_PROTOCOL, ERR_MESSAGES_ENDLESS; with what CBOR said beneath */
export function decodeBatch(bytes: Uint8Array): WireMessage[] {
  const list = decoded(bytes, limits.batchBytes, limits.batchMessages * itemsPerMessage)
  if (!Array.isArray(list) || list.length === 0) throw broken('a batch of another shape')
  if (list.length > limits.batchMessages) throw endless(`${list.length} messages in one batch`)
  return list.map(messageOfList)
}

export function encodeVerdicts({ verdicts, waitMs }: Verdicts): Uint8Array {
  return encodeCbor([
    Math.min(limits.longestWaitMs, Math.ceil(waitMs)),
    ...verdicts.map((word) => words.indexOf(word)),
  ])
}

/** @param count of the messages that were asked about @throws ERR_MESSAGES_PROTOCOL */
export function decodeVerdicts(bytes: Uint8Array, count: number): Verdicts {
  const list = decoded(bytes, 16 + limits.batchMessages * 2, limits.batchMessages + 2)
  if (!Array.isArray(list) || list.length !== count + 1) throw broken('an answer of another shape')
  const [waitMs, ...numbers] = list as unknown[]
  if (typeof waitMs !== 'number' || waitMs < 0 || waitMs > limits.longestWaitMs)
    throw broken('a wait that is none')
  return {
    waitMs,
    verdicts: numbers.map((number) => {
      const word = typeof number === 'number' ? words[number] : undefined
      if (word === undefined) throw broken('a verdict that is none')
      return word
    }),
  }
}

function messageOfList(value: unknown): WireMessage {
  if (!Array.isArray(value) || value.length !== 7) throw broken('a message of another shape')
  const [id, topic, key, contentType, metadata, body, timeMs] = value as unknown[]
  if (typeof id !== 'string' || !idPattern.test(id)) throw broken('an id that is none')
  if (typeof topic !== 'string' || !topicPattern.test(topic)) throw broken('a topic that is none')
  if (!(body instanceof Uint8Array) || body.length > limits.bodyBytes) throw broken('a body that is none')
  if (typeof timeMs !== 'number' || !Number.isInteger(timeMs) || timeMs < 0 || timeMs > latestDateMs)
    throw broken('a time that is none')
  return {
    id,
    topic,
    key: textOrNull(key, limits.keyChars),
    contentType: textOrNull(contentType, limits.contentTypeChars),
    metadata: metadataOf(metadata),
    body,
    timeMs,
  }
}

function textOrNull(value: unknown, most: number): string | null {
  if (value === null || (typeof value === 'string' && value.length <= most)) return value
  throw broken('a text that is none, or too long')
}

function metadataOf(value: unknown): [string, string][] {
  if (!Array.isArray(value) || value.length > limits.metadataEntries)
    throw broken('metadata of another shape')
  let chars = 0
  return (value as unknown[]).map((pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw broken('metadata of another shape')
    const [name, text] = pair as unknown[]
    if (typeof name !== 'string' || typeof text !== 'string') throw broken('metadata that is no text')
    chars += name.length + text.length
    if (chars > limits.metadataChars) throw broken('metadata that is too long')
    return [name, text]
  })
}

function decoded(bytes: Uint8Array, maxBytes: number, maxItems: number): unknown {
  try {
    return decodeCbor(bytes, { maxBytes, maxDepth: 4, maxItems })
  } catch (error) {
    throw isSelvedgeError(error, 'ERR_CBOR_SIZE') ? endless(error.message) : broken(messageOf(error), error)
  }
}

function broken(what: string, cause?: unknown): Error {
  return messagesProblems.error('ERR_MESSAGES_PROTOCOL', `the other node sent ${what}`, { cause })
}

function endless(what: string): Error {
  return messagesProblems.error('ERR_MESSAGES_ENDLESS', `the other node sent ${what}`)
}
