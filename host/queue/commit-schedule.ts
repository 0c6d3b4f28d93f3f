/**
 * When a queue writes: at once for what somebody waits for, a moment later for what is only taken out, and one
 * transaction at a time, so that what comes meanwhile goes into the next one together.
 */
import type { Cancel, Clock } from '../../core/index.ts'

export class CommitSchedule {
  readonly #clock: Clock
  readonly #commit: () => Promise<void>
  /** Milliseconds until the next one is wanted; null where there is nothing to write. */
  readonly #wantedIn: () => number | null
  #running: Promise<void> | null = null
  #cancelSoon: Cancel | null = null
  #isClosed = false

  /** @param commit one transaction; must not throw */
  constructor(clock: Clock, commit: () => Promise<void>, wantedIn: () => number | null) {
    this.#clock = clock
    this.#commit = commit
    this.#wantedIn = wantedIn
  }

  /** There is something more to write. */
  poke(): void {
    const delayMs = this.#isClosed || this.#running !== null ? null : this.#wantedIn()
    if (delayMs === null) return
    if (delayMs > 0) {
      this.#cancelSoon ??= this.#clock.after(delayMs, () => {
        this.#cancelSoon = null
        this.#run()
      })
      return
    }
    this.#cancelSoon?.()
    this.#cancelSoon = null
    this.#run()
  }

  /** Writes nothing more by itself; resolves when what is under way is over. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelSoon?.()
    await this.#running
  }

  #run(): void {
    if (this.#isClosed || this.#running !== null) return
    // After this turn: what else it brings goes along.
    this.#running = Promise.resolve()
      .then(() => this.#commit())
      .finally(() => {
        this.#running = null
        this.poke()
      })
  }
}
