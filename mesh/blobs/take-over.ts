/**
 * What a source that has nothing left to be asked for should take over: what would take longest elsewhere. So the slowest
 * does not set the pace, and what waits at a seed is fetched from the neighbour that has got it since.
 */
import type { Digest } from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import type { FetchOptions } from './fetch-options.ts'
import type { Source } from './source.ts'
import type { Want } from './want.ts'

export interface FetchSituation {
  readonly sources: ReadonlyMap<NodeId, Source>
  readonly wants: ReadonlyMap<Digest, Want>
  readonly options: FetchOptions
  readonly now: number
}

/** @returns a blob that is in flight from another source, and which, or null where waiting for it is as good */
export function overdueFor(
  source: Source,
  { sources, wants, options, now }: FetchSituation,
): { readonly want: Want; readonly from: Source } | null {
  const { impatienceMs, copies } = options
  const busy = [...sources.values()].filter((other) => other !== source && !other.isIdle)
  for (const from of busy.sort((a, b) => b.waitMs(now) - a.waitMs(now))) {
    if (from.waitMs(now) < source.waitMs(now) * 2 + impatienceMs) return null
    // What was asked for last is least likely to be on its way.
    for (const digest of [...from.inFlight.keys()].reverse()) {
      const want = wants.get(digest)
      if (want === undefined || !source.has(want.number) || !source.canTake(want, now)) continue
      const isEarly = now - (from.askedAt(digest) ?? now) < impatienceMs
      if (!isEarly && livelyCopies(want, now) < copies) return { want, from }
    }
  }
  return null
}

/** A copy that is asked of a silent peer is none. */
function livelyCopies({ askedOf }: Want, now: number): number {
  let copies = 0
  for (const source of askedOf) if (source.isLively(now)) copies++
  return copies
}
