/**
 * Whether to look again and again for what another thread is about to do, or to sleep at once. To be woken costs tens of
 * microseconds, more than most of what is waited for; to look in vain costs a core that somebody else might need. So it
 * is done for a moment only, and hardly ever where it was in vain before.
 */
import { availableParallelism } from 'node:os'
import { systemClock, type Clock } from './clock.ts'

/** About what two wake-ups cost. */
const longestMs = 0.1
/** In vain so often one after the other, it is given up … */
const missesBefore = 4
/** … and tried once in so many times: what is waited for may take less time by now. */
const triedOnceIn = 8
/** To ask for the time costs more than to look. */
const looksPerTime = 32

export class Patience {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #cores: number
  #misses = 0

  /** @param cores with one alone, nobody does anything meanwhile */
  constructor(clock: Pick<Clock, 'monotonicMs'> = systemClock, cores = availableParallelism()) {
    this.#clock = clock
    this.#cores = cores
  }

  /** @returns whether it came; where not, it is time to sleep */
  look(hasCome: () => boolean): boolean {
    if (hasCome()) return true
    if (this.#cores < 2) return false
    if (this.#misses >= missesBefore && (this.#misses - missesBefore) % triedOnceIn !== triedOnceIn - 1) {
      this.#misses += 1
      return false
    }
    const untilMs = this.#clock.monotonicMs() + longestMs
    do {
      for (let looks = 0; looks < looksPerTime; looks += 1) {
        if (!hasCome()) continue
        this.#misses = 0
        return true
      }
    } while (this.#clock.monotonicMs() < untilMs)
    this.#misses += 1
    return false
  }
}
