/**
 * What requests fail of, told without a line for each: a crowd that is turned away would fill a log and hide what came
 * before it. The first of a kind is told at once, and how many followed it when the pause is over.
 */
import type { Clock } from '../../core/index.ts'

/** Between two lines of one kind, ms. */
export const toldEveryMs = 5_000
/** Kinds that are kept apart; they are codes, of which there are few. */
const maxKinds = 64

export class ToldFailures {
  readonly #clock: Clock
  readonly #tell: (line: string) => void
  /** By kind, how many were not told since the last line. */
  readonly #quiet = new Map<string, number>()

  constructor(clock: Clock, tell: (line: string) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  /** @param kind a code @param line told if it is the first for a while */
  failed(kind: string, line: string): void {
    const untold = this.#quiet.get(kind)
    if (untold !== undefined) return void this.#quiet.set(kind, untold + 1)
    if (this.#quiet.size >= maxKinds) return
    this.#tell(line)
    this.#pause(kind)
  }

  #pause(kind: string): void {
    this.#quiet.set(kind, 0)
    this.#clock.after(toldEveryMs, () => {
      const untold = this.#quiet.get(kind) ?? 0
      if (untold === 0) return void this.#quiet.delete(kind)
      this.#tell(`${kind}: ${untold} more in the last ${toldEveryMs / 1_000} s`)
      this.#pause(kind)
    })
  }
}
