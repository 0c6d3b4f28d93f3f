/** What one replica sends another: some keys, whole, and what the sender knows. */
import type { Entry } from './entry.ts'
import type { Vector } from './vector.ts'

export interface SentEntry {
  readonly bucket: string
  readonly key: string
  readonly entry: Entry
}

/** A place in the order of all keys, by the bytes of bucket and key. */
export type Position = readonly [bucket: string, key: string]

export interface Batch {
  /** What the sender knew as it read the entries. */
  readonly vector: Vector
  readonly entries: readonly SentEntry[]
  /**
   * `changes`: of the writes beyond what was asked, these come first; `upTo` is what to ask for next.
   * `range`: all that the sender has after one place up to another, null meaning the begin and the end.
   * `fresh`: what the sender has just written itself, its writes from one to another number.
   */
  readonly kind:
    | { readonly type: 'changes'; readonly upTo: Vector }
    | { readonly type: 'range'; readonly after: Position | null; readonly to: Position | null }
    | { readonly type: 'fresh'; readonly replica: string; readonly after: number; readonly to: number }
  /** No more follows: what the sender knew, the receiver knows now. */
  readonly isLast: boolean
  /** With the last one: deletions up to here are forgotten at the sender. */
  readonly collected: Vector
}

/** What a replica is, in a few bytes. */
export interface ReplicaState {
  readonly vector: Vector
  /** Two replicas with the same vector and other digests do not hold the same. */
  readonly digest: string
  /** Who knows less must be sent everything: deletions up to here are forgotten. */
  readonly collected: Vector
  /** By which it writes now; null before its first write. Of its other lives it knows all there is. */
  readonly life: string | null
}

/** That a reader of a key gets something else than before. */
export interface VisibleChange {
  readonly bucket: string
  readonly key: string
  /** Which writing of the key it is on this node. */
  readonly version: number
  readonly kind: 'set' | 'delete'
}

export interface MergeOutcome {
  /** What a reader sees otherwise than before. */
  readonly changed: readonly VisibleChange[]
  /** Stamps that were too far ahead. */
  readonly clamped: number
}
