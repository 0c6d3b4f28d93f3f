/** The public face of host/placement: which node runs what. */
export { lacks, needRule, parseNeed, type Candidate } from './eligibility.ts'
export type { Placed, PlacedRelease } from './placed.ts'
export { Placement } from './placement.ts'
export { placementProblems } from './problems.ts'
export { unmet } from './unmet.ts'
export type { PlacedMember, PlacementView } from './view.ts'
