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
  /** Verified blobs kept in memory, as whatever has just come is what neighbours ask for next. */
  recentBytes: 4 * 1024 * 1024,
  /** Digests in one want. */
  wantsPerMessage: 64,
  /** Places in one `have`. */
  placesPerMessage: 1_024,
  /** A message that is no blob: the bits of the largest list, or the most places, and a digest. */
  noticeBytes: 16 * 1024,
  /** The largest blob, a chunk list, and the head of the frame around it. */
  frameBytes: releaseLimits.chunkListBytes + 1024,
  /** Chunks in one frame, together: the size of a send above which nothing is gained. */
  batchBytes: 256 * 1024,
  /** Channels on which one peer is served; it needs one, and another while an old one is still closing. */
  channelsPerPeer: 2,
  /** Wants of one channel that wait for their turn, about 100 bytes each; what is beyond is answered with `missing`. */
  queuedWants: 1_024,
  /** Lists that one channel follows: as many as a node fetches at once. */
  followsPerChannel: 256,
  /** Places in all lists that are followed, of all peers together, about 200 bytes each; beyond it nobody is told. */
  followedPlaces: 256 * 1024,
  /** Blobs of which is known how often they were sent, about 100 bytes each; the oldest are forgotten. */
  countedBlobs: 64 * 1024,
  /** Sources that one fetch uses at once. */
  sourcesPerFetch: 64,
  /** A peer must accept a channel within this time. */
  openMs: 10_000,
  /** What came to this node is told to others after so long, together. */
  announceMs: 50,
  /** What was received is told to who sent it after so many bytes, or so long. */
  gotBytes: 32 * 1024,
  /** … with what is asked for meanwhile: a source is asked for a second's worth, so it does not wait for that. */
  tellMs: 20,
  /** What a node remembers to have asked a peer for, about 100 bytes each, to tell it from what nobody asked for … */
  rememberedWants: 16 * 1024,
  /** … of which so much may come on a channel. */
  unaskedBytes: 4 * 1024 * 1024,
  /** How long a peer that sent wrong bytes stays out. */
  banMs: 10 * 60_000,
  /** Different components fetched at once; each costs at most its windows and {@link storingBytes} of memory. */
  fetches: 256,
  /** Arrived and not yet on the disk, per fetch: above it nothing more is asked for. */
  storingBytes: 4 * 1024 * 1024,
  /** A fetch that found the disk full looks again after so long. */
  fullDiskPauseMs: 5_000,
  /** Chunks that a fetch keeps in memory while the disk is full, so that they need not come again. */
  unwrittenBlobs: 64,
  /** Times that a chunk is written before the disk is to blame, and the pause after the first of them; then twice that, and so on. */
  writeAttempts: 5,
  writePauseMs: 500,
  /** Rounds of "all is there, but not all of it is readable" after which the disk is to blame. */
  fetchRounds: 3,
} as const
