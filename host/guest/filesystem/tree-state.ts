import type { ExactTimes } from './metadata.ts'
import type { Space } from './space.ts'

/** What the handles of one guest share that are of one preopened folder. */
export interface TreeState {
  /** null where it is not counted. */
  readonly space: Space | null
  readonly times: ExactTimes
  /** Milliseconds since the Unix epoch. */
  now(): number
  /**
   * Has `close` run once: when what is given back is called, or when the guest is gone, which it is told then.
   * Without it a guest that closes nothing would take descriptors from the process for every instance it had.
   */
  keep(close: (isGuestGone: boolean) => void): () => void
  /** Counts one more descriptor. @returns what gives it back, once. @throws FileError EMFILE */
  hold(): () => void
}
