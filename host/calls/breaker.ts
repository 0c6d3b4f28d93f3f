/**
 * What this node has seen of one app on one other node: calls under way, how long answers take, and whether it is asked
 * at all. A circuit breaker: closed while calls come back, open for a while after it failed, then one call tries it.
 * Pure; times are monotonic ms.
 */
import { backoffMs, type Random } from '../../core/index.ts'

/** What a call told of the node. */
export type Sign =
  | 'answered'
  /** It does not serve the app, or is not there: no use asking again at once. */
  | 'gone'
  /** Something went wrong there. */
  | 'failed'
  /** It has too much to do. */
  | 'busy'
  /** The caller left: that tells nothing. */
  | 'nothing'

export type BreakerState = 'closed' | 'open' | 'half-open'

/** In a row, before a node that is there is no longer asked. */
const failuresToOpen = 5
const openBaseMs = 250
const openCapMs = 10_000
/** A node that is too busy is left alone for a moment. */
const restMs = 100
/** Weight of the last answer's time. */
const latencyGain = 0.3
/** What was measured counts half as much after this: one slow answer must not keep a node out for ever. */
const latencyHalfLifeMs = 1_000

export class Breaker {
  inFlight = 0
  #latencyMs: number | null = null
  #measuredAtMs = 0
  #failures = 0
  /** Times it opened since it last answered. */
  #opened = 0
  #openUntilMs = -Infinity
  #isTrying = false
  #restUntilMs = -Infinity

  /** Smoothed time to the answer, the less the longer ago it was measured; null before the first. */
  latencyMs(nowMs: number): number | null {
    if (this.#latencyMs === null) return null
    return this.#latencyMs * 2 ** (-Math.max(0, nowMs - this.#measuredAtMs) / latencyHalfLifeMs)
  }

  state(nowMs: number): BreakerState {
    if (this.#opened === 0) return 'closed'
    return nowMs < this.#openUntilMs ? 'open' : 'half-open'
  }

  /** Whether a call may go there now. */
  allows(nowMs: number): boolean {
    if (nowMs < this.#restUntilMs) return false
    const state = this.state(nowMs)
    return state === 'closed' || (state === 'half-open' && !this.#isTrying)
  }

  /** When it might be asked again, where time alone brings that about; null where it may be now, or a try is under way. */
  opensAtMs(nowMs: number): number | null {
    const atMs = Math.max(this.#restUntilMs, this.#openUntilMs)
    return atMs > nowMs ? atMs : null
  }

  /** A call goes there. @returns whether it is the one that tries whether the node is back */
  begin(nowMs: number): boolean {
    this.inFlight += 1
    const isTrial = this.state(nowMs) === 'half-open'
    if (isTrial) this.#isTrying = true
    return isTrial
  }

  end(sign: Sign, isTrial: boolean, ms: number, nowMs: number, random: Random): void {
    this.inFlight -= 1
    if (isTrial) this.#isTrying = false
    switch (sign) {
      case 'answered':
        this.#failures = 0
        this.#opened = 0
        return this.#measure(ms, nowMs)
      case 'gone':
        return this.#open(nowMs, random)
      case 'failed':
        this.#failures += 1
        if (isTrial || this.#failures >= failuresToOpen) this.#open(nowMs, random)
        return
      case 'busy':
        this.#restUntilMs = nowMs + restMs
        return
      case 'nothing':
    }
  }

  #measure(ms: number, nowMs: number): void {
    const before = this.latencyMs(nowMs) ?? ms
    this.#latencyMs = before + (ms - before) * latencyGain
    this.#measuredAtMs = nowMs
  }

  /** Several calls that fail of one cause open it once. */
  #open(nowMs: number, random: Random): void {
    if (this.state(nowMs) === 'open') return
    this.#openUntilMs = nowMs + backoffMs(this.#opened, openBaseMs, openCapMs, random)
    this.#opened += 1
    this.#failures = 0
  }
}
