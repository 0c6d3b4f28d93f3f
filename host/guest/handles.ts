/** How many resources of the host a guest holds: each costs the sandbox's heap, which must never run full. */
export class Handles {
  readonly #most: number
  #held = 0

  constructor(most: number) {
    this.#most = most
  }

  get held(): number {
    return this.#held
  }

  /** One more. @throws (which ends the guest) where it holds too many */
  take(): void {
    if (this.#held >= this.#most)
      throw new Error(`a guest holds ${this.#most} resources of the host and drops none`)
    this.#held += 1
  }

  /** One less; whoever took it sees to it that this happens once. */
  giveBack(): void {
    this.#held -= 1
  }

  /** `take`, for those who do not know whether they have given it back. @returns what gives it back, once */
  hold(): () => void {
    this.take()
    let isHeld = true
    return () => {
      if (isHeld) this.giveBack()
      isHeld = false
    }
  }
}
