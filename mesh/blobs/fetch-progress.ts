/** How far a fetch is, for people and for the node's record. */
import type { NodeId } from '../identity/index.ts'

export interface FetchProgress {
  /** Of the component, on the disk. */
  readonly haveBytes: number
  readonly totalBytes: number
  /** Taken from peers by this fetch, the chunk list included. */
  readonly fetchedBytes: number
  /** Of the component, on the disk before the fetch began. */
  readonly diskBytes: number
  /** From all sources, over the last second. */
  readonly bytesPerSecond: number
  /** Who delivered something and is still connected. */
  readonly sources: readonly FetchSource[]
  /** Why nothing is asked for at the moment; the fetch goes on by itself. */
  readonly paused: { readonly code: string; readonly message: string } | null
}

export interface FetchSource {
  readonly peer: NodeId
  /** Delivered to this fetch. */
  readonly bytes: number
  readonly bytesPerSecond: number
}
