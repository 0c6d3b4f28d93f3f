/** The bounds of what is read from files and registries that somebody else wrote, in bytes, milliseconds and counts. */
import { blobLimits, releaseLimits, revocationLimits } from '../../mesh/index.ts'

export const formatLimits = {
  /** A manifest or an index; registries take no larger ones. */
  manifestBytes: 4 * 1024 * 1024,
  /** Entries of an index that are looked at, and indexes within each other. */
  manifests: 1_024,
  indexDepth: 3,
  layers: 64,
  configBytes: 1024 * 1024,
  componentBytes: releaseLimits.componentBytes,
  /** Files in an archive: a layout of some thousand releases. */
  tarEntries: 65_536,
  /** A signed record of any kind; a chain of trust and the revocation of a publisher are the largest. */
  recordBytes: Math.max(1024 * 1024, revocationLimits.recordBytes),
  /** All records of a bundle, which are held in memory together, and how many there may be. */
  recordsBytes: 64 * 1024 * 1024,
  records: 65_536,
  /** Chunks of a bundle: 4 GiB of the average size. */
  chunks: 262_144,
  chunkBytes: blobLimits.maxChunkBytes,
  chunkListBytes: blobLimits.chunkListBytes,
  /** The table of contents of a bundle with all of the above. */
  contentsBytes: 24 * 1024 * 1024,
  /** What `import -` takes before it knows what it is. */
  bundleBytes: 8 * 1024 * 1024 * 1024,
  /** A registry's answer that is no blob: a token, an error. */
  answerBytes: 1024 * 1024,
  redirects: 5,
  /** Silence of a registry before it is given up, and the longest that one request may take. */
  registryIdleMs: 30_000,
  registryTotalMs: 15 * 60_000,
  dockerConfigBytes: 1024 * 1024,
} as const
