/** Bounds of messages between nodes, with their reasons: a peer may be anybody's. */
export const messageWireLimits = {
  /** Of one batch: as much as is kept in memory for each peer that sends, and as long as a slow uplink takes for it. */
  batchBytes: 512 * 1024,
  batchMessages: 128,
  /** Of one message's body. */
  bodyBytes: 256 * 1024,
  /** Of all names and values of its metadata, in UTF-16 units. */
  metadataChars: 8 * 1024,
  metadataEntries: 64,
  keyChars: 256,
  contentTypeChars: 256,
  idChars: 64,
  /** One batch is under way to a peer at a time, and the next waits for its answer; another for when one of them hangs. */
  channelsPerPeer: 2,
  /** Taken from one peer at a time: one of what its journal sends, and one of what cannot wait for that. */
  batchesPerPeer: 2,
  /** From a batch to its answer, over the slowest of wires. */
  answerMs: 30_000,
  /** So long the answer to a batch that nobody waits for any more is waited for, before its channel is closed. */
  lingerMs: 1_000,
  /** What one peer may send, in the long run; four times an edge node's fastest disk. */
  bytesPerSecond: 4 * 1024 * 1024,
  messagesPerSecond: 4_000,
  /** What was not used is saved up for so long. */
  burstMs: 4_000,
  /** A peer that is told to wait and sends again all the same, so often while a burst is saved up, is no honest node. */
  ignoredWaits: 20,
  /** Peers of which it is remembered what they sent; members beyond share what is left. */
  peers: 1_024,
  /** The longest that a peer may tell this node to wait. */
  longestWaitMs: 300_000,
} as const
