/**
 * A cap on bytes per second, for which what was not used is saved up for a while. Pure: every call is handed the time.
 *
 * More may be taken than there is, so that a piece larger than the bucket passes at all; then nobody gets anything
 * until the debt is paid.
 */
/** Less than this is an error of the arithmetic: who has waited as long as told must get something. */
const roundingBytes = 0.001

export class TokenBucket {
  readonly bytesPerSecond: number
  readonly #burstBytes: number
  #tokens: number
  #at: number | null = null

  /** @param bytesPerSecond Infinity for no cap @param burstMs how long what is not used is saved up */
  constructor(bytesPerSecond: number, burstMs = 500) {
    this.bytesPerSecond = bytesPerSecond
    this.#burstBytes = (bytesPerSecond * burstMs) / 1_000
    this.#tokens = this.#burstBytes
  }

  /** Whether anything may be taken now. @param now monotonic ms */
  has(now: number): boolean {
    return this.waitMs(now) === 0
  }

  take(bytes: number, now: number): void {
    this.#fill(now)
    this.#tokens -= bytes
  }

  /** What was taken and not used. */
  giveBack(bytes: number): void {
    this.#tokens = Math.min(this.#burstBytes, this.#tokens + bytes)
  }

  /** Milliseconds until something may be taken, at least 1, or 0 for now. */
  waitMs(now: number): number {
    if (this.bytesPerSecond === Number.POSITIVE_INFINITY) return 0
    this.#fill(now)
    const debt = -this.#tokens
    return debt < roundingBytes ? 0 : Math.max(1, Math.ceil((debt / this.bytesPerSecond) * 1_000))
  }

  #fill(now: number): void {
    if (this.bytesPerSecond === Number.POSITIVE_INFINITY) return
    const passedMs = now - (this.#at ?? now)
    this.#at = now
    this.#tokens = Math.min(this.#burstBytes, this.#tokens + (passedMs * this.bytesPerSecond) / 1_000)
  }
}
