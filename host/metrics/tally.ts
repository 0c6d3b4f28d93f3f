/**
 * Counts durations into fixed buckets, for a histogram. Adding one costs some nanoseconds, so that requests can be
 * measured one by one; what it holds is turned into a metric only when somebody asks.
 */

/** Upper bounds in seconds, from what a request to a warm instance takes to what an app's deadline allows. */
export const durationBounds: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

export interface TallyReading {
  /** Ascending, in the unit of what was added. */
  readonly bounds: readonly number[]
  /** For each bound, how many were at most that much and more than the bound before; then those beyond the last. */
  readonly counts: readonly number[]
  readonly sum: number
}

export class Tally {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0

  constructor(bounds: readonly number[] = durationBounds) {
    this.#bounds = bounds
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  add(value: number): void {
    let index = 0
    while (index < this.#bounds.length && value > this.#bounds[index]!) index += 1
    this.#counts[index]! += 1
    this.#sum += value
  }

  get reading(): TallyReading {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum }
  }
}
