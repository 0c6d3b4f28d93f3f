/**
 * How late the daemon's event loop is: a timer is set twice a second, and how much later than asked it fires is
 * counted. Samples add up, so that several readers see the same; what watches every turn of the loop would wake an
 * idle board a hundred times a second.
 */
import type { Cancel, Clock, Part } from '../../core/index.ts'
import { Tally, type TallyReading } from './tally.ts'

const sampleMs = 500
/** Seconds. Timers are good for a millisecond; at a second, failure detectors of others begin to doubt this node. */
const bounds: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

export class LoopDelay implements Part {
  readonly name = 'loop delay'
  readonly #clock: Clock
  readonly #tally = new Tally(bounds)
  #cancel: Cancel | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  start(): void {
    if (this.#cancel === null) this.#sample()
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  get reading(): TallyReading {
    return this.#tally.reading
  }

  #sample(): void {
    const dueMs = this.#clock.monotonicMs() + sampleMs
    this.#cancel = this.#clock.after(sampleMs, () => {
      this.#tally.add(Math.max(0, this.#clock.monotonicMs() - dueMs) / 1_000)
      this.#sample()
    })
  }
}
