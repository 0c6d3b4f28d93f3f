/**
 * Sees that no start keeps a shared thread from the other apps in it. What has one turn for too long is known from
 * outside only by looking again and again: the thread is busy, and says nothing by itself.
 */

export interface StartWatchNeeds {
  /** How long one turn of a start may take, ms. */
  readonly limitMs: number
  /** Whether somebody starts whom others would wait for; asked anew at each look. */
  isNeeded(): boolean
  /** The number of the turn that runs, and of the sandbox that has it; 0 for none. */
  turn(): { readonly number: number; readonly holder: number }
  /** A sandbox has had one turn for longer than the limit. */
  tooLong(holder: number): void
}

/** Looks in the time of one limit: a turn is ended at most an eighth late. */
const looks = 8

export class StartWatch {
  readonly #needs: StartWatchNeeds
  #timer: NodeJS.Timeout | null = null
  #seen: { readonly number: number; readonly sinceMs: number } | null = null

  constructor(needs: StartWatchNeeds) {
    this.#needs = needs
  }

  /** May be called at any time; it ends by itself when nobody starts any more. */
  begin(): void {
    if (this.#timer !== null || !this.#needs.isNeeded()) return
    this.#timer = setInterval(() => this.#look(), Math.max(1, this.#needs.limitMs / looks))
    this.#timer.unref()
  }

  end(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#seen = null
  }

  #look(): void {
    if (!this.#needs.isNeeded()) return this.end()
    const { number, holder } = this.#needs.turn()
    const nowMs = performance.now()
    if (holder === 0 || this.#seen?.number !== number) return void (this.#seen = { number, sinceMs: nowMs })
    if (nowMs - this.#seen.sinceMs >= this.#needs.limitMs) this.#needs.tooLong(holder)
  }
}
