/** What components take of a node's disk, as `status` and the metrics show it. */
export interface ComponentRoom {
  /** Of all components that are here, the older releases' too. */
  readonly usedBytes: number
  /** The most that they may take; null for no limit but the disk. */
  readonly quotaBytes: number | null
  /** Removed to make room for others, since the node started. */
  readonly evictedBytes: number
}
