/** What the control API answers to "why": what a verdict rests on, and why an app runs where it does. Ages are in ms. */
import type { AppStatus, NodeStatus, ReleaseEntry, Verdict } from './contract.ts'
import type { NodePause } from './node-pause.ts'
import type { ReleaseTerms } from './release-terms.ts'
import type { PlacementStatus } from './placement-contract.ts'

/** The node that was asked, as it sees itself: what it says of others counts as much as it is worth. */
export interface AskedNode {
  readonly id: string
  readonly name: string
  readonly state: Verdict
  readonly why: string
  /** By its own wall clock, ms since the epoch. */
  readonly stateSince: number
  readonly network: 'on' | 'off'
  /** Members that it counts on, itself included, and how many of them its part of the mesh has. */
  readonly counted: number
  readonly reached: number
  /** Absent where it neither slept nor stood still of late. */
  readonly pause?: NodePause
}

export interface WhyVote {
  /** Node id. */
  readonly observer: string
  /** null for one that is no member any more. */
  readonly name: string | null
  readonly verdict: 'alive' | 'suspect' | 'dead'
  /** `no-answer`, `closed`, `refused`, `frozen`, `unreachable` or `heard`. */
  readonly evidence: string
  /** How long the observer had heard nothing when it voted. */
  readonly silentMs: number
  /** How long ago the vote came to the asked node. */
  readonly ageMs: number
  /** It is the asked node's own. */
  readonly self: boolean
}

/** The asked node's own probes of a member. */
export interface WhyProbes {
  readonly isConnected: boolean
  /** null where nothing was heard since the asked node started. */
  readonly heardAgoMs: number | null
  /** Probes in a row without an answer, and how long ago the first was sent. */
  readonly unanswered: number
  readonly askedAgoMs: number | null
  /** Of its own doubt; null where it has none. */
  readonly evidence: string | null
  readonly doubtedForMs: number | null
  /** Since the member last said through others that it lives. */
  readonly vouchedAgoMs: number | null
  /** Its messages come, ours get no answer. */
  readonly isOneWay: boolean
  /** The member's own health as it says: 0 for well, up to 8. */
  readonly slow: number
}

/** A verdict that changed on the asked node since it started. */
export interface VerdictStep {
  /** By the asked node's wall clock, ms since the epoch. */
  readonly at: number
  readonly from: Verdict
  readonly to: Verdict
  readonly why: string
  /** Which of the member's boots had spoken last; null where none has since the asked node started. */
  readonly boot: number | null
}

export interface NodeWhy {
  readonly asked: AskedNode
  readonly node: NodeStatus
  /** Newest first. */
  readonly votes: readonly WhyVote[]
  /** Who may vote about it. */
  readonly watchers: readonly {
    readonly id: string
    readonly name: string | null
    readonly state: Verdict | null
  }[]
  /** null where the asked node does not watch it. */
  readonly probes: WhyProbes | null
  /** What it said of itself last, as its votes are refuted with. */
  readonly word: {
    readonly kind: 'alive' | 'left'
    /** `network-off`: its owner switched its network off, and its apps go on. Absent from nodes of before. */
    readonly farewell?: 'stops' | 'network-off'
    readonly boot: number
    readonly number: number
    readonly ageMs: number
  } | null
  /** Its newest signed record here; null where none was ever heard. */
  readonly record: {
    readonly boot: number
    readonly number: number
    /** null for one that was read from disk. */
    readonly ageMs: number | null
    /** By its own clock. */
    readonly issuedAt: number
    readonly version: string
    readonly addresses: readonly string[]
  } | null
  readonly isTwofold: boolean
  /** Oldest first; the last few. */
  readonly history: readonly VerdictStep[]
  /** Alarms that name it. */
  readonly alarms: readonly { readonly code: string; readonly message: string; readonly hint: string }[]
}

/** One member, and what an app has to do with it. */
export interface AppPlace {
  readonly id: string
  readonly name: string
  readonly groups: readonly string[]
  readonly state: Verdict
  readonly stateSince: number
  readonly recordAgeMs: number | null
  /** As its own record says; null where it does not run there. */
  readonly app: AppStatus | null
  /** Has it a place, as the asked node sees it. */
  readonly isPlaced: boolean
  /** It is in a group that the release is for. */
  readonly isMeant: boolean
  /** What it lacks, in the words of needs: `pin:led`, `arch:arm64`. */
  readonly lacks: readonly string[]
}

export interface AppWhy {
  readonly asked: AskedNode
  readonly app: string
  /** The newest release. */
  readonly head: ReleaseEntry
  readonly terms: ReleaseTerms
  /** Who has its places; null where nothing of it may run. */
  readonly placement: PlacementStatus | null
  readonly places: readonly AppPlace[]
}
