/**
 * Structured logs: an event name, fields, a scope.
 *
 * The event is a constant such as `app:started`; everything that varies is a field. People get one readable
 * line on stderr, machines get JSON lines.
 */
import type { Clock } from './clock.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFields = Readonly<Record<string, unknown>>

export interface LogEntry {
  /** Wall clock, ms since the epoch. */
  readonly time: number
  readonly level: LogLevel
  readonly scope: string
  readonly event: string
  readonly fields: LogFields
}

/** Where entries go. Must not throw and must not block. */
export type LogSink = (entry: LogEntry) => void

export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  /** A log whose entries carry `scope` behind this one's. */
  scope(name: string): Log
}

/** In the order of their weight. */
export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

const rank: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 }

/** A log that writes entries of at least `level` to `sink`. */
export function createLog(sink: LogSink, clock: Clock, level: LogLevel = 'info', scope = ''): Log {
  const write = (entryLevel: LogLevel, event: string, fields: LogFields = {}): void => {
    if (rank[entryLevel] < rank[level]) return
    sink({ time: clock.now(), level: entryLevel, scope, event, fields })
  }
  return {
    debug: (event, fields) => write('debug', event, fields),
    info: (event, fields) => write('info', event, fields),
    warn: (event, fields) => write('warn', event, fields),
    error: (event, fields) => write('error', event, fields),
    scope: (name) => createLog(sink, clock, level, scope === '' ? name : `${scope}.${name}`),
  }
}

/** For tests and one-off clients. */
export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  scope: () => silentLog,
}

/** One line for a person: `12:03:07 warn  apps  app:backoff  app=light-alarm retryMs=400`. */
export function formatForPeople(entry: LogEntry): string {
  const time = new Date(entry.time).toISOString().slice(11, 19)
  const fields = Object.entries(entry.fields)
    .map(([key, value]) => `${key}=${printable(value)}`)
    .join(' ')
  return `${time} ${entry.level.padEnd(5)} ${entry.scope.padEnd(9)} ${entry.event}${fields === '' ? '' : `  ${fields}`}`
}

/** One JSON object, without a line break inside. What the entry itself says stands before a field of the same name. */
export function formatForMachines(entry: LogEntry): string {
  const { time, fields, ...rest } = entry
  const own = { time: new Date(time).toISOString(), ...rest }
  return asJson({ ...own, ...fields, ...own })
}

/** On one line and without control characters: a field may carry what a peer or a guest wrote. */
function printable(value: unknown): string {
  const isWord = typeof value === 'string' && !/[\s"\p{Cc}\p{Cf}]/u.test(value)
  return (isWord ? value : asJson(value)).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped)
}

/** Errors as their message, which JSON alone would drop, and counts beyond its numbers as text. */
function asJson(value: unknown): string {
  const text = JSON.stringify(value, (_key, item: unknown) => {
    if (item instanceof Error) return item.message
    return typeof item === 'bigint' ? String(item) : item
  })
  return text ?? String(value)
}

function escaped(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
}
