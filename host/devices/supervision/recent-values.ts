/** The values of the last minutes for a small picture: of each second the last, and no more than a fixed number. */
import { deviceLimits } from './limits.ts'

export class RecentValues {
  readonly #values: number[] = []
  #beganMs = -Infinity

  /** @param nowMs monotonic */
  add(value: number, nowMs: number): void {
    if (nowMs - this.#beganMs < deviceLimits.recentEveryMs) {
      this.#values[this.#values.length - 1] = value
      return
    }
    this.#beganMs = nowMs
    this.#values.push(value)
    if (this.#values.length > deviceLimits.recent) this.#values.shift()
  }

  /** Oldest first. */
  get values(): readonly number[] {
    return this.#values.slice()
  }
}
