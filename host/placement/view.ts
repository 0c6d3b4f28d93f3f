/** What a node sees when it decides what runs where. */
import type { Verdict } from '../../mesh/index.ts'
import type { Candidate } from './eligibility.ts'

export interface PlacedMember extends Candidate {
  readonly verdict: Verdict
}

export interface PlacementView {
  readonly self: string
  /** This node is in a part of the mesh that changes nobody's state. */
  readonly isIsolated: boolean
  /** Its network has yet to be started: it has dialled nobody. */
  readonly isConnecting?: boolean
  /** All members, this node among them. */
  readonly members: readonly PlacedMember[]
  /** By app the number of the release that ran here last, before this start of the node. */
  readonly ranBefore?: ReadonlyMap<string, number>
}
