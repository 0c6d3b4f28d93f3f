/**
 * When messages for one node are sent. Pure: it is told what happened and the time, and says when the next batch may go.
 *
 * One batch is under way at a time, which keeps the order. A node that is not reached is dialled at growing intervals,
 * and at once when it has connected by itself; one that answers and has no room is asked again when it says.
 */
import { backoffMs, type Random } from '../../core/index.ts'

export const courierRules = {
  /** A node that is away is dialled this long after the first failure, and at most this seldom. */
  awayMs: 2_000,
  awayMostMs: 300_000,
  /** One that is there and fails. */
  failedMs: 500,
  failedMostMs: 60_000,
  /** One that says that it has no room, unless it says when it will. */
  fullMs: 1_000,
} as const

export class Courier {
  readonly #random: Random
  #isSending = false
  /** Monotonic ms. */
  #notBeforeMs = 0
  #failures = 0
  #isAway = false

  constructor(random: Random) {
    this.#random = random
  }

  /** Monotonic ms from which on the next batch may go; null while one is under way. */
  get dueMs(): number | null {
    return this.#isSending ? null : this.#notBeforeMs
  }

  /** The last try did not reach it. */
  get isAway(): boolean {
    return this.#isAway
  }

  sent(): void {
    this.#isSending = true
  }

  /** @param waitMs it wants nothing more before that; 0 where it does not say @param hasNoRoom for some of them */
  answered(now: number, waitMs: number, hasNoRoom: boolean): void {
    this.#isSending = false
    this.#isAway = false
    this.#failures = 0
    const least = hasNoRoom ? courierRules.fullMs : 0
    this.#notBeforeMs = now + Math.max(least, waitMs)
  }

  /** @param isReached whether it was connected at all */
  failed(now: number, isReached: boolean): void {
    const { awayMs, awayMostMs, failedMs, failedMostMs } = courierRules
    this.#isSending = false
    this.#isAway = !isReached
    const [base, cap] = isReached ? [failedMs, failedMostMs] : [awayMs, awayMostMs]
    this.#notBeforeMs = now + backoffMs(this.#failures, base, cap, this.#random)
    this.#failures += 1
  }

  /** It has connected by itself: what was known of its absence is over. */
  connected(now: number): void {
    if (!this.#isAway) return
    this.#isAway = false
    this.#failures = 0
    this.#notBeforeMs = now
  }
}
