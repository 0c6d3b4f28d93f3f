/**
 * The idle share over a window that ends now.
 *
 * The kernel counts in ticks of 10 ms, so a short window says little: none is shorter than `minWindowMs`. A read
 * soon after another looks back to the sample before it instead of waiting, and does not move the window on.
 */
import type { CpuTimes } from './cpu-times.ts'

/** 10 ticks of each core: a step of at most 10 % on a machine with one. */
const minWindowMs = 100

export interface CpuSample extends CpuTimes {
  /** Monotonic. */
  readonly atMs: number
}

export class IdleWindow {
  #older: CpuSample | null = null
  #newer: CpuSample
  #lastPercent = 100

  constructor(first: CpuSample) {
    this.#newer = first
  }

  /** How long to wait before a sample can be judged; 0 where it can be now. */
  waitMs(nowMs: number): number {
    return this.#older === null ? Math.max(0, this.#newer.atMs + minWindowMs - nowMs) : 0
  }

  /** @returns idle percent, 0–100, of all cores together since an earlier sample */
  add(sample: CpuSample): number {
    const isSoon = sample.atMs - this.#newer.atMs < minWindowMs
    const since = isSoon && this.#older !== null ? this.#older : this.#newer
    if (!isSoon) {
      this.#older = this.#newer
      this.#newer = sample
    }
    const total = sample.total - since.total
    // The kernel may take ticks of idle and iowait back: keep to the range, and to what was known.
    if (total > 0) this.#lastPercent = Math.min(100, Math.max(0, (100 * (sample.idle - since.idle)) / total))
    return this.#lastPercent
  }
}
