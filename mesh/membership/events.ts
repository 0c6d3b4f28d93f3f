/** What the membership machine is told, and what it wants done. */
import type { NodeId } from '../identity/index.ts'
import type { DialFailure, KnockAnswer } from '../transport/index.ts'
import type { Grounds } from './grounds-view.ts'
import type { Rings } from './rings.ts'
import type { Evidence, Farewell, Message, VoteVerdict } from './statement.ts'

export type Verdict = 'alive' | 'suspect' | 'dead' | 'left' | 'cut-off' | 'isolated'

/** A vote as people and other parts see it. */
export interface VoteView {
  readonly observer: NodeId
  readonly verdict: VoteVerdict
  readonly evidence: Evidence
  /** How long the observer had heard nothing when it voted. */
  readonly silentMs: number
  /** How long ago the vote came here. */
  readonly ageMs: number
  /** It is this node's own. */
  readonly self: boolean
}

/** What this node holds of another, or of itself. */
export interface Opinion {
  readonly verdict: Verdict
  /** In words, with the evidence. */
  readonly why: string
  /** Monotonic ms. */
  readonly sinceMs: number
  /** Smoothed; null before the first answer. */
  readonly rttMs: number | null
  /** Those that stand, newest first. */
  readonly votes: readonly VoteView[]
  /** It lives and says itself that it is slow. */
  readonly slow?: boolean
  /** Absent before it was looked at. */
  readonly grounds?: Grounds
}

export type MembershipEvent =
  /** Who is a member, this node included. */
  | { readonly type: 'members'; readonly rings: Rings }
  /** A channel to a member is open: both have checked each other. */
  | { readonly type: 'up'; readonly node: NodeId }
  /** The last connection to it is gone. */
  | { readonly type: 'lost'; readonly node: NodeId }
  | { readonly type: 'dial-failed'; readonly node: NodeId; readonly failure: DialFailure }
  /** A raw look at its port during a suspicion: who answers there? */
  | { readonly type: 'knocked'; readonly node: NodeId; readonly answer: KnockAnswer }
  /** From a peer that proved to be `from`; signatures of statements have been checked. */
  | { readonly type: 'message'; readonly from: NodeId; readonly message: Message }
  /** This node's own network was switched off or on. */
  | { readonly type: 'network'; readonly on: boolean }
  /** The node is about to stop, or its network to be switched off. */
  | { readonly type: 'leave'; readonly farewell: Farewell }
  | { readonly type: 'tick' }

export type MembershipAction =
  | { readonly type: 'send'; readonly to: NodeId; readonly message: Message }
  /** Try to reach it now, whatever the backoff. */
  | { readonly type: 'dial'; readonly node: NodeId }
  /** Look whether its host answers, and whether anybody speaks there. */
  | { readonly type: 'knock'; readonly node: NodeId }
  /** The connection carries nothing any more: close it, so that a new one can be made. */
  | { readonly type: 'drop'; readonly node: NodeId }
  /** The neighbours have changed: connections to these are to be kept. */
  | { readonly type: 'want'; readonly nodes: readonly NodeId[] }
  /** A verdict has changed, of a member or of this node. */
  | { readonly type: 'verdict'; readonly node: NodeId; readonly from: Verdict; readonly to: Verdict }
  /** One identity runs on two machines. */
  | { readonly type: 'duplicate'; readonly node: NodeId }
  /** A member says more than it may. */
  | { readonly type: 'flood'; readonly node: NodeId }
