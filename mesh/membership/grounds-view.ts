/** What a verdict rests on, as a person who asks why sees it. Ages are as of the moment when it was asked for. */
import type { NodeId } from '../identity/index.ts'
import type { Evidence, Farewell } from './statement.ts'

/** How this node's own probes of a member fare. Ages in ms. */
export interface ProbeView {
  readonly isConnected: boolean
  /** Since its last sign of life; null where none came since this node started. */
  readonly heardAgoMs: number | null
  /** Probes in a row without an answer, and how long ago the first of them was sent. */
  readonly unanswered: number
  readonly askedAgoMs: number | null
  /** Of this node's own doubt; null where it has none. */
  readonly evidence: Evidence | null
  readonly doubtedForMs: number | null
  /** Since the member last said through others that it lives, while nothing of it is heard here. */
  readonly vouchedAgoMs: number | null
  /** Its messages come, and ours get no answer. */
  readonly isOneWay: boolean
  /** Its own health as it says: 0 for well, up to 8. */
  readonly slow: number
}

export interface Grounds {
  /** Who may vote about it: its neighbours that are not gone. */
  readonly watchers: readonly NodeId[]
  /** null where this node does not watch it. */
  readonly probes: ProbeView | null
  /** Its own newest word; null where none came since this node started. */
  readonly word: {
    readonly kind: 'alive' | 'left'
    /** Why it left, where it said so. */
    readonly farewell?: Farewell
    readonly boot: number
    readonly number: number
    readonly ageMs: number
  } | null
  /** Two machines speak with its identity. */
  readonly isTwofold: boolean
  /** Members that are counted on, this node included, and how many of them this node's part of the mesh has. */
  readonly counted: number
  readonly reached: number
}
