/** Every bound of the blob store and the exchange, with its reason. */
import { releaseLimits } from '../releases/index.ts'

const minChunkBytes = 4 * 1024

export const blobLimits = {
  componentBytes: releaseLimits.componentBytes,
  chunkListBytes: releaseLimits.chunkListBytes,
  minChunkBytes,
  averageChunkBytes: 16 * 1024,
  maxChunkBytes: 64 * 1024,
  /** Every chunk but the last has at least the least size. */
  chunksPerComponent: releaseLimits.componentBytes / minChunkBytes + 1,
  /** Chunks written at once: enough to overlap their flushes, few enough for a slow card. */
  parallelWrites: 8,
  /** A chunk that was just written or asked for is kept so long though no release names it yet. */
  graceMs: 15 * 60_000,
  /** Digests in one want: more than the largest window of a fetch. */
  wantsPerMessage: 64,
  /** The largest blob, a chunk list, and the message around it. */
  frameBytes: releaseLimits.chunkListBytes + 1024,
  /** Channels on which one peer is served; it needs one, and another while an old one is still closing. */
  channelsPerPeer: 2,
  /** Read from the disk and not yet sent, over all peers; above it wants are answered with `missing`. */
  servingBytes: 32 * 1024 * 1024,
  /** A peer must accept a channel within this time. */
  openMs: 10_000,
  /** How long a peer that sent wrong bytes stays out. */
  banMs: 10 * 60_000,
  /** Different components fetched at once; each costs at most its windows and {@link storingBytes} of memory. */
  fetches: 256,
  /** Arrived and not yet on the disk, per fetch: above it nothing more is asked for. */
  storingBytes: 4 * 1024 * 1024,
  /** Rounds of "all is there, but not all of it is readable" after which the disk is to blame. */
  fetchRounds: 3,
} as const
