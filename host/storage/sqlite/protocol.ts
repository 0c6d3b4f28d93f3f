/** What passes between the node and the thread that has the SQLite files open. */
import type { ProblemKind } from '../../../core/index.ts'
import type { StoreAmount } from '../contract.ts'
import type { KeyValueLimits } from '../limits.ts'

/** Methods of a key-value table by name; `open` and `close` are the thread's own. */
export type StorageMethod =
  | 'open'
  | 'close'
  | 'get'
  | 'set'
  | 'delete'
  | 'exists'
  | 'version'
  | 'keys'
  | 'increment'
  | 'compareAndSwap'
  | 'getMany'
  | 'setMany'
  | 'deleteMany'
  | 'usage'
  | 'allow'

export interface StorageRequest {
  readonly n: number
  /** The SQLite file. */
  readonly path: string
  readonly method: StorageMethod
  readonly args: readonly unknown[]
}

export type StorageReply =
  /** What the store holds after it goes along with each answer: it is two numbers, and saves a question. */
  | { readonly n: number; readonly value: unknown; readonly held: StoreAmount | null }
  | {
      readonly n: number
      readonly problem: {
        readonly code: string
        readonly kind: ProblemKind
        readonly message: string
        readonly hint: string
      }
    }

export interface StorageThreadData {
  readonly limits: KeyValueLimits
}
