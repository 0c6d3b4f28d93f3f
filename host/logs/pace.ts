/**
 * How fast one node is read, and for how long the others wait for what it still has to tell: by this, a node that never
 * comes to an end, or tells nothing over and over, costs its reader little. Pure: every call is handed the time.
 */
import { TokenBucket } from '../../core/index.ts'
import { lineBytes, type LogPage, type LogStart } from '../../mesh/index.ts'
import { logLimits as limits } from './limits.ts'

export class Pace {
  readonly #bytes = new TokenBucket(limits.sourceBytesPerSecond, 1_000)
  readonly #mostLines: number
  #lines = 0
  #sinceMs: number
  #restMs = 0
  #cursor = 0
  #askedMs: number
  /** It has more at hand. */
  isReading = true
  isHeeded = true

  constructor(from: LogStart, nowMs: number) {
    this.#mostLines = 'tail' in from ? from.tail : limits.pastLines
    this.#sinceMs = nowMs
    this.#askedMs = nowMs
  }

  /** It gave more of what was than was asked for, or than there can be. */
  get isTooMuch(): boolean {
    return this.#lines >= this.#mostLines
  }

  /** It is there again. */
  begin(nowMs: number): void {
    this.#sinceMs = nowMs
    this.isReading = true
  }

  waitMs(nowMs: number): number {
    const waitMs = Math.max(this.#restMs, this.#bytes.waitMs(nowMs))
    this.#restMs = 0
    this.#askedMs = nowMs + waitMs
    return waitMs
  }

  took({ lines, cursor, more }: LogPage, nowMs: number): void {
    const bytes = lines.reduce((sum, line) => sum + lineBytes(line), 0)
    this.#bytes.take(bytes, nowMs)
    this.#lines += lines.length
    const isStill = lines.length === 0 && cursor <= this.#cursor
    // Where there was nothing to wait for, and no wait either, the next answer would be as empty.
    if (lines.length === 0 && (more || nowMs - this.#askedMs < limits.tooSoonMs))
      this.#restMs = isStill && (more || !this.isReading) ? limits.tooSoonMs : limits.emptyPageMs
    this.#cursor = cursor
    if (more && !this.isReading) this.#sinceMs = nowMs
    this.isReading = more
    this.isHeeded = nowMs - this.#sinceMs < limits.catchUpMs
  }
}
