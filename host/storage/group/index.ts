/** A group's key-value store on one node, and what passes between the nodes of the group. */
export type { Batch, MergeOutcome, Position, ReplicaState, SentEntry, VisibleChange } from './batch.ts'
export { claimed, type Claim } from './renaming.ts'
export type { GroupTime, Stable } from './replica.ts'
export { mostAheadMs, unsetBeforeMs } from './stamp.ts'
export { GroupStore } from './store.ts'
export { ReplicaThread, type ReplicaAsking } from './thread.ts'
export { beyond, common, covers, isAtLeast, joined, ownerOf, type Vector } from './vector.ts'
export { count, entryFields, entryFrom, list, type ReplicaNumbers } from './written-entry.ts'
