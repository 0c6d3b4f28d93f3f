/**
 * A digest of all entries that takes each change as it comes: the exclusive or of the entries' own. It tells apart
 * what differs by accident, and is not there to withstand somebody who makes collisions.
 */
import { createHash } from 'node:crypto'
import { isDead, type Entry } from './entry.ts'

export const noDigest = '0'

/** What can be read of a key, and what it is called; deletions are not in it, as they are forgotten at different times. */
export function entryDigest(bucket: string, key: string, entry: Entry): bigint {
  if (isDead(entry)) return 0n
  const { siblings, tallies } = entry
  const live = siblings.filter(({ value }) => value !== null)
  const hash = createHash('sha256')
  hash.update(JSON.stringify([bucket, key]))
  for (const { replica, counter, stamp, value, seen } of live) {
    hash.update(JSON.stringify([replica, counter, stamp.ms, stamp.count, seen.map(named)]))
    hash.update(value ?? '')
  }
  hash.update(JSON.stringify(tallies.map(named)))
  return hash.digest().readBigUInt64BE()
}

function named({ replica, counter, life, sum }: Entry['tallies'][number]): unknown[] {
  return [replica, counter, life, String(sum)]
}

export function mixed(one: bigint, other: bigint): bigint {
  return one ^ other
}
