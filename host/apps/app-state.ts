/** What an app's machine knows, what it is told, and what it asks for; the rules are in `app-machine.ts`. */
import type { Digest } from '../../core/index.ts'
import type { DesiredRelease, Reason, Verdict } from './release.ts'

export type Phase =
  | 'waiting'
  | 'refused'
  | 'fetching'
  | 'preparing'
  | 'starting'
  | 'checking'
  | 'running'
  | 'backoff'

/** The step that is tried again after a backoff; `prepare` fetches first, from the node's own disk. */
export type Retry = 'fetch' | 'prepare' | 'start'

export interface Slot {
  readonly release: DesiredRelease
  readonly phase: Phase
  /** Since when it is in this phase, by the wall clock. */
  readonly since: number
  /** Why it waits, was refused, or is tried again. */
  readonly reason: Reason | null
  /** In `backoff`: what is tried again, and when by the monotonic clock. */
  readonly retry: { readonly step: Retry; readonly atMs: number } | null
  /** Failures in a row; decides the next backoff. */
  readonly attempt: number
  /** Failures of instances of this release, all together. */
  readonly failures: number
  readonly restarts: number
  /** In `starting`, `checking` and `running`. */
  readonly instance: number | null
  /** When it began to run, by the monotonic clock; null before it ever did. */
  readonly ranAtMs: number | null
}

export interface AppMachine {
  readonly current: Slot | null
  readonly next: Slot | null
  /** The instance before the last switch. */
  readonly kept: { readonly instance: number; readonly untilMs: number } | null
  /** Instances are numbered and no number is used twice. */
  readonly lastInstance: number
}

/** What speaks against starting a release at once. */
export interface Doubt {
  readonly reason: Reason
  readonly waitMs: number
}

export type AppEvent =
  | {
      readonly type: 'desired'
      readonly release: DesiredRelease
      readonly verdict: Verdict
      readonly doubt?: Doubt | null
    }
  /** The release that last ran here, when the node starts; may be the desired one's predecessor. */
  | { readonly type: 'restored'; readonly release: DesiredRelease; readonly doubt?: Doubt | null }
  | { readonly type: 'unwanted' }
  | { readonly type: 'fetched' | 'prepared'; readonly digest: Digest }
  | {
      readonly type: 'fetch-failed' | 'prepare-failed' | 'refused'
      readonly digest: Digest
      readonly reason: Reason
    }
  | { readonly type: 'started' | 'checked' | 'handled'; readonly instance: number }
  | {
      readonly type: 'start-failed'
      readonly instance: number
      readonly reason: Reason
      readonly step: 'prepare' | 'start'
    }
  | { readonly type: 'ended'; readonly instance: number; readonly reason: Reason }
  | { readonly type: 'tick' }

export type AppAction =
  | { readonly type: 'fetch' | 'prepare'; readonly release: DesiredRelease }
  | { readonly type: 'start'; readonly release: DesiredRelease; readonly instance: number }
  | { readonly type: 'check'; readonly instance: number }
  /** Events from now on go to this instance. */
  | { readonly type: 'switch'; readonly release: DesiredRelease; readonly instance: number }
  /** Stop it as soon as it has answered the event it is handling. */
  | { readonly type: 'retire'; readonly instance: number }
  /** Stop fetching or preparing it, and forget what was got. */
  | { readonly type: 'abandon'; readonly release: DesiredRelease }

export interface Moment {
  readonly wallMs: number
  readonly monotonicMs: number
}

export interface Step {
  readonly machine: AppMachine
  readonly actions: readonly AppAction[]
}
