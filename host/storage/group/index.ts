/** A group's key-value store on one node, and what passes between the nodes of the group. */
export type { Batch, MergeOutcome, Position, ReplicaState, SentEntry } from './batch.ts'
export { MapEntryRows } from './map-entry-rows.ts'
export { ReplicaTable } from './replica-table.ts'
export type { GroupTime, Stable } from './replica.ts'
export { mostAheadMs, unsetBeforeMs } from './stamp.ts'
export { beyond, common, covers, isAtLeast, joined, noVector, type Vector } from './vector.ts'
export { count, entryFields, entryFrom, list, type ReplicaNumbers } from './written-entry.ts'
