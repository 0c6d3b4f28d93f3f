/** What passes between the node and the thread that has the SQLite files open. */
import type { EntryMethod } from '../asked-entries.ts'
import type { ProblemKind } from '../../../core/index.ts'
import type { Durability, KeyChange, StoreAmount } from '../contract.ts'
import type { KeyValueLimits } from '../limits.ts'
import type { LifeRule } from '../time-to-live.ts'

/** Methods of a key-value table by name; `open` and `close` are the thread's own. */
export type StorageMethod =
  | EntryMethod
  | 'open'
  | 'close'
  | 'flush'
  | 'allow'
  | 'sweep'
  | 'watch'
  | 'follow'
  | 'changes'
  | 'advance'
  | 'forget'
  | 'share'
  | 'unshare'
  | 'saveTo'
  | 'lastVersion'
  | 'raise'

/** The argument of `open`. */
export interface OpenOptions {
  readonly durability: Durability
  /** Of this app: patterns of its buckets. */
  readonly rules: readonly LifeRule[]
}

export interface StorageRequest {
  readonly n: number
  /** The SQLite file. */
  readonly path: string
  readonly method: StorageMethod
  readonly args: readonly unknown[]
}

/** With each answer goes what the store holds after it, and what changed: that saves a question. */
export interface StoreNews {
  readonly held: StoreAmount | null
  /** Of all that the answer's transaction did; with the first of its answers, where somebody watches. */
  readonly changes: readonly KeyChange[]
}

export type StorageAnswer =
  | { readonly value: unknown }
  | {
      readonly problem: {
        readonly code: string
        readonly kind: ProblemKind
        readonly message: string
        readonly hint: string
      }
    }

export type StorageReply = { readonly n: number } & StoreNews & StorageAnswer

/** Without a question: what was done on lines that are lent has changed this. */
export type StorageTold = { readonly n: 0; readonly path: string } & StoreNews

/** The argument of `share`. */
export interface Lent {
  readonly n: number
  readonly bucket: string
  readonly line: Int32Array
  /** The same one for all lines of a bucket. */
  readonly entries: Int32Array
}

/** The argument of `unshare`. */
export interface GivenBack {
  readonly n: number
  readonly bucket: string
  /** Nobody reads its entries any more. */
  readonly isLast: boolean
}

export interface StorageThreadData {
  readonly limits: KeyValueLimits
  /** Pages kept in memory for each file, KiB. */
  readonly pagesKb: number
  /** Rung for each request, and each question on a line. */
  readonly bell: Int32Array
}
