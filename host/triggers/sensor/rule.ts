/**
 * Which readings of a sensor become events: all of them, those that differ by an amount from the one that was told
 * last, or those that cross a threshold. Pure.
 *
 * A threshold has hysteresis: having told that the value is above 30, it tells so again only after the value was at or
 * under 30 less the hysteresis. So a value that trembles around the threshold makes one event and not a hundred.
 */

export interface SensorRule {
  /** Least difference from what was told last, in the sensor's unit. */
  readonly change?: number | undefined
  readonly above?: number | undefined
  readonly below?: number | undefined
  /** Of both thresholds. */
  readonly hysteresis?: number | undefined
}

export interface RuleState {
  /** The value that was told last; null before the first. */
  readonly told: number | null
  /** Beyond the threshold, and it was told. */
  readonly isAbove: boolean
  readonly isBelow: boolean
}

export const freshRule: RuleState = { told: null, isAbove: false, isBelow: false }

/** @returns the state after a reading, and whether the reading is an event */
export function judgeReading(
  state: RuleState,
  value: number,
  { change, above, below, hysteresis = 0 }: SensorRule,
): { readonly state: RuleState; readonly tells: boolean } {
  const isAbove = above !== undefined && (state.isAbove ? value > above - hysteresis : value > above)
  const isBelow = below !== undefined && (state.isBelow ? value < below + hysteresis : value < below)
  const crosses = (isAbove && !state.isAbove) || (isBelow && !state.isBelow)
  const changes = change !== undefined && (state.told === null || Math.abs(value - state.told) >= change)
  const tellsAll = change === undefined && above === undefined && below === undefined
  const tells = crosses || changes || tellsAll
  return { state: { told: tells ? value : state.told, isAbove, isBelow }, tells }
}
