/**
 * Takes one call to a node that answers it: asks the resolver, makes the attempt, and where that fails and may be made
 * again, another. What was answered is never asked again.
 */
import { delay, within, type Clock, type Random } from '../../core/index.ts'
import { callsProblems } from '../../mesh/index.ts'
import { callRules, withTrace, type CallAttempt, type CallScope, type CallTrace } from './contract.ts'
import type { Directory } from './directory.ts'
import { callProblems } from './problems.ts'
import { isWithin, Resolver, type Choice, type LoadOf, type NoChoice } from './resolver.ts'
import { costsBudget, endingOf, mayRepeat, RetryBudget, type Ending } from './retry.ts'

export interface AttemptLimits {
  readonly deadlineMs: number
  readonly signal: AbortSignal
}

/** What is to be done, somewhere. */
export interface Errand<Result> {
  readonly app: string
  readonly key: string | null
  readonly isIdempotent: boolean
  /** All of it is still there to be sent again. */
  isReplayable(): boolean
  readonly deadlineMs: number
  readonly signal?: AbortSignal | undefined
  /** Name of the one node that may be asked. */
  readonly node?: string | undefined
  /** null while no instance of this node takes calls. */
  local(): (() => Promise<Result>) | null
  remote(node: string, limits: AttemptLimits): Promise<Result>
  /** Attempts that were made of it before. */
  readonly before?: { readonly error: unknown; readonly ms: number }
}

export interface ErrandResult<Result> {
  readonly result: Result
  readonly trace: CallTrace
}

/** Told of each call as it ends. */
export interface CallObserver {
  /** @param scope null where nobody was asked */
  ended(app: string, scope: CallScope | null, outcome: 'answered' | Ending['outcome'], ms: number): void
  retried(app: string): void
}

export interface DispatcherNeeds {
  readonly self: string
  readonly directory: Directory
  readonly clock: Clock
  readonly random: Random
  readonly observer: CallObserver
  readonly loadOf?: LoadOf
}

interface UnderWay {
  readonly app: string
  readonly node: string
  readonly isIdempotent: boolean
  readonly giveUp: AbortController
}

/** Between two looks for somebody who takes calls again. */
const lookMs = 25

export class Dispatcher {
  readonly #needs: DispatcherNeeds
  readonly #resolver: Resolver
  readonly #budget = new RetryBudget()
  readonly #underWay = new Set<UnderWay>()

  constructor(needs: DispatcherNeeds) {
    this.#needs = needs
    this.#resolver = new Resolver(needs.random, needs.loadOf)
  }

  states(): ReturnType<Resolver['states']> {
    return this.#resolver.states(this.#needs.clock.monotonicMs())
  }

  /** It is not thought to be well any more: what may be asked of another is not left waiting for it. */
  doubt(node: string, isDead: boolean): void {
    for (const attempt of this.#underWay) {
      if (attempt.node !== node) continue
      // Where nobody else could answer, the one that is not heard just now may still come to it.
      if (!isDead && !(attempt.isIdempotent && this.#hasOther(attempt))) continue
      attempt.giveUp.abort(
        callsProblems.error('ERR_CALL_LOST', `nothing is heard of ${this.#needs.directory.nameOf(node)}`),
      )
    }
  }

  /** @throws what the last attempt threw, ERR_CALL_NOWHERE, ERR_CALL_SCOPE, ERR_CALL_DEADLINE, the signal's reason */
  async run<Result>(errand: Errand<Result>): Promise<ErrandResult<Result>> {
    this.#budget.called()
    const journey = new Journey(errand, this.#needs)
    if (errand.before !== undefined) {
      const { error, ms } = errand.before
      const ending = endingOf(error, false)
      journey.failed(this.#needs.self, 'node', ending, error, ms)
      if (!this.#isRepeated(ending, journey)) throw journey.end(ending.outcome, error)
    }
    for (;;) {
      const choice = await this.#choose(errand, journey)
      const { node } = choice
      const startedMs = this.#needs.clock.monotonicMs()
      try {
        const result = await this.#attempt(errand, node, journey.leftMs())
        const nowMs = this.#needs.clock.monotonicMs()
        choice.end('answered', nowMs - startedMs, nowMs)
        return { result, trace: journey.answered(choice, nowMs - startedMs) }
      } catch (error) {
        const nowMs = this.#needs.clock.monotonicMs()
        const ms = nowMs - startedMs
        const isGivenUp = errand.signal?.aborted === true
        const ending = endingOf(error, isGivenUp)
        choice.end(ending.sign, ms, nowMs)
        journey.failed(node, choice.scope, ending, error, ms)
        if (!this.#isRepeated(ending, journey)) throw journey.end(ending.outcome, error)
      }
    }
  }

  #hasOther({ app, node }: UnderWay): boolean {
    const entry = this.#needs.directory.find(app)
    const reach = entry?.policy.scope ?? 'group'
    return (
      entry?.candidates.some((one) => one.node !== node && one.isWell && isWithin(one.scope, reach)) === true
    )
  }

  #isRepeated(ending: Ending, journey: Journey): boolean {
    const facts = journey.facts()
    if (!mayRepeat(ending, facts)) return false
    if (costsBudget(ending, facts) && !this.#budget.take()) return false
    this.#needs.observer.retried(journey.app)
    return true
  }

  /** Waits a little for one that is expected back. */
  async #choose<Result>(errand: Errand<Result>, journey: Journey): Promise<Choice> {
    const { clock } = this.#needs
    const untilMs = clock.monotonicMs() + callRules.patienceMs
    for (;;) {
      if (errand.signal?.aborted === true) throw journey.end('given-up', errand.signal.reason)
      const nowMs = clock.monotonicMs()
      if (journey.leftMs() <= 0) throw journey.end('given-up', this.#late(errand))
      const choice = this.#ask(errand, journey, nowMs)
      if (choice.node !== null) return choice
      if (choice.reason !== 'resting' || nowMs >= untilMs)
        throw journey.end('not-started', this.#nobody(errand, choice, journey))
      // Whoever failed may be back: it is asked again, as the breaker allows.
      journey.tried.clear()
      const waitMs = Math.min(lookMs, Math.max(1, (choice.againAtMs ?? Infinity) - nowMs))
      // Whoever leaves meanwhile is told so by the next look.
      await delay(clock, waitMs, errand.signal).catch(() => {})
    }
  }

  #ask<Result>(errand: Errand<Result>, { tried }: Journey, nowMs: number): Choice | NoChoice {
    const { self, directory } = this.#needs
    const entry = directory.find(errand.app)
    const own = directory.nameOf(self)
    const candidates = entry?.candidates ?? []
    const { node } = errand
    return this.#resolver.choose(
      {
        app: errand.app,
        self: { node: self, name: own },
        isLocal: errand.local() !== null && (node === undefined || node === own),
        candidates: node === undefined ? candidates : candidates.filter(({ name }) => name === node),
        reach: entry?.policy.scope ?? 'group',
        key: errand.key,
        tried,
      },
      nowMs,
    )
  }

  async #attempt<Result>(errand: Errand<Result>, node: string, deadlineMs: number): Promise<Result> {
    const { clock, self } = this.#needs
    const { signal } = errand
    if (node === self) {
      const local = errand.local()
      const late = (): Error => this.#late(errand)
      if (local !== null) return within({ clock, ms: deadlineMs, late, ...(signal && { signal }) }, local)
    }
    const giveUp = new AbortController()
    const attempt: UnderWay = { app: errand.app, node, isIdempotent: errand.isIdempotent, giveUp }
    const leave = (): void => giveUp.abort(signal?.reason)
    signal?.addEventListener('abort', leave, { once: true })
    this.#underWay.add(attempt)
    try {
      return await errand.remote(node, { deadlineMs, signal: giveUp.signal })
    } finally {
      this.#underWay.delete(attempt)
      signal?.removeEventListener('abort', leave)
    }
  }

  #late({ app, deadlineMs }: Pick<Errand<unknown>, 'app' | 'deadlineMs'>): Error {
    return callsProblems.error('ERR_CALL_DEADLINE', `${app} did not answer in ${Math.round(deadlineMs)} ms`)
  }

  #nobody({ app }: Pick<Errand<unknown>, 'app'>, { reason }: NoChoice, journey: Journey): unknown {
    // What it ended with tells more than that nobody else was left.
    if (journey.lastError !== undefined) return journey.lastError
    if (reason === 'scope') {
      return callProblems.error(
        'ERR_CALL_SCOPE',
        `${app} runs in other groups only, and is not called from outside`,
      )
    }
    const text = reason === 'nobody' ? `no node runs ${app}` : `no node that runs ${app} answers just now`
    return callProblems.error('ERR_CALL_NOWHERE', text)
  }
}

/** One call from its first attempt to its last. */
class Journey {
  readonly app: string
  readonly tried = new Set<string>()
  lastError: unknown
  readonly #errand: Errand<unknown>
  readonly #needs: DispatcherNeeds
  readonly #startedMs: number
  readonly #attempts: CallAttempt[] = []
  #scope: CallScope | null = null
  #why = ''

  constructor(errand: Errand<unknown>, needs: DispatcherNeeds) {
    this.app = errand.app
    this.#errand = errand
    this.#needs = needs
    this.#startedMs = needs.clock.monotonicMs() - (errand.before?.ms ?? 0)
  }

  leftMs(): number {
    return this.#startedMs + this.#errand.deadlineMs - this.#needs.clock.monotonicMs()
  }

  facts(): Parameters<typeof mayRepeat>[1] {
    const { isIdempotent } = this.#errand
    return { isIdempotent, isReplayable: this.#errand.isReplayable(), attempts: this.#attempts.length }
  }

  failed(node: string, scope: CallScope, { outcome, code }: Ending, error: unknown, ms: number): void {
    this.tried.add(node)
    this.lastError = error
    this.#scope = scope
    this.#attempts.push({ node: this.#needs.directory.nameOf(node), outcome, code, ms })
  }

  answered({ name, scope, why }: Choice, ms: number): CallTrace {
    this.#scope = scope
    this.#why = why
    this.#attempts.push({ node: name, outcome: 'answered', ms })
    this.#tell('answered')
    return this.#trace(name)
  }

  /** @returns the error, with the trace beside it */
  end(outcome: Ending['outcome'], error: unknown): unknown {
    this.#tell(outcome)
    return withTrace(error, this.#trace(null))
  }

  #tell(outcome: 'answered' | Ending['outcome']): void {
    const ms = this.#needs.clock.monotonicMs() - this.#startedMs
    this.#needs.observer.ended(this.app, this.#scope, outcome, ms)
  }

  #trace(node: string | null): CallTrace {
    const measures = { queueMs: 0, runMs: 0, bytesIn: 0, bytesOut: 0 }
    return { node, scope: this.#scope, why: this.#why, attempts: this.#attempts, ...measures }
  }
}
