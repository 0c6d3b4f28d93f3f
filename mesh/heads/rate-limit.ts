/** A token bucket: so many at once, so many per second in the long run. */
export class RateLimit {
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #atMs: number

  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#tokens = burst
    this.#atMs = nowMs
  }

  /**
   * @param cost of what is about to be done. The last token buys it whatever it costs, and the debt is paid off
   *   before the next: so a thing that costs more than the burst is still done, once
   * @returns false when there is none left
   */
  take(nowMs: number, cost = 1): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#atMs) / 1_000) * this.#perSecond)
    this.#atMs = nowMs
    if (this.#tokens < 1) return false
    this.#tokens -= cost
    return true
  }
}
