/** What passes between the node and the thread that has the files of group stores open. */
import type { ProblemKind } from '../../../core/index.ts'
import type { StoreAmount } from '../contract.ts'
import type { KeyValueLimits } from '../limits.ts'
import type { VisibleChange } from './batch.ts'
import type { ReplicaTable } from './replica-table.ts'
import type { GroupTime } from './replica.ts'

/** Methods of a table by name; what is about whole files is the thread's own. */
export type ReplicaMethod =
  | Exclude<keyof ReplicaTable, 'setTime' | 'takeChanges' | 'flush'>
  | 'open'
  | 'saveTo'
  | 'joinFrom'

export interface ReplicaRequest {
  readonly n: number
  /** The SQLite file. */
  readonly path: string
  readonly method: ReplicaMethod
  readonly args: readonly unknown[]
  readonly time: GroupTime
}

/** With each answer goes what the store holds after it, and what a reader sees otherwise. */
interface ReplicaNews {
  readonly n: number
  readonly held: StoreAmount | null
  readonly changes: readonly VisibleChange[]
}

export type ReplicaReply =
  | (ReplicaNews & { readonly value: unknown })
  | (ReplicaNews & {
      readonly problem: {
        readonly code: string
        readonly kind: ProblemKind
        readonly message: string
        readonly hint: string
      }
    })

export interface ReplicaThreadData {
  readonly limits: KeyValueLimits
  /** Whose writes they are that are made here. */
  readonly node: string
}
