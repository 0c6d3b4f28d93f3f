/**
 * How fast a counter grows, over a window that ends now.
 *
 * As with the idle share, none is shorter than a second: a read soon after another looks back to the sample before. A
 * counter that became smaller was begun anew (an interface that came back), and says nothing until the next sample.
 */
const minWindowMs = 1_000

interface CounterSample {
  /** Monotonic. */
  readonly atMs: number
  readonly count: number
}

export class RateWindow {
  #older: CounterSample | null = null
  #newer: CounterSample
  #last = 0

  constructor(first: CounterSample) {
    this.#newer = first
  }

  /** @returns per second */
  add(sample: CounterSample): number {
    if (sample.count < this.#newer.count) {
      this.#older = null
      this.#newer = sample
      return this.#last
    }
    const isSoon = sample.atMs - this.#newer.atMs < minWindowMs
    const since = isSoon && this.#older !== null ? this.#older : this.#newer
    if (!isSoon) {
      this.#older = this.#newer
      this.#newer = sample
    }
    const passedMs = sample.atMs - since.atMs
    if (passedMs >= minWindowMs) this.#last = ((sample.count - since.count) / passedMs) * 1_000
    return this.#last
  }
}
