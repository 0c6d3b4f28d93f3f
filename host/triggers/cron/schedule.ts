/**
 * What a cron trigger does next: pure, given a line that can be asked for the run after any moment.
 *
 * The wall clock is all there is to go by, and it may be wrong: unset after a power cut (1970), years ahead, or set back
 * by a minute. A run is never made twice for one moment of the line, a clock that is not set makes none, and runs that
 * nobody made while the node was off or the clock jumped are treated by the trigger's rule.
 */

/** `skip` leaves them out, `once` makes one for all of them, `all` makes each of them. */
export type MissedRule = 'skip' | 'once' | 'all'

/** A clock before this was never set: the year 2020. */
const clockIsSetMs = 1_577_836_800_000
/** A run that is made so late was not missed: the node was busy. */
const graceMs = 5_000
/** Runs that `all` makes after an outage; of more, the latest. */
export const mostMissedRuns = 100
/** Runs that are counted: after an outage of a year of a line of every second nobody waits for the sum. */
const mostCounted = 1_000
/** The clock was wrong when it was further ahead than this: what was noted then says nothing. */
const forgetAheadMs = 3_600_000
/** The wall clock is looked at so often, as it may jump while a timer waits. */
const longestWaitMs = 10_000

/** The run after a moment, wall ms; null where there is none any more. */
export type RunAfter = (ms: number) => number | null

export interface Run {
  readonly timeMs: number
  /** Runs before it that nobody made. */
  readonly missed: number
}

export interface Decision {
  readonly runs: readonly Run[]
  /** The moment up to which all is done, wall ms; null where the clock is not set. */
  readonly doneMs: number | null
  /** Ask again after so long at the latest, ms; null where nothing will ever come. */
  readonly waitMs: number | null
  readonly clockIsSet: boolean
}

/**
 * @param doneMs as the decision before said, or as it was kept over a restart; null where nothing is known
 * @param nowMs the wall clock
 */
export function decideRuns(
  runAfter: RunAfter,
  doneMs: number | null,
  nowMs: number,
  rule: MissedRule,
): Decision {
  if (nowMs < clockIsSetMs) return { runs: [], doneMs, waitMs: longestWaitMs, clockIsSet: false }
  const known = doneMs === null || doneMs > nowMs + forgetAheadMs ? null : doneMs
  const fromMs = known ?? nowMs
  const due = latestBetween(runAfter, fromMs, nowMs)
  const missed = Math.max(0, countBetween(runAfter, fromMs, nowMs) - 1)
  const runs = runsOf(due, missed, nowMs, rule)
  const next = runAfter(Math.max(fromMs, nowMs))
  return {
    runs,
    doneMs: Math.max(fromMs, due.at(-1) ?? fromMs),
    waitMs: next === null ? null : Math.min(longestWaitMs, Math.max(1, next - nowMs)),
    clockIsSet: true,
  }
}

/** The runs of a span, its end included, bounded: the first so many of them. */
function runsBetween(runAfter: RunAfter, fromMs: number, nowMs: number, most: number): number[] {
  const runs: number[] = []
  for (let at = runAfter(fromMs); at !== null && at <= nowMs && runs.length < most; at = runAfter(at))
    runs.push(at)
  return runs
}

function countBetween(runAfter: RunAfter, fromMs: number, nowMs: number): number {
  return runsBetween(runAfter, fromMs, nowMs, mostCounted).length
}

/** The latest runs of a span, {@link mostMissedRuns} at most: looked for in ever longer spans before its end. */
function latestBetween(runAfter: RunAfter, fromMs: number, nowMs: number): number[] {
  let latest: number[] = []
  for (let spanMs = graceMs; ; spanMs *= 2) {
    const startMs = Math.max(fromMs, nowMs - spanMs)
    const runs = runsBetween(runAfter, startMs, nowMs, mostCounted)
    // As many as are counted may be the first of more: the shorter span has the later ones.
    if (runs.length < mostCounted) latest = runs.slice(-mostMissedRuns)
    if (startMs === fromMs || runs.length >= mostMissedRuns) return latest
  }
}

/** @param missed of all that were due, those before the last */
function runsOf(due: readonly number[], missed: number, nowMs: number, rule: MissedRule): Run[] {
  const last = due.at(-1)
  if (last === undefined) return []
  if (rule === 'all') {
    const left = Math.max(0, missed + 1 - due.length)
    return due.map((timeMs, index) => ({ timeMs, missed: index === 0 ? left : 0 }))
  }
  // The one that is due now is made whatever the rule.
  return rule === 'once' || nowMs - last <= graceMs ? [{ timeMs: last, missed }] : []
}
