/**
 * Numbers one app's events: one more each time, across swaps; after a crash it may jump ahead, never back.
 *
 * Writing each id to the disk would wear it out. So a block of ids is reserved: the mark on the disk is always
 * above every id given out, and a restart goes on from the mark (the "hi/lo" scheme of databases). A stop in good
 * order writes the last id itself, and nothing is skipped.
 */
import * as v from 'valibot'
import type { Clock, DurableFolder } from '../../core/index.ts'

/**
 * Ids reserved at once. With half of it left the next block is reserved, so at five events a second the disk may
 * refuse writes for 27 hours before ids run out; a crash skips at most this many of 2^53.
 */
export const idBlock = 1_000_000
/** Ids given out before a failed reservation is tried again. */
const retryAfterIds = 1_000
const maxFileBytes = 256
/** Nothing of ours gave out an id before it. */
const firstMs = Date.UTC(2023, 0, 1)

const fileSchema = v.object({
  v: v.literal(1),
  /** No id above this was ever given out. */
  mark: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
})

export class EventCounter {
  readonly #folder: DurableFolder
  readonly #file: string
  readonly #onProblem: (error: unknown) => void
  #last: number
  #mark: number
  #retryAt = 0
  #writing: Promise<void> | null = null
  #stopped = false

  private constructor(
    folder: DurableFolder,
    file: string,
    last: number,
    onProblem: (error: unknown) => void,
  ) {
    this.#folder = folder
    this.#file = file
    this.#last = last
    this.#mark = last
    this.#onProblem = onProblem
  }

  /**
   * Resolves when the first block is reserved on the disk, or could not be.
   * @param onProblem told of reservations that fail; the counter tries again by itself
   */
  static async open(
    folder: DurableFolder,
    app: string,
    clock: Clock,
    onProblem: (error: unknown) => void,
  ): Promise<EventCounter> {
    const file = `${app}.events.json`
    const last = await folder.read(file, maxFileBytes).then(
      (bytes) => (bytes === null ? 0 : markOf(bytes, clock)),
      (error: unknown) => {
        onProblem(error)
        return aboveAll(clock)
      },
    )
    const counter = new EventCounter(folder, file, last, onProblem)
    counter.#reserveMore()
    await counter.#writing
    return counter
  }

  /** @returns the next id, or null where none may be given: the disk refused the next block, or it is stopped */
  next(): number | null {
    if (this.#stopped || this.#last >= this.#mark) {
      this.#reserveMore()
      return null
    }
    this.#last += 1
    if (this.#mark - this.#last < idBlock / 2) this.#reserveMore()
    return this.#last
  }

  /** Writes the last id, so that the next start goes on right after it. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    await this.#writing
    await this.#reserve(this.#last)
  }

  #reserveMore(): void {
    if (this.#stopped || this.#writing !== null || this.#last < this.#retryAt) return
    this.#writing = this.#reserve(this.#mark + idBlock)
      .catch((error: unknown) => {
        this.#retryAt = Math.min(this.#last + retryAfterIds, this.#mark)
        this.#onProblem(error)
      })
      .finally(() => {
        this.#writing = null
      })
  }

  async #reserve(mark: number): Promise<void> {
    await this.#folder.write(this.#file, new TextEncoder().encode(JSON.stringify({ v: 1, mark })))
    this.#mark = mark
  }
}

/**
 * A file that cannot be read says nothing about the ids before it: the time in ms is above them all, as long as
 * the app had fewer than a thousand events a second since 1970. A clock that was never set says too little for that.
 */
function markOf(bytes: Uint8Array, clock: Clock): number {
  try {
    return v.parse(fileSchema, JSON.parse(new TextDecoder().decode(bytes))).mark
  } catch {
    return aboveAll(clock)
  }
}

function aboveAll(clock: Clock): number {
  return Math.max(Math.floor(clock.now()), firstMs)
}
