/**
 * A page of an app's log as it crosses between two nodes. Whoever takes it in trusts no text of it: it passes the one
 * sanitiser at this border.
 */
import {
  encodeCbor,
  latestDateMs,
  logLevels,
  plainLines,
  plainText,
  type LogLevel,
} from '../../core/index.ts'
import { logWireLimits as limits } from './limits.ts'
import { broken, decoded, isCount, levelOf } from './question.ts'

export interface KeptLine {
  /** Its place in the app's log on its node: grows from line to line, over restarts as well. */
  readonly seq: number
  /** By the wall clock of its node, ms. */
  readonly time: number
  readonly level: LogLevel
  readonly version: string
  readonly context: string
  readonly message: string
}

export interface LogPage {
  /** Oldest first. */
  readonly lines: readonly KeptLine[]
  /** Where whoever reads goes on; also behind lines that were not wanted. */
  readonly cursor: number
  /** Lines behind the place that was asked for that are kept no more: so many at least. */
  readonly missed: number
  /** There is more to read at once. */
  readonly more: boolean
  /** The wall clock of the node that answers, ms. */
  readonly nowMs: number
}

/** What a line adds to a page at most, bytes. */
export function lineBytes({ version, context, message }: KeptLine): number {
  return 32 + 3 * (version.length + context.length) + Buffer.byteLength(message)
}

export function encodePage({ lines, cursor, missed, more, nowMs }: LogPage): Uint8Array {
  const rows = lines.map(({ seq, time, level, version, context, message }) => [
    seq,
    Math.max(0, Math.round(time)),
    logLevels.indexOf(level),
    version,
    context,
    message,
  ])
  return encodeCbor([cursor, missed, more, Math.max(0, Math.round(nowMs)), rows])
}

/** @throws ERR_LOGS_PROTOCOL */
export function decodePage(bytes: Uint8Array): LogPage {
  const list = decoded(bytes, limits.pageBytes + 8 * 1024, limits.pageLines * 8 + 16)
  if (!Array.isArray(list) || list.length < 5) throw broken('a page of another shape')
  const [cursor, missed, more, nowMs, rows] = list as unknown[]
  const most = Number.MAX_SAFE_INTEGER
  if (!isCount(cursor, most) || !isCount(missed, most) || !isCount(nowMs, most))
    throw broken('a page without its numbers')
  if (typeof more !== 'boolean' || !Array.isArray(rows) || rows.length > limits.pageLines)
    throw broken('a page of another shape')
  let last = 0
  const lines = (rows as unknown[]).map((row) => {
    const line = lineOf(row)
    if (line.seq <= last) throw broken('lines out of order')
    last = line.seq
    return line
  })
  if (last > cursor) throw broken('a page that ends before its lines')
  return { lines, cursor, missed, more, nowMs }
}

function lineOf(row: unknown): KeptLine {
  if (!Array.isArray(row) || row.length < 6) throw broken('a line of another shape')
  const [seq, time, level, version, context, message] = row as unknown[]
  if (!isCount(seq, Number.MAX_SAFE_INTEGER) || !isCount(time, latestDateMs))
    throw broken('a line without its place')
  return {
    seq,
    time,
    level: levelOf(level),
    version: plainText(textOf(version, limits.versionChars)),
    context: plainText(textOf(context, limits.contextChars)),
    message: plainLines(textOf(message, limits.messageChars)),
  }
}

function textOf(value: unknown, most: number): string {
  if (typeof value === 'string' && value.length <= most) return value
  throw broken('a text that is none, or too long')
}
