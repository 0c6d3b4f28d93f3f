/**
 * How late the daemon's event loop is: a timer is set for each second, and how much later than asked it fires is
 * counted. Samples add up, so that several readers see the same; what watches every turn of the loop would wake an
 * idle board a hundred times a second.
 */
import { nextBeatMs, type Cancel, type Clock, type Part } from '../../core/index.ts'
import { Tally, type TallyReading } from './tally.ts'

const sampleMs = 1_000
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
    const nowMs = this.#clock.monotonicMs()
    const dueMs = nextBeatMs(nowMs, sampleMs)
    this.#cancel = this.#clock.after(dueMs - nowMs, () => {
      this.#tally.add(Math.max(0, this.#clock.monotonicMs() - dueMs) / 1_000)
      this.#sample()
    })
  }
}
