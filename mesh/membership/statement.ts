/**
 * What travels about members: votes of those who watch a node, and its own word that it lives or leaves.
 *
 * Each is signed by who says it and is never changed on its way. A vote is about one incarnation of its target, which
 * only the target can raise: that is how a suspicion is refuted, and why an old vote cannot be played again.
 */
import type { NodeId } from '../identity/index.ts'
import type { Incarnation } from './incarnation.ts'

export const evidences = ['no-answer', 'closed', 'refused', 'frozen', 'unreachable', 'heard'] as const

/**
 * What a watcher saw. `no-answer`: probes on an open connection get none. `closed`: the connection ended without a word.
 * `refused`: nothing listens there any more, so the process is gone. `frozen`: the host takes a connection, nobody speaks
 * on it. `unreachable`: dials end in nothing. `heard`: it was heard.
 */
export type Evidence = (typeof evidences)[number]

export const voteVerdicts = ['alive', 'suspect', 'dead'] as const
export type VoteVerdict = (typeof voteVerdicts)[number]

export interface Vote {
  readonly kind: 'vote'
  /** Who says so, and signed it. */
  readonly by: NodeId
  readonly about: NodeId
  readonly incarnation: Incarnation
  readonly verdict: VoteVerdict
  readonly evidence: Evidence
  /** Of two votes of one observer on one node the later counts: its boot, and a number that grows with each vote. */
  readonly order: Incarnation
  /** How long the observer itself has heard nothing. */
  readonly silentMs: number
  /** How long ago anybody's suspicion began, as far as the observer knows. */
  readonly ageMs: number
  /** For the whole mesh; otherwise for those who watch the node. */
  readonly isWide: boolean
  /** It is heard, and gives no answer: messages get through one way only. */
  readonly isOneWay: boolean
}

export const farewells = ['stops', 'network-off'] as const
/** Why a node leaves: it stops, or its owner switched its network off, while its apps go on. */
export type Farewell = (typeof farewells)[number]

export interface OwnWord {
  readonly kind: 'alive' | 'left'
  /** Of one that leaves; absent from nodes of before. */
  readonly farewell?: Farewell
  readonly by: NodeId
  readonly about: NodeId
  readonly incarnation: Incarnation
  /** New at every boot, hexadecimal: tells two machines with one identity apart. */
  readonly nonce: string
}

export type Statement = Vote | OwnWord

/** A statement with the signed bytes that carry it. */
export interface Sealed<Kind extends Statement = Statement> {
  readonly statement: Kind
  readonly bytes: Uint8Array
}

/** Signs what this node says. Simulations bring one that costs nothing. */
export type Seal = <Kind extends Statement>(statement: Kind) => Sealed<Kind>

export function isVote(sealed: Sealed): sealed is Sealed<Vote> {
  return sealed.statement.kind === 'vote'
}

/** What two neighbours say to each other. */
export type Message =
  /** `slow` is the sender's own health, 0 for well. */
  | { readonly t: 'probe'; readonly number: number; readonly slow: number }
  | { readonly t: 'ack'; readonly number: number; readonly slow: number }
  | { readonly t: 'statements'; readonly list: readonly Sealed[] }
  /** A digest over those held for dead or gone; from one that is cut off also the neighbours that it does not reach. */
  | { readonly t: 'summary'; readonly digest: number; readonly missing: readonly NodeId[] | null }
  /** The connection is one too many and closes: no evidence of anything. */
  | { readonly t: 'parting' }
