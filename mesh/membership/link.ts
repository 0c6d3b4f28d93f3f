/** One neighbour or connected peer as this node's own probes see it. */
import type { NodeId } from '../identity/index.ts'
import type { Incarnation } from './incarnation.ts'
import { RoundTrip } from './round-trip.ts'
import type { Evidence, Sealed, VoteVerdict } from './statement.ts'

/** A word that crossed a connection need not cross it again for so long; then it may have been forgotten there. */
const wordAgainMs = 5_000

export interface Probe {
  readonly number: number
  readonly sentMs: number
  readonly deadlineMs: number
}

/** This node's own doubt about a neighbour. */
export interface Doubt {
  /** Since when it has given no sign of life. */
  sinceMs: number
  evidence: Evidence
  reprobeMs: number
  /** What this node last voted in it, and about which incarnation. */
  vote: {
    readonly verdict: VoteVerdict
    readonly incarnation: Incarnation
    readonly isWide: boolean
    readonly castMs: number
  } | null
  /** When the node itself last said that it lives though nothing of it is heard here. */
  vouchedMs: number | null
  /** When it was first accused after that, by this node or another: it is to have its time to deny that too. */
  accusedMs: number | null
  /** No vote of this node's own accord before, after it was refuted. */
  quietUntilMs: number
  refutations: number
  /** Looks at its port so far, and when the next is due. */
  knocks: number
  knockMs: number
}

export class Link {
  readonly node: NodeId
  /** There is an open channel. */
  isUp = false
  /** Last sign of life in this run; null before the first. */
  heardMs: number | null = null
  /** Since when this node has wanted to reach it. */
  wantedMs: number
  probe: Probe | null = null
  /** Numbers of the last probe sent, and of the last that was answered. */
  sent = 0
  answered = 0
  /** When the first probe was sent that has had no answer yet. */
  unansweredMs: number | null = null
  readonly roundTrip = new RoundTrip()
  /** Its own health, as it says. */
  slow = 0
  doubt: Doubt | null = null
  /** When a dial to it was first refused; null after anything else. */
  refusedMs: number | null = null
  /** Whether two dials in a row were refused. */
  isRefused = false
  /** When it said that it would hang up. */
  partedMs: number | null = null
  isOneWay = false
  /** It has said over this connection how it stands; before that nobody knows where the connection leads. */
  isIntroduced = false
  /** The neighbours that it does not reach, as it says while it is cut off; null otherwise. */
  missing: ReadonlySet<NodeId> | null = null
  /** When words of members crossed this connection, either way. */
  #words = new WeakMap<Sealed, number>()

  constructor(node: NodeId, nowMs: number) {
    this.node = node
    this.wantedMs = nowMs
  }

  /** The other end of a new connection may know nothing. */
  forgetWords(): void {
    this.#words = new WeakMap()
  }

  /** The other end has said this word. */
  heardWord(word: Sealed, nowMs: number): void {
    this.#words.set(word, nowMs)
  }

  /** @returns false for a word that the other end was told, or told, a moment ago; it counts as told now otherwise */
  mayTellWord(word: Sealed, nowMs: number): boolean {
    if (nowMs - (this.#words.get(word) ?? -Infinity) < wordAgainMs) return false
    this.#words.set(word, nowMs)
    return true
  }

  /** How long nothing was heard while something was owed; 0 where nothing is owed. */
  silentMs(nowMs: number): number {
    return this.doubt === null ? 0 : nowMs - this.doubt.sinceMs
  }
}
