/** Bounds of logs between nodes, with their reasons: a peer may be anybody's. */
export const logWireLimits = {
  /** Of one page, as it is encoded: it crosses as the head of an answer. */
  pageBytes: 56 * 1024,
  pageLines: 500,
  /** UTF-16 units of a line, and of what it stands in, as the node cuts them where they are said. */
  messageChars: 4_096,
  contextChars: 128,
  /** Three numbers of nine digits, and 32 characters behind a hyphen and a plus each, have 95. */
  versionChars: 128,
  /** What is searched for. Plain text and no pattern: a pattern may take for ever. */
  textChars: 128,
  questionBytes: 1_024,
  /** Lines from the end that may be asked for. */
  tail: 1_000,
  /** A week; what is kept is seldom older. */
  longestSinceMs: 366 * 24 * 3_600_000,
  /** Readers of one peer at once, each on a channel of its own. */
  channelsPerPeer: 8,
  /** A question may wait for news so long; the asker then asks again. */
  longestWaitMs: 25_000,
  /** Beyond the wait, over the slowest of wires. */
  answerMs: 10_000,
  /** What one peer may read, in the long run; whoever wants more is answered later. */
  bytesPerSecond: 512 * 1024,
  /** To look through so many bytes of files counts as one that is read: it costs no wire, but disk and processor. */
  scannedPerByte: 16,
  /**
   * A question whose answer is to be looked for stands still so long at most, for what its peer has had looked through before
   * it ends: the whole of the largest ring, 64 MiB, takes half of that of a peer that had asked nothing.
   */
  scanWaitMs: 8_000,
  questionsPerSecond: 40,
  /** What was not used is saved up for so long. */
  burstMs: 4_000,
  /** Peers of which it is remembered what they read; members beyond share what is left. */
  peers: 1_024,
} as const
