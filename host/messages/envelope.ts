/** A message as it lies on the disk, on its way out or in. */
import { decodeCbor, encodeCbor, isSelvedgeError, messageOf, topicPattern } from '../../core/index.ts'
import { messageLimits as limits, type Message } from './contract.ts'
import { messageProblems } from './problems.ts'

export interface Envelope {
  readonly message: Message
  /** By the node's own age, see `age-clock.ts`; null for what has arrived, which waits for as long as it takes. */
  readonly untilMs: number | null
}

const version = 1
/** Of a body and everything beside it: what a queue must take. */
export const envelopeBytes = limits.bodyBytes + 4 * limits.metadataChars + 8 * 1024
const bounds = { maxBytes: envelopeBytes, maxDepth: 4, maxItems: 3 * limits.metadataEntries + 32 }

export function packEnvelope({ message, untilMs }: Envelope): Uint8Array {
  const { id, topic, key, contentType, metadata, body, origin, timeMs } = message
  return encodeCbor([version, id, topic, key, contentType, metadata, body, origin, timeMs, untilMs])
}

/** @throws ERR_MESSAGES_DAMAGED */
export function openEnvelope(bytes: Uint8Array): Envelope {
  const list = decoded(bytes)
  if (!Array.isArray(list) || list.length !== 10 || list[0] !== version) throw damaged('of another shape')
  const [, id, topic, key, contentType, metadata, body, origin, timeMs, untilMs] = list as unknown[]
  if (typeof id !== 'string' || typeof origin !== 'string') throw damaged('without an id')
  if (typeof topic !== 'string' || !topicPattern.test(topic)) throw damaged('without a topic')
  if (!(body instanceof Uint8Array)) throw damaged('without a body')
  return {
    message: {
      id,
      topic,
      key: textOrNull(key),
      contentType: textOrNull(contentType),
      metadata: pairsOf(metadata),
      body,
      origin,
      timeMs: numberOf(timeMs),
    },
    untilMs: untilMs === null ? null : numberOf(untilMs),
  }
}

function decoded(bytes: Uint8Array): unknown {
  try {
    return decodeCbor(bytes, bounds)
  } catch (cause) {
    throw damaged(isSelvedgeError(cause) ? cause.message : messageOf(cause), cause)
  }
}

function textOrNull(value: unknown): string | null {
  if (value === null || typeof value === 'string') return value
  throw damaged('with a text that is none')
}

function numberOf(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw damaged('with a number that is none')
}

function pairsOf(value: unknown): [string, string][] {
  if (!Array.isArray(value)) throw damaged('with metadata that is none')
  return (value as unknown[]).map((pair) => {
    const [name, text] = Array.isArray(pair) ? (pair as unknown[]) : []
    if (typeof name !== 'string' || typeof text !== 'string') throw damaged('with metadata that is none')
    return [name, text]
  })
}

function damaged(what: string, cause?: unknown): Error {
  return messageProblems.error('ERR_MESSAGES_DAMAGED', `a message in the journal is damaged: ${what}`, {
    cause,
  })
}
