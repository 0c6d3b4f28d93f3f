/** Bounds of what is kept of logs, and of reading them on several nodes, with their reasons. */
export const logLimits = {
  /** Of one file: what is read to look for a line, and what an app loses at once when its ring turns. */
  segmentBytes: 128 * 1024,
  /** Of one file, read: a last addition may reach beyond, and what is quoted takes twice the room. */
  readBytes: 512 * 1024,
  /** An app's lines wait in memory so long before they are written, all together. */
  flushMs: 5_000,
  /** Or until there are so many bytes of one app. */
  flushBytes: 64 * 1024,
  /** Where the disk takes nothing: so many bytes of an app wait, and the oldest make room. */
  waitingBytes: 256 * 1024,
  /** After the disk took nothing. */
  retryMs: 30_000,
  /** Lines of an app that stay in memory after they were written, for those who follow. */
  recentLines: 200,
  recentBytes: 32 * 1024,
  /** Of all bytes that one answer looks at: the rest is for the next one, and other work comes in between. */
  scannedBytes: 512 * 1024,
  /** A line that was written is followed by others: whoever waits for one gets them together. */
  settleMs: 100,
  /** Questions that wait for a line at once, from all nodes and clients. */
  waiting: 256,
  /** Nodes that one reader reads at once: each costs up to two pages of memory. */
  sources: 128,
  /** How long a line of one node is held back for an older one of another. */
  windowMs: 250,
  /** A node whose first page is not here by then holds the others' lines back no longer. */
  patienceMs: 1_500,
  /** Nor does one that has still more to tell of what was. */
  catchUpMs: 60_000,
  /** What is read of one node: in the gaps between its pages the others are heard, whatever its times say. */
  sourceBytesPerSecond: 2 * 1024 * 1024,
  /** What was, of one node: more than any ring holds. */
  pastLines: 500_000,
  /** Behind a page without lines. */
  emptyPageMs: 20,
  /** A node that was not reached is asked again, first and at most after so long. */
  retryNodeMs: 1_000,
  retryNodeMostMs: 30_000,
  /** Where an answer that was to wait for news came at once without any. */
  tooSoonMs: 1_000,
  /** From here on the clocks of two nodes are said to differ. */
  skewMs: 2_000,
} as const
