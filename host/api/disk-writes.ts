/** What a node writes to its disk, as `status` and the metrics show it. */
export interface DiskWrites {
  /** Since the node started, by itself and the processes that it started. */
  readonly totalBytes: number
  /** Of these, within the last {@link overMs}: an hour, or since the node started. */
  readonly bytes: number
  readonly overMs: number
}
