/**
 * Wakes a state machine when it next has something to do, with one timer: a node at rest that looks whether there is
 * anything to do ten times a second uses more of a small device than what it finds.
 */
import type { Cancel, Clock } from './clock.ts'

export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #timer: { readonly dueMs: number; readonly cancel: Cancel } | null = null

  /** @param ring must not throw; it sets the alarm again */
  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** @param dueMs monotonic; Infinity for never. A timer that is set already may ring before it, and rings once. */
  set(dueMs: number): void {
    // One that comes too early does no harm, and leaving it costs less than another.
    if (dueMs === Infinity || (this.#timer !== null && this.#timer.dueMs <= dueMs)) return
    this.#timer?.cancel()
    // Node.js cuts fractions off: the timer would come too early, find nothing due, and have to be set once more.
    const waitMs = Math.max(0, Math.ceil(dueMs - this.#clock.monotonicMs()))
    const cancel = this.#clock.after(waitMs, () => {
      this.#timer = null
      this.#ring()
    })
    this.#timer = { dueMs, cancel }
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
  }
}
