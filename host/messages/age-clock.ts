/**
 * How long this node has run in all: what messages that wait for others grow older by.
 *
 * A wall clock may say 1970 or 2035 and be set right in between, and a monotonic clock begins anew with every boot. So the
 * time a node has run is counted, and written down now and then: no jump of a clock can expire anything, the time while it
 * is off counts for nothing, and a crash lets messages wait at most as much longer as was not written yet.
 */
import * as v from 'valibot'
import type { Clock, DurableFolder } from '../../core/index.ts'

const file = 'age.json'
const maxFileBytes = 256
/** Between two writes: 144 a day, and none while nothing waits. */
const saveEveryMs = 600_000

const schema = v.object({
  v: v.literal(1),
  ms: v.pipe(v.number(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER)),
})

export class AgeClock {
  readonly #folder: DurableFolder
  readonly #clock: Clock
  readonly #baseMs: number
  readonly #sinceMs: number
  #savedMs: number

  private constructor(folder: DurableFolder, clock: Clock, baseMs: number) {
    this.#folder = folder
    this.#clock = clock
    this.#baseMs = baseMs
    this.#savedMs = baseMs
    this.#sinceMs = clock.monotonicMs()
  }

  /** A file that cannot be read begins a new age, by which what waits from before waits longer rather than shorter. */
  static async open(folder: DurableFolder, clock: Clock): Promise<AgeClock> {
    const bytes = await folder.read(file, maxFileBytes).catch(() => null)
    return new AgeClock(folder, clock, bytes === null ? 0 : readAge(bytes))
  }

  /** Milliseconds; grows while the node runs. */
  now(): number {
    return Math.floor(this.#baseMs + this.#clock.monotonicMs() - this.#sinceMs)
  }

  /** Writes it down where that is due. @param always also where it is not @throws what the disk says */
  async save(always = false): Promise<void> {
    const ms = this.now()
    if (ms === this.#savedMs || (!always && ms - this.#savedMs < saveEveryMs)) return
    await this.#folder.write(file, new TextEncoder().encode(JSON.stringify({ v: 1, ms })))
    this.#savedMs = ms
  }
}

function readAge(bytes: Uint8Array): number {
  try {
    return v.parse(schema, JSON.parse(new TextDecoder().decode(bytes))).ms
  } catch {
    return 0
  }
}
