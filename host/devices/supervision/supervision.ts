/**
 * The life of one device as a pure state machine: missing → opening → ok → stale → faulty, and back from each.
 *
 * It is handed what happened and the monotonic time, and returns what to do. It never opens what is open or being opened,
 * never asks what is closed, and always says when it wants to be woken.
 */
import { backoffMs, type Random } from '../../../core/index.ts'
import type { DeviceHealth, Ground, HealthState } from './health.ts'
import { deviceLimits } from './limits.ts'

export type DeviceEvent =
  /** Time went by. */
  | { readonly kind: 'turn' }
  /** @property staleAfterMs null where silence says nothing */
  | { readonly kind: 'opened'; readonly staleAfterMs: number | null }
  | ({ readonly kind: 'open-failed' } & Ground)
  /** It says itself that it is no longer there. */
  | ({ readonly kind: 'gone' } & Ground)
  /** A good reading, or a use of a pin that worked. */
  | { readonly kind: 'answered' }
  /** An error of the driver, or no answer in time. `isStuck`: the driver may never come back. */
  | ({ readonly kind: 'silent'; readonly isStuck: boolean } & Ground)
  /** It answered, and what it said cannot be. */
  | ({ readonly kind: 'wrong' } & Ground)

export type DeviceAction = 'open' | 'close' | 'check'

interface Trouble extends Ground {
  readonly kind: 'silent' | 'wrong'
  readonly atMs: number
}

export class Supervision {
  readonly #checkMs: number | null
  readonly #isKept: boolean
  readonly #random: Random
  #phase: 'waiting' | 'opening' | 'open' = 'waiting'
  /** Of the next attempt to open, while waiting. */
  #dueMs: number
  #attempt = 0
  #openedMs = -Infinity
  #staleAfterMs: number | null = null
  /** Why it is not there; null while it is, also where it is only being opened anew. */
  #absent: Ground | null = { why: 'it was not opened yet' }
  #hasAnswered = false
  /** The last answer, or the return from being missing, whichever was later: silence counts from here. */
  #heardMs = -Infinity
  #askedMs = -Infinity
  #isChecking = false
  #trouble: Trouble | null = null
  #failures = 0
  #health: DeviceHealth

  /**
   * @param care.checkMs how often it is asked where nobody else does; null for never
   * @param care.isKept it is not opened anew for failures, only when it says that it is gone
   */
  constructor(
    { checkMs, isKept = false }: { readonly checkMs: number | null; readonly isKept?: boolean },
    random: Random,
    nowMs: number,
  ) {
    this.#checkMs = checkMs
    this.#isKept = isKept
    this.#random = random
    this.#dueMs = nowMs
    this.#health = { state: 'missing', sinceMs: nowMs, why: '', ...this.#absent }
  }

  /** As of the last event. */
  get health(): DeviceHealth {
    return this.#health
  }

  /** When time alone changes something, monotonic ms; never before the last event's time, null for never. */
  get nextMs(): number | null {
    if (this.#phase === 'opening') return null
    const times: number[] = []
    if (this.#phase === 'waiting') times.push(this.#dueMs)
    if (this.#phase === 'open' && this.#checkMs !== null && !this.#isChecking) {
      times.push(this.#askedMs + this.#checkMs)
    }
    if (this.#canTurnStale()) times.push(this.#heardMs + (this.#staleAfterMs ?? 0))
    if (this.#isSettling()) times.push((this.#trouble?.atMs ?? 0) + deviceLimits.settleMs)
    return times.length === 0 ? null : Math.min(...times)
  }

  /** @param nowMs monotonic, never before that of the event before */
  handle(event: DeviceEvent, nowMs: number): readonly DeviceAction[] {
    const actions = this.#apply(event, nowMs)
    if (this.#isSettling() && !this.#hasJustErred(nowMs)) this.#trouble = null
    const [state, { why, hint }] = this.#judge(nowMs)
    const isSame = state === this.#health.state
    if (isSame && why === this.#health.why && hint === this.#health.hint) return actions
    this.#health = { state, sinceMs: isSame ? this.#health.sinceMs : nowMs, why, hint }
    return actions
  }

  #apply(event: DeviceEvent, nowMs: number): readonly DeviceAction[] {
    switch (event.kind) {
      case 'turn':
        return this.#turn(nowMs)
      case 'opened':
        return this.#opened(event.staleAfterMs, nowMs)
      case 'open-failed':
        if (this.#phase === 'opening') this.#wait(event, nowMs)
        return []
      case 'gone':
        if (this.#phase !== 'open') return []
        this.#wait(event, nowMs)
        return ['close']
      case 'answered':
        this.#answered(nowMs)
        return []
      case 'silent':
        return this.#silent(event, nowMs)
      case 'wrong':
        this.#asked(nowMs)
        this.#trouble = { kind: 'wrong', why: event.why, hint: event.hint, atMs: nowMs }
        return []
    }
  }

  #turn(nowMs: number): readonly DeviceAction[] {
    if (this.#phase === 'waiting' && nowMs >= this.#dueMs) {
      this.#phase = 'opening'
      return ['open']
    }
    const isDue = this.#checkMs !== null && nowMs >= this.#askedMs + this.#checkMs
    if (this.#phase !== 'open' || !isDue || this.#isChecking) return []
    this.#isChecking = true
    return ['check']
  }

  #opened(staleAfterMs: number | null, nowMs: number): readonly DeviceAction[] {
    if (this.#phase !== 'opening') return []
    this.#phase = 'open'
    this.#openedMs = nowMs
    this.#staleAfterMs = staleAfterMs
    this.#failures = 0
    this.#isChecking = false
    // What went wrong with the one that was unplugged is not held against the one that came; of one that was only
    // opened anew nothing has shown yet that it is better now.
    if (this.#absent !== null) {
      this.#trouble = null
      this.#heardMs = nowMs
    }
    this.#absent = null
    this.#askedMs = -Infinity
    return this.#turn(nowMs)
  }

  #answered(nowMs: number): void {
    this.#asked(nowMs)
    this.#hasAnswered = true
    this.#heardMs = nowMs
    this.#failures = 0
    if (this.#trouble?.kind === 'silent') this.#trouble = null
    if (nowMs - this.#openedMs >= deviceLimits.steadyMs) this.#attempt = 0
  }

  #silent({ why, hint, isStuck }: Ground & { isStuck: boolean }, nowMs: number): readonly DeviceAction[] {
    this.#asked(nowMs)
    // Else one that errs and keeps silent in turns would be news each time.
    if (!this.#hasJustErred(nowMs)) this.#trouble = { kind: 'silent', why, hint, atMs: nowMs }
    if (this.#phase !== 'open' || this.#isKept) return []
    this.#failures += 1
    if (this.#failures < deviceLimits.failures && !isStuck) return []
    this.#wait(null, nowMs)
    return ['close']
  }

  #asked(nowMs: number): void {
    this.#askedMs = nowMs
    this.#isChecking = false
  }

  /** @param absent null where it may still be there */
  #wait(absent: Ground | null, nowMs: number): void {
    this.#phase = 'waiting'
    if (absent !== null) this.#absent = absent
    const { reopenMs, reopenCapMs } = deviceLimits
    this.#dueMs = nowMs + backoffMs(this.#attempt, reopenMs, reopenCapMs, this.#random)
    this.#attempt += 1
  }

  /** It said something wrong, and has answered well since. */
  #isSettling(): boolean {
    return this.#trouble?.kind === 'wrong' && this.#heardMs > this.#trouble.atMs
  }

  #hasJustErred(nowMs: number): boolean {
    return this.#trouble?.kind === 'wrong' && nowMs - this.#trouble.atMs < deviceLimits.settleMs
  }

  #canTurnStale(): boolean {
    return this.#staleAfterMs !== null && this.#health.state === 'ok'
  }

  #judge(nowMs: number): readonly [HealthState, Ground] {
    if (this.#absent !== null) return ['missing', this.#absent]
    const isLate = this.#staleAfterMs !== null && nowMs - this.#heardMs >= this.#staleAfterMs
    const kind = this.#trouble?.kind
    const ground = this.#trouble ?? { why: '' }
    if (kind === 'wrong') return ['faulty', ground]
    if (kind === 'silent' && (!this.#hasAnswered || this.#staleAfterMs === null)) return ['faulty', ground]
    if (!isLate) return ['ok', ground]
    return this.#hasAnswered ? ['stale', ground] : ['missing', { why: 'nothing was heard of it yet' }]
  }
}
