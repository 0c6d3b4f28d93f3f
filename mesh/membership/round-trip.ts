/** How long to wait for an answer, from the answers before: TCP's own estimate (RFC 6298), with bounds of ours. */
const smoothing = 1 / 8
const variation = 1 / 4

export class RoundTrip {
  #smoothedMs: number | null = null
  #variationMs = 0

  /** Smoothed; null before the first answer. */
  get ms(): number | null {
    return this.#smoothedMs
  }

  sample(ms: number): void {
    if (this.#smoothedMs === null) {
      this.#smoothedMs = ms
      this.#variationMs = ms / 2
      return
    }
    this.#variationMs += variation * (Math.abs(this.#smoothedMs - ms) - this.#variationMs)
    this.#smoothedMs += smoothing * (ms - this.#smoothedMs)
  }

  timeoutMs(floorMs: number, capMs: number): number {
    // Nothing is known of the first: twice the floor.
    const expected = this.#smoothedMs === null ? 2 * floorMs : this.#smoothedMs + 4 * this.#variationMs
    return Math.min(capMs, Math.max(floorMs, expected))
  }
}
