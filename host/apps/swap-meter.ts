/**
 * How long a swap took and how long events stood still for it.
 *
 * Preparing the new release costs the processor too, so the gap is looked for from the moment the release was
 * announced until the new instance has handled its first event.
 */
export interface SwapReport {
  readonly from: string
  readonly to: string
  /** From the announcement to the switch. */
  readonly ms: number
  /** Longest time between two handled events; 0 where there were no two. */
  readonly gapMs: number
}

export class SwapMeter {
  #announcedMs: number | null = null
  #lastHandledMs: number | null = null
  #gapMs = 0
  #awaitsFirst = false
  #report: SwapReport | null = null

  /** The last swap; its gap is final once the new release has handled an event. */
  get report(): SwapReport | null {
    return this.#report
  }

  /** A release is on its way; times are monotonic. */
  announced(nowMs: number): void {
    this.#announcedMs = nowMs
    this.#gapMs = 0
    this.#awaitsFirst = false
  }

  handled(nowMs: number): void {
    const isMeasuring = this.#announcedMs !== null || this.#awaitsFirst
    if (isMeasuring && this.#lastHandledMs !== null) {
      this.#gapMs = Math.max(this.#gapMs, nowMs - this.#lastHandledMs)
    }
    this.#lastHandledMs = nowMs
    if (!this.#awaitsFirst) return
    this.#awaitsFirst = false
    if (this.#report !== null) this.#report = { ...this.#report, gapMs: this.#gapMs }
  }

  switched(from: string, to: string, nowMs: number): void {
    this.#report = { from, to, ms: nowMs - (this.#announcedMs ?? nowMs), gapMs: this.#gapMs }
    this.#announcedMs = null
    this.#awaitsFirst = true
  }
}
