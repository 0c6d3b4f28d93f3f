/**
 * How many posts a guest may have under way, and how many may come in a second. It stands before the line, inside the
 * sandbox: of a guest that floods its log nothing but this much is copied, crosses, or wakes the node.
 */

/** Between two looks for what the node has dealt with, ms: a guest that floods asks for each line. */
const lookEveryMs = 1

export interface PostLimits {
  readonly postsInFlight: number
  /** As many may come at once after a pause. */
  readonly postsPerSecond: number
}

export class PostBudget {
  readonly #limits: PostLimits
  readonly #nowMs: () => number
  #underWay = 0
  #dropped = 0
  #tokens: number
  #tokensAtMs: number
  #lookedAtMs = -Infinity

  /** @param nowMs of a monotonic clock */
  constructor(limits: PostLimits, nowMs: () => number) {
    this.#limits = limits
    this.#nowMs = nowMs
    this.#tokens = limits.postsPerSecond
    this.#tokensAtMs = nowMs()
  }

  /** Whether nothing but the node's answers keep a post back, and it is time to see whether there are some. */
  get mayLook(): boolean {
    if (this.#underWay < this.#limits.postsInFlight) return false
    const nowMs = this.#nowMs()
    if (nowMs - this.#lookedAtMs < lookEveryMs) return false
    this.#lookedAtMs = nowMs
    return true
  }

  /** @returns false where the post is dropped, which is counted */
  take(): boolean {
    this.#refill()
    if (this.#underWay >= this.#limits.postsInFlight || this.#tokens < 1) {
      this.#dropped += 1
      return false
    }
    this.#tokens -= 1
    this.#underWay += 1
    return true
  }

  #refill(): void {
    const nowMs = this.#nowMs()
    const rate = this.#limits.postsPerSecond
    this.#tokens = Math.min(rate, this.#tokens + ((nowMs - this.#tokensAtMs) / 1_000) * rate)
    this.#tokensAtMs = nowMs
  }

  done(count: number): void {
    this.#underWay -= count
  }

  takeDropped(): number {
    const dropped = this.#dropped
    this.#dropped = 0
    return dropped
  }
}
