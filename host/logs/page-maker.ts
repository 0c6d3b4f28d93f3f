/** One page of an app's log: what is wanted of lines that come in order, as many as fit, and what it took to find them. */
import { lineBytes, logWireLimits, type KeptLine, type LogPage } from '../../mesh/index.ts'
import type { Wants } from './filter.ts'

/** Lines of one start of the node, and of one app: more than a node writes in its life. */
export const linesPerStart = 1_000_000_000

export interface Found {
  /** Bytes of files that were looked through. */
  readonly scannedBytes: number
}

/** A page without its clock. */
export type LinesFound = Omit<LogPage, 'nowMs'> & Found

export function nothingAfter(cursor: number): LinesFound {
  return { lines: [], cursor, missed: 0, more: false, scannedBytes: 0 }
}

/** Fills a page with what is wanted of the lines that it is handed, which are in order. */
export class PageMaker {
  readonly #after: number
  readonly #wants: Wants
  readonly #lines: KeptLine[] = []
  #bytes = 0
  #missed: number | null = null
  cursor: number
  scannedBytes = 0

  constructor(after: number, wants: Wants) {
    this.#after = after
    this.#wants = wants
    this.cursor = after
  }

  /** @returns false where there is no room for it */
  take(line: KeptLine): boolean {
    if (line.seq <= this.cursor) return true
    const isWanted = this.#wants(line)
    const bytes = isWanted ? lineBytes(line) : 0
    const isFull =
      this.#bytes + bytes > logWireLimits.pageBytes || this.#lines.length >= logWireLimits.pageLines
    if (isFull) return false
    this.#missed ??= this.#after === 0 ? 0 : missing(this.#after, line.seq)
    this.cursor = line.seq
    if (!isWanted) return true
    this.#bytes += bytes
    this.#lines.push(line)
    return true
  }

  ended(more: boolean): LinesFound {
    const { scannedBytes } = this
    return { lines: this.#lines, cursor: this.cursor, missed: this.#missed ?? 0, more, scannedBytes }
  }
}

/** Lines between two numbers; of two starts of the node those that the later one is known to have had. */
function missing(after: number, next: number): number {
  const isOneStart = Math.floor(after / linesPerStart) === Math.floor(next / linesPerStart)
  return isOneStart ? next - 1 - after : (next % linesPerStart) - 1
}
