/** The public face of mesh/releases: what publishers signed, and which of it counts. */
export type {
  BlobRef,
  ComponentRef,
  ComponentVariant,
  CallPolicy,
  InstancePolicy,
  Limits,
  MemoryNeed,
  PlacementRule,
  Quotas,
  ReleaseRecord,
  StoreRule,
  TriggerSpec,
} from './record.ts'
export { componentsOf, counterpartOf } from './components.ts'
export { releasesProblems } from './problems.ts'
export { readRelease, releaseLimits, signRelease, type SignedRelease } from './signed-release.ts'
export type { HeldRelease, HistoryEntry } from './held-release.ts'
export { openReleaseLog, type HeadChange, type OfferedRelease, type ReleaseLog } from './release-log.ts'
export type { ReleaseOutcome } from './sequence.ts'
export type { Halt } from './release-standing.ts'
export { topicScopes, type TopicPolicy, type TopicScope } from './topic.ts'
