/** Bounds on what a device may cost the node: its time, its memory, its patience. */
export const deviceLimits = {
  /** A device that has not been opened by then is tried again later. */
  openMs: 10_000,
  /** A read, or a use of a pin, that has not come back by then has failed. Waiting for a bus behind a slow one is in it. */
  useMs: 5_000,
  closeMs: 2_000,
  /** A node does not wait longer for its devices when it starts; what is not open yet comes later. */
  startMs: 500,
  /** From one attempt to open to the next, doubled each time, with jitter. A replugged device is back within the cap. */
  reopenMs: 250,
  reopenCapMs: 5_000,
  /** Open and well for so long, a device is tried at once again when it next vanishes. */
  steadyMs: 10_000,
  /** Failures in a row after which a device is closed and opened anew: a descriptor may be of what was unplugged. */
  failures: 3,
  /** A faulty one must say nothing wrong for so long; else one bad reading in two would be news twice a second. */
  settleMs: 3_000,
  /** How often a device that nobody uses is asked whether it answers, where its table does not say. */
  checkMs: 10_000,
  /** The usual limit for a sensor's silence; or three checks, where those are further apart. */
  staleAfterMs: 30_000,
  /** Reads of a sensor, across its openings, that never came back; each may hold one of the few threads for files. */
  hungReads: 2,
  /** Uses of a pin under way at once. */
  pinUses: 64,
  /** Readings that a sensor that speaks may give, or edges of a pin, in a second; what is more is counted and dropped. */
  perSecond: 2_000,
  unitLength: 16,
  whyLength: 400,
  hintLength: 1_000,
  /** Values kept for a picture of the last minutes. */
  recent: 60,
  recentEveryMs: 1_000,
} as const
