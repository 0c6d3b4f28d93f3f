/** What the rest of the node sees of the exchange of blobs. */
import type { Clock, Log, Part, Random } from '../../core/index.ts'
import type { ReportAttack } from '../attacks.ts'
import type { ComponentRef } from '../releases/index.ts'
import type { Transport } from '../transport/index.ts'
import type { FetchProgress } from './fetch-progress.ts'
import type { BlobStore } from './store.ts'

/** Of blobs, over all peers together; what a peer and this node say besides is not counted. None where it is left out. */
export interface BlobCaps {
  readonly uploadBytesPerSecond?: number | undefined
  readonly downloadBytesPerSecond?: number | undefined
}

export interface BlobExchangeOptions {
  readonly transport: Transport
  readonly store: BlobStore
  readonly clock: Clock
  readonly log: Log
  readonly random?: Random
  readonly caps?: BlobCaps | undefined
  readonly report?: ReportAttack
}

export interface FetchCall {
  /** The only end of a fetch that no peer can serve. */
  readonly signal?: AbortSignal
  /** Called a few times a second, and when all is there; must not throw. */
  readonly onProgress?: (progress: FetchProgress) => void
  /**
   * Called with the component before the fetch resolves, so that it is read and hashed once. Who came to a fetch that
   * was nearly over may not be called, and reads it from the store.
   */
  readonly onWhole?: (bytes: Uint8Array) => void
}

/** What went between this node and its peers since it was made. */
export interface BlobTraffic {
  /** Bytes of chunks and chunk lists that came, wanted or not. */
  readonly receivedBytes: number
  /** Bytes of them that were handed to the network for others. */
  readonly sentBytes: number
}

export interface BlobExchange extends Part {
  readonly traffic: BlobTraffic
  /**
   * Brings a component to the disk, as far as it is not there; waits for peers, and for room on the disk, as long as
   * the signal allows.
   * @returns how many bytes came from peers, the chunk list included
   * @throws ERR_CHUNK_LIST or ERR_BLOB_MISMATCH where what was signed does not fit together, ERR_BLOB_SIZE,
   *   ERR_BLOB_STORE, ERR_FETCH_LIMIT, ERR_BLOBS_STOPPED, the signal's reason
   */
  fetch(ref: ComponentRef, call?: FetchCall): Promise<{ readonly fetchedBytes: number }>
}
