/** What a fetch is told, and what it decides. */
import type { Digest } from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import type { BlobRef } from '../releases/index.ts'

export type FetchEvent =
  /** May come again with more. */
  | { readonly type: 'start'; readonly wants: readonly BlobRef[] }
  | {
      readonly type: 'peer-up'
      readonly peer: NodeId
      /** Through gateways alone. */ readonly isRelayed?: boolean
    }
  | { readonly type: 'peer-down'; readonly peer: NodeId }
  /** The peer says that it has these, and whether it has all; those that are not wanted are passed over. */
  | {
      readonly type: 'has'
      readonly peer: NodeId
      readonly digests: readonly Digest[]
      readonly isWhole: boolean
    }
  /** The peer is there, but the channel to it could not be opened or closed. */
  | { readonly type: 'link-lost'; readonly peer: NodeId }
  /** Bytes with this digest came, so many of them. */
  | { readonly type: 'chunk'; readonly peer: NodeId; readonly digest: Digest; readonly sizeBytes: number }
  /** What was to be stored is on the disk. */
  | { readonly type: 'stored'; readonly digest: Digest }
  /** It could not be stored: it is wanted again. */
  | { readonly type: 'unstored'; readonly digest: Digest }
  | { readonly type: 'missing'; readonly peer: NodeId; readonly digests: readonly Digest[] }
  | { readonly type: 'wrong'; readonly peer: NodeId; readonly reason: string }
  /** Nothing is asked for while it is paused. */
  | { readonly type: 'pause' | 'resume' }
  /** `relayed` are those that are reached through gateways alone by now; left out, nothing of that has changed. */
  | { readonly type: 'tick'; readonly relayed?: readonly NodeId[] }

export type FetchAction =
  | { readonly type: 'request' | 'cancel'; readonly peer: NodeId; readonly digests: readonly Digest[] }
  | { readonly type: 'store'; readonly digest: Digest }
  /** Everything wanted so far is on the disk. */
  | { readonly type: 'done' }
  /** What is wanted does not exist: the list that names it is wrong. Nothing follows. */
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'misbehaved' | 'stalled'; readonly peer: NodeId; readonly reason: string }
