/**
 * Work that is done again whenever there may be more of it, once at a time, and tried again later where it fails: what a
 * trigger does that reads changes from a store instead of being handed them.
 */
import { backoffMs, isSelvedgeError, messageOf, type Cancel, type SelvedgeError } from '../../core/index.ts'
import type { TriggerContext } from './contract.ts'
import { triggerProblems } from './problems.ts'

const [firstRetryMs, longestRetryMs] = [500, 60_000]

export class Pursuit {
  readonly #context: Pick<TriggerContext, 'clock' | 'random' | 'failed'>
  readonly #work: (stopped: AbortSignal) => Promise<void>
  readonly #stopped = new AbortController()
  #isRunning = false
  #isWanted = false
  #failures = 0
  #cancelRetry: Cancel | null = null

  /** @param work what it does until there is nothing more; looks at the signal between two steps */
  constructor(
    context: Pick<TriggerContext, 'clock' | 'random' | 'failed'>,
    work: (stopped: AbortSignal) => Promise<void>,
  ) {
    this.#context = context
    this.#work = work
  }

  /** There may be more to do. While it is tried again later, that is soon enough. */
  wake(): void {
    this.#isWanted = true
    if (!this.#isRunning && this.#failures === 0) void this.#run()
  }

  stop(): void {
    this.#stopped.abort()
    this.#cancelRetry?.()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    this.#isRunning = true
    try {
      while (this.#isWanted && !signal.aborted) {
        this.#isWanted = false
        await this.#work(signal)
        this.#failures = 0
      }
    } catch (error) {
      if (!signal.aborted) this.#retry(error)
    } finally {
      this.#isRunning = false
    }
  }

  #retry(error: unknown): void {
    const { clock, random, failed } = this.#context
    this.#isWanted = true
    if (this.#failures === 0) failed(problemOf(error))
    const waitMs = backoffMs(this.#failures, firstRetryMs, longestRetryMs, random)
    this.#failures += 1
    this.#cancelRetry = clock.after(waitMs, () => void this.#run())
  }
}

function problemOf(error: unknown): SelvedgeError {
  if (isSelvedgeError(error)) return error
  return triggerProblems.error('ERR_TRIGGER_EVENT', messageOf(error), { cause: error })
}
