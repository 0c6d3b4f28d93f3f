/** How the last heartbeat of the mesh's admins stands, pure: what `status` shows of freezing. */
import type { LastHeartbeat } from '../../mesh/index.ts'
import { hexOf } from '../../mesh/index.ts'
import type { HeartbeatStatus } from '../api/index.ts'

/** A heartbeat may come later than its interval by a quarter of it: whoever signs it is a person or a busy job. */
const slack = 1.25
/** What an admin saw has this long to get here. */
const arrivalMs = 60_000

export interface HeartbeatFacts {
  readonly last: LastHeartbeat | null
  readonly trustVersion: number
  /** Digest over the newest releases held now. */
  readonly releases: string
  /** Since those are as they are; monotonic ms of this node, and of the time the heartbeat came as well. */
  readonly releasesSinceMs: number
  readonly nowMs: number
}

/** null where the mesh uses none. */
export function heartbeatStatus(facts: HeartbeatFacts): HeartbeatStatus | null {
  const { last, trustVersion, releases, releasesSinceMs, nowMs } = facts
  if (last === null) return null
  const { heartbeat, ageMs } = last
  const { record, admin } = heartbeat
  const everyMs = record.everyMs ?? null
  const known = { admin: hexOf(admin), counter: record.counter, at: record.at, everyMs, ageMs }
  if (ageMs === null) return { ...known, state: 'unknown' }
  if (everyMs !== null && ageMs > everyMs * slack) return { ...known, state: 'overdue' }
  // Releases that came after the heartbeat are news that its admin could not see.
  const hadTime = ageMs > arrivalMs
  const hasNoNews = releasesSinceMs <= nowMs - ageMs
  const lacksReleases = record.releases !== releases && hasNoNews
  const isBehind = hadTime && (record.trust > trustVersion || lacksReleases)
  return { ...known, state: isBehind ? 'behind' : 'fresh' }
}
