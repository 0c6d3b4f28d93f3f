/** What the nodes of a group say to each other about one app's store. */
import type { Batch, Position, Vector } from '../storage/index.ts'

export type ReplicaMessage =
  /** How far the sender is, and what time it has; 0 where its clock is not set. */
  | {
      readonly type: 'summary'
      readonly vector: Vector
      readonly digest: string
      readonly wallMs: number
      /** By which it writes now; undefined where it does not say, as versions of before. */
      readonly life?: string | null
    }
  /** Asks for what comes after: the writes beyond a vector, or all keys after a place. */
  | { readonly type: 'want'; readonly from: WantedFrom }
  | { readonly type: 'batch'; readonly batch: Batch }
  /** How far the sender has heard that others are, by node. */
  | { readonly type: 'heard'; readonly rows: readonly (readonly [node: string, vector: Vector])[] }

export type WantedFrom =
  | { readonly type: 'changes'; readonly after: Vector }
  | { readonly type: 'range'; readonly after: Position | null }

/** Every bound of what is said, with its reason. */
export const replicaLimits = {
  /** Values of a group's store are smaller than others: all that were written at once to a key travel together. */
  valueBytes: 128 * 1024,
  /** One key with sixty values of that size, each written without knowing of the others. */
  frameBytes: 8 * 1024 * 1024,
  /** One answer: small enough to be merged in one go, large enough that round trips do not count. */
  batchBytes: 256 * 1024,
  /** Lives of all stores of a group: one more for each boot of a node that writes. */
  replicas: 16_384,
  items: 1_048_576,
  entries: 16_384,
  heardRows: 256,
} as const
