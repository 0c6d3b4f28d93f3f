/** What passes between the node and the thread that has its queues' files open. */
import type { ProblemKind } from '../../../core/index.ts'
import type { QueueChange, QueueContents } from '../file.ts'

/** What each request is asked and answered, by method. */
export interface QueueCalls {
  /** Also where it is open already. */
  open: { readonly args: readonly []; readonly value: QueueContents }
  commit: { readonly args: readonly [readonly QueueChange[]]; readonly value: undefined }
  bodies: { readonly args: readonly [readonly number[]]; readonly value: readonly (Uint8Array | null)[] }
  close: { readonly args: readonly []; readonly value: undefined }
}
export type QueueMethod = keyof QueueCalls

export interface QueueRequest {
  readonly n: number
  /** The SQLite file. */
  readonly path: string
  readonly method: QueueMethod
  readonly args: readonly unknown[]
}

export type QueueReply =
  | { readonly n: number; readonly value: unknown }
  | {
      readonly n: number
      readonly problem: {
        readonly code: string
        readonly kind: ProblemKind
        readonly message: string
        readonly hint: string
      }
    }
