/** What one call of a preview1 guest can make the host do, each with its reason. */
export const preview1Limits = {
  /** Open descriptors, stdio and preopens included. */
  descriptors: 1_024,
  /** Pieces of one scattered read or write, as Linux has it (IOV_MAX). */
  pieces: 1_024,
  /** Bytes of one read or write of a file: straight into the guest's memory, so that only time is bounded. */
  transferBytes: 16 * 1024 * 1024,
  /** Bytes of one piece handed to a stream of the host's. */
  streamBytes: 64 * 1024,
  /** Subscriptions of one poll: more than one for every descriptor there can be. */
  subscriptions: 4_096,
  /** Arguments, or variables. */
  strings: 65_536,
} as const
