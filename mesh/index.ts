/** The public face of the mesh: all that the host may know of peers, trust and distribution. */
export type { AttackSighting } from './attack-ledger.ts'
export { attackOfCode, type AttackName, type ReportAttack } from './attacks.ts'
export type { Audit, AuditEntry } from './audit.ts'
export { admissionProblems } from './admission/index.ts'
export * from './blobs/index.ts'
export * from './calls/index.ts'
export type { Load } from './load/index.ts'
export {
  lineBytes,
  logsProblems,
  logWireLimits,
  type ChargeScan,
  type KeptLine,
  type LogFilter,
  type LogPage,
  type LogQuestion,
  type LogStart,
} from './logs/index.ts'
export { carriedKinds, type CarriedKind, type CarriedRecord, type CarriedVerdict } from './carriage/index.ts'
export type { MeshCounts } from './counters.ts'
export { foundMesh, joinMesh, type EntryOptions } from './found.ts'
export {
  gatewayLimits,
  gatewayProblems,
  type GatewayCounts,
  type GatewayState,
  type Reachable,
} from './gateway/index.ts'
export type { GatewayOptions } from './leading.ts'
export { headsProblems } from './heads/index.ts'
export * from './identity/index.ts'
export {
  membershipProblems,
  type Evidence,
  type Grounds,
  type Opinion,
  type Verdict,
  type VerdictChange,
  type VoteView,
} from './membership/index.ts'
export {
  messagesProblems,
  messageWireLimits,
  wireSize,
  type Verdict as MessageVerdict,
  type Verdicts,
  type WireMessage,
} from './messages/index.ts'
export type { ObtainCall, ObtainProgress } from './component-source.ts'
export { openMesh, type Mesh } from './mesh.ts'
export type { MemberView, MeshOptions } from './mesh-options.ts'
export type { NodeDescription } from './own-record.ts'
export { patchesProblems, type PatchTraffic } from './patches/index.ts'
export * from './releases/index.ts'
export type { ReplicaLineHandlers, ReplicaLines } from './replicas/index.ts'
export { parseAddress, transportProblems } from './transport/index.ts'
