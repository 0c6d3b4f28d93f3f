/** What came of waiting for a release. */
import type { SelvedgeError } from '../../core/index.ts'
import type { RolloutProgress } from './rollout-progress.ts'

export interface RolloutOutcome {
  readonly result: 'running' | 'not-running' | 'not-in-time'
  /** The last look. */
  readonly progress: RolloutProgress
  /** Monotonic: when the last of them was seen to run it; null where that was not so. */
  readonly runningAtMs: number | null
  /** Why it is no success. */
  readonly error: SelvedgeError | null
}
