/**
 * This node's own health, from 0 for well to 8 (Lifeguard, Dadgar et al. 2018, section IV.A). A node that is slow itself
 * sees others fail who do not; so it waits longer the worse it is.
 */
const worst = 8

export class LocalHealth {
  #score = 0

  get score(): number {
    return this.#score
  }

  /** What its timeouts are multiplied with. */
  get factor(): number {
    return 1 + this.#score
  }

  worse(by = 1): void {
    this.#score = Math.min(worst, this.#score + by)
  }

  better(): void {
    this.#score = Math.max(0, this.#score - 1)
  }
}
