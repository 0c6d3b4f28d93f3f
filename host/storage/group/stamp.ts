/**
 * Hybrid logical clocks (Kulkarni et al., "Logical Physical Clocks", OPODIS 2014): the wall clock where it can be
 * believed, and a count that goes on where it cannot. Stamps order only writes that did not know of each other.
 */

export interface Stamp {
  /** Of the wall clock, since the epoch; 0 where the writer's clock was not set. */
  readonly ms: number
  readonly count: number
}

/** 2024-01-01: a clock that says less was never set. */
export const unsetBeforeMs = Date.UTC(2024, 0, 1)
/** A stamp may be so far ahead of the group's median clock. */
export const mostAheadMs = 60_000

export const firstStamp: Stamp = { ms: 0, count: 0 }

export function compareStamps(one: Stamp, other: Stamp): number {
  return one.ms - other.ms || one.count - other.count
}

export function laterStamp(one: Stamp, other: Stamp): Stamp {
  return compareStamps(one, other) >= 0 ? one : other
}

/**
 * The stamp of a write behind all that was seen.
 * @param wallMs 0 where the clock is not set @param latestMs the most that it may say
 */
export function nextStamp(seen: Stamp, wallMs: number, latestMs: number): Stamp {
  const ms = Math.floor(Math.min(wallMs < unsetBeforeMs ? 0 : wallMs, latestMs))
  return ms > seen.ms ? { ms, count: 0 } : { ms: seen.ms, count: seen.count + 1 }
}

/** @returns the stamp, not beyond `latestMs` */
export function clamped(stamp: Stamp, latestMs: number): Stamp {
  return stamp.ms <= latestMs ? stamp : { ms: Math.floor(latestMs), count: stamp.count }
}
