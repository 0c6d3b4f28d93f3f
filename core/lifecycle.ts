/**
 * Starting and stopping parts in order.
 *
 * Parts start in the order given and stop in reverse. A failed start stops what it had started, so that a
 * port or a lock never outlives the error that names it.
 */
import type { Clock } from './clock.ts'
import { within } from './deadline.ts'
import { defineProblems } from './errors.ts'

/** Something with a life. Both calls are idempotent. */
export interface Part {
  readonly name: string
  start?(): Promise<void> | void
  stop?(): Promise<void> | void
}

export const lifecycleProblems = defineProblems({
  ERR_STOP_TIMEOUT: {
    kind: 'system',
    text: 'a part of the node did not stop in time',
    fix: 'nothing is lost by ending the process; please report which part it was',
  },
})

/** Runs parts as one. `stop()` waits at most `stopDeadlineMs` for each part, then goes on to the next. */
export class Lifecycle {
  readonly #parts: readonly Part[]
  readonly #clock: Clock
  readonly #stopDeadlineMs: number
  #started: Part[] = []
  #stopping: Promise<Error[]> | null = null

  constructor(parts: readonly Part[], clock: Clock, stopDeadlineMs = 5_000) {
    this.#parts = parts
    this.#clock = clock
    this.#stopDeadlineMs = stopDeadlineMs
  }

  /** @throws what the first part that did not start threw; the parts before it, and it, are stopped by then */
  async start(): Promise<void> {
    if (this.#started.length > 0) return
    for (const part of this.#parts) {
      this.#started.push(part)
      try {
        await part.start?.()
      } catch (error) {
        await this.stop()
        throw error
      }
    }
  }

  /**
   * Who asks while it stops already waits for the same end.
   * @returns the errors of parts that did not stop cleanly; it never throws, so every part gets its turn.
   */
  stop(): Promise<Error[]> {
    this.#stopping ??= this.#stopAll().finally(() => {
      this.#stopping = null
    })
    return this.#stopping
  }

  async #stopAll(): Promise<Error[]> {
    const errors: Error[] = []
    for (let part = this.#started.pop(); part !== undefined; part = this.#started.pop()) {
      const { name } = part
      const late = (): Error =>
        lifecycleProblems.error('ERR_STOP_TIMEOUT', `${name} did not stop in ${this.#stopDeadlineMs} ms`)
      try {
        await within({ clock: this.#clock, ms: this.#stopDeadlineMs, late }, async () => part?.stop?.())
      } catch (error) {
        errors.push(error as Error)
      }
    }
    return errors
  }
}
