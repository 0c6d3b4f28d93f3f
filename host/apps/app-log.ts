/**
 * What the apps of this node say: the last lines in memory, and whoever follows them.
 *
 * Bounded three ways, because guests write it: lines in all, characters in all, and lines a second of one app, so
 * that a loop that logs cannot push out what the others said. What is left out is counted in a line of its own.
 */
import { plainLines, type Cancel, type Clock, type LogLevel } from '../../core/index.ts'
import type { LogLine, LogRead, LogSource } from '../api/index.ts'

/** UTF-16 units; what is longer is cut and marked. */
export const maxMessageLength = 4_096
const maxContextLength = 128
/** In all, about 16 MB at most. */
const maxCharacters = 8_000_000
const windowMs = 1_000

export interface AppLogLimits {
  /** Lines kept, all apps together. */
  readonly lines: number
  /** Lines that one app may add in a second. */
  readonly linesPerSecond: number
}

export interface NewLine {
  readonly app: string
  readonly version: string
  readonly level: LogLevel
  readonly context: string
  readonly message: string
}

interface Rate {
  windowStartMs: number
  count: number
  dropped: number
  /** Says how many were dropped when the second is over. */
  cancel: Cancel | null
}

export class AppLog implements LogSource {
  readonly #clock: Clock
  readonly #limits: AppLogLimits
  readonly #rates = new Map<string, Rate>()
  readonly #keep: (line: LogLine) => void
  readonly #followers = new Set<() => void>()
  /** The ring: lines from `#first` on. Compacted now and then, so that adding stays cheap. */
  #lines: LogLine[] = []
  #first = 0
  #characters = 0
  #seq = 0

  /** @param keep is handed each line that counts, for the disk */
  constructor(clock: Clock, limits: AppLogLimits, keep: (line: LogLine) => void = () => {}) {
    this.#clock = clock
    this.#limits = limits
    this.#keep = keep
  }

  /** Adds a line, cut to its limits and free of control characters; drops it where the app is over its rate. */
  add(line: NewLine): void {
    const rate = this.#rateOf(line.app)
    rate.count += 1
    if (rate.count > this.#limits.linesPerSecond) {
      rate.dropped += 1
      rate.cancel ??= this.#clock.after(windowMs, () => this.#tellDropped(line))
      return
    }
    this.#append(line)
  }

  read(app: string | null, after: number, limit: number): LogRead {
    // Positions grow by one from line to line, so the place of each is known.
    const oldest = this.#lines[this.#first]?.seq ?? this.#seq + 1
    const lines: LogLine[] = []
    let cursor = Math.max(after, oldest - 1)
    while (lines.length < limit) {
      const line = this.#lines[this.#first + cursor + 1 - oldest]
      if (line === undefined) break
      cursor = line.seq
      if (app === null || line.app === app) lines.push(line)
    }
    return { lines, cursor, missed: Math.max(0, oldest - 1 - Math.max(0, after)) }
  }

  tail(app: string | null, limit: number): readonly LogLine[] {
    const lines: LogLine[] = []
    for (let at = this.#lines.length - 1; at >= this.#first && lines.length < limit; at -= 1) {
      const line = this.#lines[at]
      if (line !== undefined && (app === null || line.app === app)) lines.push(line)
    }
    return lines.reverse()
  }

  onAppend(run: () => void): Cancel {
    const follower = (): void => run()
    this.#followers.add(follower)
    return () => this.#followers.delete(follower)
  }

  /** The app is gone; its lines stay. */
  forget(app: string): void {
    this.#rates.get(app)?.cancel?.()
    this.#rates.delete(app)
  }

  #rateOf(app: string): Rate {
    const nowMs = this.#clock.monotonicMs()
    let rate = this.#rates.get(app)
    if (rate === undefined) {
      rate = { windowStartMs: nowMs, count: 0, dropped: 0, cancel: null }
      this.#rates.set(app, rate)
    } else if (nowMs - rate.windowStartMs >= windowMs) {
      rate.windowStartMs = nowMs
      rate.count = 0
    }
    return rate
  }

  #tellDropped({ app, version }: NewLine): void {
    const rate = this.#rates.get(app)
    if (rate === undefined) return
    const message = `${rate.dropped} lines dropped: more than ${this.#limits.linesPerSecond} in a second`
    rate.dropped = 0
    rate.cancel = null
    this.#append({ app, version, level: 'warn', context: 'node', message })
  }

  #append({ app, version, level, context, message }: NewLine): void {
    this.#seq += 1
    const line: LogLine = {
      seq: this.#seq,
      time: this.#clock.now(),
      app,
      version,
      level,
      context: printable(context, maxContextLength),
      message: printable(message, maxMessageLength),
    }
    this.#lines.push(line)
    this.#characters += sizeOf(line)
    this.#trim()
    this.#keep(line)
    for (const follower of this.#followers) follower()
  }

  #trim(): void {
    while (this.#lines.length - this.#first > this.#limits.lines || this.#characters > maxCharacters) {
      const oldest = this.#lines[this.#first]
      if (oldest === undefined) break
      this.#characters -= sizeOf(oldest)
      this.#first += 1
    }
    if (this.#first > this.#limits.lines) {
      this.#lines = this.#lines.slice(this.#first)
      this.#first = 0
    }
  }
}

function sizeOf({ context, message }: LogLine): number {
  return context.length + message.length
}

/** Escape sequences of a guest must not reach anybody's terminal; tabs and line breaks may. */
function printable(text: string, maxLength: number): string {
  return plainLines(wellFormed(text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text))
}

/** Half of a surrogate pair, as a cut leaves it, is no text that crosses to other nodes. */
function wellFormed(text: string): string {
  return /[\ud800-\udfff]/.test(text) ? Buffer.from(text).toString() : text
}
