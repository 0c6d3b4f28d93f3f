/** Every bound of patches, with its reason. */

export const patchLimits = {
  /** Below it chunks cost about as much as asking around for a patch. */
  smallestBytes: 32 * 1024,
  /**
   * Above it no patch is made or taken: base and result are both in memory while it is applied. Components made with
   * StarlingMonkey (12 to 14 MB) are below it.
   */
  largestBytes: 16 * 1024 * 1024,
  /** The target is packed in pieces of this size, each against the part of the base that is most like it … */
  sectionBytes: 2 * 1024 * 1024,
  /**
   * … so that packing takes 16 to 25 MB of memory and unpacking 16, however large the component. Of a dictionary of 4 MiB
   * level 9 does not see all (a section that had moved by 700 KB came out 218 KB too large), of 3 MiB it does.
   */
  dictionaryBytes: 3 * 1024 * 1024,
  /** A larger one is no small change, and chunks are shared better. */
  patchBytes: 2 * 1024 * 1024,
  /** Of what changed in chunks and their list: above it chunks are as good, as they come from many and resume. */
  worthShare: 0.75,
  /** Memory of one packing or unpacking. */
  zstdMemoryBytes: 64 * 1024 * 1024,
  /**
   * One changed line in a QuickJS component of 1.0 MB gives 6.2 KB in 5 ms at level 3, 5.3 KB in 40 ms and 16 MB at 9,
   * and 4.5 KB in 280 ms and 36 MB at 19: the last kilobyte costs more than all before.
   */
  level: 9,
  /** Packing that takes longer is given up: a slow device then hands out chunks. */
  makeMs: 30_000,
  /** Patches that wait to be made; further ones are not made. */
  waitingMakes: 8,
  /** What a node keeps of patches, the oldest leave first. */
  keptPatches: 64,
  keptBytes: 8 * 1024 * 1024,
  /** Components that a node says it has, in one question. */
  basesPerFind: 4,
  appNameChars: 128,
  /** Pairs of components of which is remembered that a patch was tried: each costs a node its work once. */
  rememberedMakes: 256,
  /** The bytes of a patch go in frames of this size; all but the last are full, so nobody can drip them. */
  pieceBytes: 16 * 1024,
  frameBytes: 16 * 1024 + 512,
  /** Questions of one peer that are kept to be answered again when a patch turns up; the oldest leave first. */
  questionsPerPeer: 64,
  /** As for blobs: one, and another while an old one is still closing. */
  channelsPerPeer: 2,
  /** Read and not yet sent, over all peers. */
  servingBytes: 8 * 1024 * 1024,
  /** Searches at once; each may hold a patch, and one after the other a base and a result. Beyond, chunks. */
  searches: 16,
  /** A peer must accept a channel within this time. */
  openMs: 5_000,
  /** How long a peer that handed out a wrong patch is not asked for patches. */
  shunMs: 10 * 60_000,
  shunnedPeers: 512,
} as const

export function isPatchable(base: { sizeBytes: number }, target: { sizeBytes: number }): boolean {
  const { smallestBytes, largestBytes } = patchLimits
  return target.sizeBytes >= smallestBytes && Math.max(base.sizeBytes, target.sizeBytes) <= largestBytes
}
