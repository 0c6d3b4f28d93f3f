/** What an app is told of a call that came to nothing, and how long one may take. */
import { isSelvedgeError, messageOf } from '../../../core/index.ts'
import type { GuestCaller } from '../../engine/index.ts'

export interface CallFailure {
  readonly tag: 'not-found' | 'invalid-arguments' | 'refused' | 'unavailable' | 'timeout' | 'failed'
  readonly message: string
}

const tags: Readonly<Record<string, CallFailure['tag']>> = {
  ERR_CALL_APP: 'not-found',
  ERR_CALL_FUNCTION: 'not-found',
  ERR_CALL_ARGUMENTS: 'invalid-arguments',
  ERR_CALL_VALUE: 'invalid-arguments',
  ERR_CALL_SCOPE: 'refused',
  ERR_CALL_HOPS: 'refused',
  ERR_CALL_NOWHERE: 'unavailable',
  ERR_CALL_NOT_HERE: 'unavailable',
  ERR_NO_MESH: 'unavailable',
  ERR_CALL_BUSY: 'unavailable',
  ERR_APP_BUSY: 'unavailable',
  ERR_APP_NOT_BEGUN: 'unavailable',
  ERR_CALL_DEADLINE: 'timeout',
  ERR_APP_DEADLINE: 'timeout',
}

/** Of a message that may come from another node. */
const maxMessageChars = 1_000

/** By its code where it has one; a fault of ours is a failure to the app, and not its end. */
export function callFailure(error: unknown): CallFailure {
  const tag = isSelvedgeError(error) ? (tags[error.code] ?? 'failed') : 'failed'
  const hint = isSelvedgeError(error, 'ERR_CALL_ARGUMENTS', 'ERR_CALL_FUNCTION') ? `; ${error.hint}` : ''
  return { tag, message: `${messageOf(error)}${hint}`.slice(0, maxMessageChars) }
}

/** Of its own time a caller keeps so much, at most, to do something about a call that takes too long. */
const keptShare = 0.1
const keptMs = 100

/** @returns what may be waited for something, of what a call of an app has left, ms */
export function lessKept(leftMs: number): number {
  return leftMs === Infinity ? leftMs : leftMs - Math.min(keptMs, leftMs * keptShare)
}

/** What goes along with a call that an app makes: less than what is left of its own time, and who gives it up. */
export function reserved(
  caller: GuestCaller | undefined,
  wantedMs = Infinity,
): { readonly deadlineMs?: number; readonly hops?: number; readonly signal?: AbortSignal } {
  if (caller === undefined) return Number.isFinite(wantedMs) ? { deadlineMs: wantedMs } : {}
  const deadlineMs = Math.min(wantedMs, lessKept(caller.remainingMs()))
  const hops = caller.hopsLeft()
  return {
    signal: caller.gone,
    ...(Number.isFinite(deadlineMs) && { deadlineMs: Math.max(1, deadlineMs) }),
    ...(hops !== undefined && { hops }),
  }
}
