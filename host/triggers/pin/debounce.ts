/**
 * Which changes of a level are meant: a contact that closes bounces for some milliseconds, and is believed when it has
 * kept its level for a while. Pure.
 */

export interface Level {
  readonly level: boolean
  /** Wall clock, of the edge that made it. */
  readonly timeMs: number
}

export interface DebounceState {
  /** The level that is believed; null before the first edge. */
  readonly stable: boolean | null
  /** A level that may become it, and since when it is seen: monotonic ms. */
  readonly candidate: (Level & { readonly sinceMs: number }) | null
}

export interface Debounced {
  readonly state: DebounceState
  /** The new level, where it changed now. */
  readonly changed: Level | null
}

export const freshDebounce: DebounceState = { stable: null, candidate: null }

/** A level was seen. @param quietMs so long it must last; 0 believes it at once */
export function seeLevel(state: DebounceState, seen: Level, nowMs: number, quietMs: number): Debounced {
  // Time may have made up its mind before this came.
  const { state: before, changed } = settle(state, nowMs, quietMs)
  // An edge is a change: before the first the level was the other one.
  const stable = before.stable ?? !seen.level
  if (stable === seen.level) return { state: { stable, candidate: null }, changed }
  if (before.candidate?.level === seen.level) return { state: before, changed }
  const next = { stable, candidate: { ...seen, sinceMs: nowMs } }
  return quietMs > 0 ? { state: next, changed } : settle(next, nowMs, quietMs)
}

/** Time went by. */
export function settle(state: DebounceState, nowMs: number, quietMs: number): Debounced {
  const { candidate } = state
  if (candidate === null || nowMs - candidate.sinceMs < quietMs) return { state, changed: null }
  const { level, timeMs } = candidate
  return { state: { stable: level, candidate: null }, changed: { level, timeMs } }
}

/** When {@link settle} is wanted; null where nothing waits. */
export function settlesAt({ candidate }: DebounceState, quietMs: number): number | null {
  return candidate === null ? null : candidate.sinceMs + quietMs
}
