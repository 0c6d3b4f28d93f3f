/**
 * How long a store has existed, by which its entries grow old: the time of the wall may be of 1970 or 2035, and may jump.
 *
 * While the node runs it counts by the monotonic clock, so that nothing expires because a clock was set. What passed while
 * it was off is told by the wall clock alone: it counts where that went forward by a time for which a node may well have
 * been off, and not at all where it went back, or years ahead. So an entry may live longer than its time, by how long the
 * node was off with a wrong clock; it never expires before, except where a clock was wrong by less than that bound.
 */

/** The times that it needs; core's Clock has them. */
export interface TimeSource {
  now(): number
  monotonicMs(): number
}

/** What is kept of it on the disk: an age, and the wall clock at that moment. Both in whole ms. */
export interface SavedAge {
  readonly ageMs: number
  readonly wallMs: number
}

/** A clock that is further ahead than this was wrong, before or now. */
export const longestOffMs = 400 * 24 * 3_600_000

export class AgeClock {
  readonly #time: TimeSource
  readonly #startedAtMs: number
  readonly #ageAtStartMs: number

  /** @param saved null for a new store @param atLeastMs an age that something in the store has reached */
  constructor(time: TimeSource, saved: SavedAge | null, atLeastMs = 0) {
    this.#time = time
    this.#startedAtMs = time.monotonicMs()
    const sinceMs = saved === null ? 0 : time.now() - saved.wallMs
    const offMs = sinceMs > 0 && sinceMs <= longestOffMs ? sinceMs : 0
    this.#ageAtStartMs = Math.max(Math.floor((saved?.ageMs ?? 0) + offMs), atLeastMs)
  }

  /** Whole ms; never goes back. */
  ageMs(): number {
    return this.#ageAtStartMs + Math.floor(this.#time.monotonicMs() - this.#startedAtMs)
  }

  save(): SavedAge {
    return { ageMs: this.ageMs(), wallMs: Math.floor(this.#time.now()) }
  }
}
