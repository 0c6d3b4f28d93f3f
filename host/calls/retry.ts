/** Whether a call is made again elsewhere: never one that may have had an effect, unless that does no harm. Pure. */
import { isSelvedgeError } from '../../core/index.ts'
import { NotStarted } from '../../mesh/index.ts'
import type { Sign } from './breaker.ts'
import { callRules, type AttemptOutcome } from './contract.ts'

/** RFC 9110, 9.2.2. */
const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

export function isIdempotent(method: string): boolean {
  return idempotentMethods.has(method)
}

/** Refusals that another node would repeat. */
const final: ReadonlySet<string> = new Set([
  'ERR_CALL_SCOPE',
  'ERR_CALL_HOPS',
  'ERR_CALL_HEAD_SIZE',
  'ERR_CALL_MALFORMED',
  'ERR_CALL_VALUE',
])
/** The node or its instance went away under the call; what the app itself did would happen again. */
const passing: ReadonlySet<string> = new Set([
  'ERR_CALL_LOST',
  'ERR_APP_STOPPED',
  'ERR_APP_CRASH',
  'ERR_APP_NEIGHBOUR',
  'ERR_APP_NOT_BEGUN',
])
const busy: ReadonlySet<string> = new Set(['ERR_CALL_BUSY', 'ERR_APP_BUSY'])
/** An instance of this node that did not begin: engine and pool say so by code. */
const notBegun: ReadonlySet<string> = new Set(['ERR_APP_BUSY', 'ERR_APP_NOT_BEGUN'])

export interface Ending {
  readonly outcome: Exclude<AttemptOutcome, 'answered'>
  readonly code: string
  /** What it tells of the node. */
  readonly sign: Sign
}

/** @param isGivenUp the caller does not want it any more */
export function endingOf(error: unknown, isGivenUp: boolean): Ending {
  const code = isSelvedgeError(error) ? error.code : 'ERR_INTERNAL'
  if (isGivenUp) return { outcome: 'given-up', code, sign: 'nothing' }
  if (error instanceof NotStarted && !error.isReached) return { outcome: 'unreachable', code, sign: 'gone' }
  if (busy.has(code)) return { outcome: 'not-started', code, sign: 'busy' }
  if (error instanceof NotStarted)
    return { outcome: 'not-started', code, sign: final.has(code) ? 'nothing' : 'gone' }
  if (notBegun.has(code)) return { outcome: 'not-started', code, sign: 'failed' }
  if (code === 'ERR_CALL_LOST') return { outcome: 'failed', code, sign: 'gone' }
  if (code === 'ERR_CALL_DEADLINE') return { outcome: 'failed', code, sign: 'failed' }
  // The app's own doing, or that of its instance: the node is there and answers.
  return { outcome: 'failed', code, sign: passing.has(code) ? 'failed' : 'answered' }
}

export interface RetryFacts {
  readonly isIdempotent: boolean
  /** All of it is still there to be sent again. */
  readonly isReplayable: boolean
  /** So far. */
  readonly attempts: number
}

/** Whether a call that ended so may be made again, the budget aside. */
export function mayRepeat({ outcome, code }: Ending, facts: RetryFacts): boolean {
  if (facts.attempts >= callRules.attempts || !facts.isReplayable || final.has(code)) return false
  if (outcome === 'not-started' || outcome === 'unreachable') return true
  return outcome === 'failed' && facts.isIdempotent && passing.has(code)
}

/**
 * Whether making it again is paid from the budget. An unreachable node costs the others nothing; and what was under way
 * with a node that vanished comes once over the others, however much that was.
 */
export function costsBudget({ outcome, code }: Ending, { attempts }: RetryFacts): boolean {
  return outcome !== 'unreachable' && !(code === 'ERR_CALL_LOST' && attempts === 1)
}

const shareOfCalls = 0.1
const mostTokens = 100
const firstTokens = 20

/**
 * Repeats of all calls together: a tenth of them, and a few. Without it a mesh that has too much to do would ask
 * itself several times over (Google, "Site Reliability Engineering", chapter 21).
 */
export class RetryBudget {
  #tokens: number = firstTokens

  called(): void {
    this.#tokens = Math.min(mostTokens, this.#tokens + shareOfCalls)
  }

  /** @returns whether there was one left */
  take(): boolean {
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
