/** How eager a fetch is, with the reasons. */
import { blobLimits } from './limits.ts'
import type { SourceOptions } from './source.ts'

export interface FetchOptions extends SourceOptions {
  /** Sources used at once. */
  readonly sources: number
  /** Arrived and not stored: above it nothing more is asked for. */
  readonly storingBytes: number
  /** What waits so much longer at one source than at another that has nothing to do is given to the other. */
  readonly impatienceMs: number
  /** So often a blob is given to another source; after that it is asked for here and there, in so many copies at most. Those at silent sources do not count. */
  readonly moves: number
  readonly copies: number
}

export const fetchDefaults: FetchOptions = {
  // Four chunks.
  firstWindowBytes: 4 * blobLimits.averageChunkBytes,
  maxWindowBytes: 2 * 1024 * 1024,
  maxWindow: 512,
  stallMs: 5_000,
  quietMs: 1_000,
  // A GPRS-class uplink: slower than that, another source is better than patience.
  slowestBytesPerSecond: 16 * 1024,
  firstPauseMs: 250,
  longestPauseMs: 5_000,
  missesBeforePause: 8,
  sources: blobLimits.sourcesPerFetch,
  storingBytes: blobLimits.storingBytes,
  impatienceMs: 200,
  moves: 2,
  copies: 3,
}
