/** What a node asks another about an app's log: from where on, which lines, and how long it would wait for news. */
import {
  decodeCbor,
  encodeCbor,
  isSelvedgeError,
  logLevels,
  messageOf,
  type LogLevel,
} from '../../core/index.ts'
import { logWireLimits as limits } from './limits.ts'
import { logsProblems } from './problems.ts'

/** `tail`: the newest so many that are wanted; `after`: behind this `seq`, 0 for the oldest that is kept. */
export type LogStart = { readonly after: number } | { readonly tail: number }

export interface LogFilter {
  /** No older than so many ms, by the clock of the node that has them. */
  readonly sinceMs: number | null
  /** This level and those above. */
  readonly level: LogLevel | null
  /** Lines that contain it, in upper or lower case. */
  readonly text: string | null
}

export interface LogQuestion {
  readonly app: string
  readonly from: LogStart
  readonly filter: LogFilter
  /** How long the answer may wait for a line, ms. */
  readonly waitMs: number
}

const appPattern = /^[a-z][a-z0-9-]{0,62}$/

export function encodeQuestion({ app, from, filter, waitMs }: LogQuestion): Uint8Array {
  const [kind, count] = 'tail' in from ? [1, from.tail] : [0, from.after]
  const level = filter.level === null ? null : logLevels.indexOf(filter.level)
  return encodeCbor([app, kind, count, filter.sinceMs, level, filter.text, waitMs])
}

/** @throws ERR_LOGS_PROTOCOL */
export function decodeQuestion(bytes: Uint8Array): LogQuestion {
  const list = decoded(bytes, limits.questionBytes, 16)
  // A question of a newer node may say more.
  if (!Array.isArray(list) || list.length < 7) throw broken('a question of another shape')
  const [app, kind, count, sinceMs, level, text, waitMs] = list as unknown[]
  if (typeof app !== 'string' || !appPattern.test(app)) throw broken('an app that is none')
  if (!isCount(count, Number.MAX_SAFE_INTEGER)) throw broken('a place in a log that is none')
  if (!isCount(waitMs, limits.longestWaitMs)) throw broken('a wait that is none')
  if (sinceMs !== null && !isCount(sinceMs, limits.longestSinceMs)) throw broken('an age that is none')
  if (text !== null && (typeof text !== 'string' || text.length > limits.textChars))
    throw broken('a search that is none')
  return {
    app,
    from: startOf(kind, count),
    filter: { sinceMs, level: level === null ? null : levelOf(level), text },
    waitMs,
  }
}

function startOf(kind: unknown, count: number): LogStart {
  if (kind === 0) return { after: count }
  if (kind !== 1 || count > limits.tail) throw broken('a beginning that is none')
  return { tail: count }
}

/** @throws ERR_LOGS_PROTOCOL */
export function levelOf(value: unknown): LogLevel {
  const level = typeof value === 'number' ? logLevels[value] : undefined
  if (level === undefined) throw broken('a level that is none')
  return level
}

export function isCount(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most
}

/** @throws ERR_LOGS_PROTOCOL with what CBOR said beneath */
export function decoded(bytes: Uint8Array, maxBytes: number, maxItems: number): unknown {
  try {
    return decodeCbor(bytes, { maxBytes, maxDepth: 3, maxItems })
  } catch (error) {
    throw broken(isSelvedgeError(error) ? error.message : messageOf(error), error)
  }
}

export function broken(what: string, cause?: unknown): Error {
  return logsProblems.error('ERR_LOGS_PROTOCOL', `the other node sent ${what}`, { cause })
}
