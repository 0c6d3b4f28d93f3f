/**
 * A head: the newest known version of one thing that everybody should have.
 *
 * The keys are the owners' (`trust`, `member/ID`, `release/APP`, `node/ID`); here they are opaque, and so are the
 * bytes. Which of two versions stands is decided by order alone, so every node settles on the same one.
 */
import type { Digest } from '../../core/index.ts'

/** Only grows; compared number by number. */
export type HeadOrder = readonly [number, number]

/** A version without its bytes. */
export interface HeadId {
  readonly key: string
  readonly order: HeadOrder
  readonly digest: Digest
}

export interface Head extends HeadId {
  readonly bytes: Uint8Array
}

/** What the owner of a key made of received bytes; see design.md section 6. */
export type HeadOutcome = 'accepted' | 'known' | 'older' | 'refused'

export const headLimits = {
  keyLength: 160,
  /** A trust bundle or a credential with the whole chain it rests on is the largest. */
  headBytes: 1024 * 1024,
  /**
   * Keys a node holds: the releases of 10,000 apps with a proof of a fork each, and the credentials and records of
   * thousands of nodes. What one costs beside its bytes is measured in bench/distribution.
   */
  keys: 50_000,
} as const

const keyPattern = /^[a-z][a-z-]*(\/[A-Za-z0-9._-]+)?$/

/** @returns a negative number where `a` is newer, so that sorting puts the newest first */
export function compareHeads(a: Omit<HeadId, 'key'>, b: Omit<HeadId, 'key'>): number {
  return (
    b.order[0] - a.order[0] ||
    b.order[1] - a.order[1] ||
    (a.digest < b.digest ? -1 : Number(a.digest > b.digest))
  )
}

/** True where `a` replaces `b`: greater order, or the same order and the smaller digest. */
export function isNewer(a: Omit<HeadId, 'key'>, b: Omit<HeadId, 'key'> | undefined): boolean {
  return b === undefined || compareHeads(a, b) < 0
}

export function isHeadKey(value: unknown): value is string {
  return typeof value === 'string' && value.length <= headLimits.keyLength && keyPattern.test(value)
}

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
