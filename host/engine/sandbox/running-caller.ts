/** The guest of a sandbox as host functions see it: how long its call may still take, and whether it is still there. */
import type { Clock } from '../../../core/index.ts'
import type { GuestCaller } from '../contract.ts'
import type { CallQueue } from './call-queue.ts'
import type { SandboxLink } from './link.ts'
import type { Watch } from './watch.ts'

export interface RunningCallerNeeds {
  readonly clock: Clock
  readonly calls: CallQueue
  watch(): Watch
  link(): Pick<SandboxLink, 'sharesMemory'>
}

export class RunningCaller implements GuestCaller {
  readonly #needs: RunningCallerNeeds
  #gone: AbortController | null = null
  #isOver = false

  constructor(needs: RunningCallerNeeds) {
    this.#needs = needs
  }

  remainingMs(): number {
    const { clock, calls, watch } = this.#needs
    // What it does between its calls nobody waits for.
    if (calls.head === null) return Infinity
    const { terms } = calls.head
    const givenMs = terms === undefined ? Infinity : terms.untilMs - clock.monotonicMs()
    return Math.max(0, Math.min(watch().leftMs, givenMs))
  }

  hopsLeft(): number | undefined {
    return this.#needs.calls.head?.terms?.hops
  }

  get sharesMemory(): boolean {
    return this.#needs.link().sharesMemory
  }

  /** Made for the first that asks: most instances never call anything that would. */
  get gone(): AbortSignal {
    this.#gone ??= new AbortController()
    if (this.#isOver) this.#gone.abort(new Error('the instance that called is gone'))
    return this.#gone.signal
  }

  end(): void {
    this.#isOver = true
    this.#gone?.abort(new Error('the instance that called is gone'))
  }
}
