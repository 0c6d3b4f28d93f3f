/** Something that ought never to happen and that an operator must see: forks, duplicates, damaged files. */
export interface Alarm {
  /** A code of the problem table of the folder that raised it. */
  readonly code: string
  readonly message: string
  /** The signed bytes that prove it; may be empty, never more than a few records. */
  readonly evidence: readonly Uint8Array[]
}

export type OnAlarm = (alarm: Alarm) => void
