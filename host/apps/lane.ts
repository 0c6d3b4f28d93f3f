/**
 * The events of one trigger on their way to the app: at most as many at once as its terms allow, one by one or as lists,
 * again after a failure where that is promised.
 */
import { backoffMs, type Cancel, type Clock, type Random } from '../../core/index.ts'
import type { PlannedTrigger } from '../triggers/index.ts'
import type { EventStore, HeldEvent } from './event-store.ts'

/** Of the waits between attempts. */
const backoffCapMs = 300_000
/** When nobody could take what was taken from the store, or the store could not be read. */
const pauseMs = 250

/** What came of handing events over. */
export type Outcome =
  | { readonly type: 'handled' }
  /** The app answered with an error, or its instance died of it. */
  | { readonly type: 'failed'; readonly why: string }
  /** It will not go better another time. */
  | { readonly type: 'unfit'; readonly why: string }
  /** Nobody began with it. @param busy somebody is there, and has no room just now */
  | { readonly type: 'not-begun'; readonly busy: boolean }

export interface LaneNeeds {
  readonly clock: Clock
  readonly random: Random
  /** Whether somebody takes events now. */
  ready(): boolean
  /** Hands them over. Never rejects. */
  call(trigger: PlannedTrigger, events: readonly HeldEvent[]): Promise<Outcome>
  /** The store could not be read. */
  unreadable(error: unknown): void
}

export class Lane {
  readonly #store: EventStore
  readonly #needs: LaneNeeds
  #trigger: PlannedTrigger
  /** Events of a list that is not full yet. */
  #buffer: readonly HeldEvent[] = []
  #firstMs = 0
  #running = 0
  #isTaking = false
  #isStale = false
  #isPaused = false
  #cancelWake: Cancel | null = null

  constructor(trigger: PlannedTrigger, store: EventStore, needs: LaneNeeds) {
    this.#trigger = trigger
    this.#store = store
    this.#needs = needs
  }

  /** Events handed over and not answered, or waiting for their list to be full. */
  get held(): number {
    return this.#running + this.#buffer.length
  }

  /** The same trigger as another release has it, or one that takes its events over. */
  set trigger(trigger: PlannedTrigger) {
    this.#trigger = trigger
  }

  /** There may be something to do. */
  poke(): void {
    this.#isStale = this.#isTaking
    while (this.#mayRun()) {
      const { batch } = this.#trigger.terms
      const want = (batch?.most ?? 1) - this.#buffer.length
      const taken = want > 0 ? this.#store.take(want) : []
      if ('then' in taken) return void this.#takeLater(taken)
      if (!this.#run(taken)) return
    }
  }

  /** Nobody takes anything any more: what was taken for a list goes back. */
  rest(): void {
    this.#cancelWake?.()
    this.#cancelWake = null
    if (this.#buffer.length > 0) this.#store.putBack(this.#buffer)
    this.#buffer = []
  }

  #mayRun(): boolean {
    const { concurrency } = this.#trigger.terms
    return this.#running < concurrency && !this.#isTaking && !this.#isPaused && this.#needs.ready()
  }

  async #takeLater(taking: Promise<readonly HeldEvent[]>): Promise<void> {
    this.#isTaking = true
    try {
      const taken = await taking
      this.#isTaking = false
      if (!this.#needs.ready()) return this.#store.putBack(taken)
      // What came while it was looking may have been overlooked.
      if (this.#run(taken) || this.#isStale) this.poke()
    } catch (error) {
      this.#isTaking = false
      this.#needs.unreadable(error)
      this.#pause()
    }
  }

  /** @returns whether there may be more to do */
  #run(taken: readonly HeldEvent[]): boolean {
    const { batch } = this.#trigger.terms
    const nowMs = this.#needs.clock.monotonicMs()
    if (this.#buffer.length === 0) this.#firstMs = nowMs
    const events = [...this.#buffer, ...taken]
    this.#buffer = []
    if (events.length === 0) return false
    const dueMs = this.#firstMs + (batch?.withinMs ?? 0)
    if (batch !== null && events.length < batch.most && nowMs < dueMs) {
      this.#buffer = events
      this.#cancelWake ??= this.#needs.clock.after(Math.max(1, dueMs - nowMs), () => {
        this.#cancelWake = null
        this.poke()
      })
      return false
    }
    this.#cancelWake?.()
    this.#cancelWake = null
    void this.#handOver(events)
    return true
  }

  async #handOver(events: readonly HeldEvent[]): Promise<void> {
    this.#running += 1
    const outcome = await this.#needs.call(this.#trigger, events)
    this.#running -= 1
    this.#settle(events, outcome)
    this.poke()
  }

  #settle(events: readonly HeldEvent[], outcome: Outcome): void {
    switch (outcome.type) {
      case 'handled':
        return this.#store.handled(events)
      case 'not-begun':
        this.#store.putBack(events)
        return outcome.busy ? this.#pause() : undefined
      case 'unfit':
        for (const event of events) this.#store.lost(event, outcome.why)
        return
      case 'failed':
        for (const event of events) this.#tryAgain(event, outcome.why)
    }
  }

  #tryAgain(event: HeldEvent, why: string): void {
    const { attempts, backoffMs: baseMs } = this.#trigger.terms
    if (event.attempts + 1 >= attempts) return this.#store.lost(event, why)
    this.#store.again(event, backoffMs(event.attempts, baseMs, backoffCapMs, this.#needs.random), why)
  }

  #pause(): void {
    this.#isPaused = true
    this.#needs.clock.after(pauseMs, () => {
      this.#isPaused = false
      this.poke()
    })
  }
}
