/** The public face of mesh/identity: whom to believe, and who one is. */
export type { Alarm, OnAlarm } from './alarm.ts'
export { identityProblems } from './problems.ts'
export { isNodeId, nodeIdOf, publicKeyOf, type NodeId } from './node-id.ts'
export type { KeyRole } from './key-file.ts'
export { openKeyRing, readKeyAt } from './key-ring.ts'
export type { AskPassphrase, KeyInfo, KeyRing, KeyRingMesh } from './key-ring.ts'
export { encodeDeployKey, readDeployKey } from './deploy-key.ts'
export { createMesh, maxTrustBytes, readTrust, signTrust } from './trust-bundle.ts'
export type { PublisherEntry, TrustBundle, TrustRecord } from './trust-bundle.ts'
export type { TrustOutcome } from './trust-rules.ts'
export { changeTrust, differences, usableSigners } from './trust-change.ts'
export type { TrustChange, TrustDifference } from './trust-change.ts'
export { cosignTrust, readRevocationProposal, readTrustProposal } from './proposal.ts'
export type { Signatures, TrustProposal } from './proposal.ts'
export {
  cosignRevocation,
  readRevocation,
  revocationLimits,
  signRevocation,
  signedByRoots,
} from './revocation.ts'
export type {
  AdminRevocation,
  NodeRevocation,
  PublisherRevocation,
  ReleaseRevocation,
  Revocation,
  RevocationKind,
  SignedRevocation,
} from './revocation.ts'
export type { OfferedRevocation, RevocationStore } from './revocation-store.ts'
export type { RevocationView, RevokedRelease } from './revocation-view.ts'
export { openTrustStore, type Trust, type TrustStore } from './trust-store.ts'
export { digestOfHeads, readHeartbeat, signHeartbeat } from './heartbeat.ts'
export type { HeartbeatRecord, SignedHeartbeat } from './heartbeat.ts'
export { openHeartbeatStore, type HeartbeatStore, type LastHeartbeat } from './heartbeat-store.ts'
export { issueInvite, readInvite, type Invite, type InviteRecord, type SignedInvite } from './invite.ts'
export {
  applyForAdmission,
  decodeCredential,
  encodeCredential,
  foundingCredential,
  readApplication,
  verifyCredential,
} from './credential.ts'
export type { Credential, VerifiedCredential } from './credential.ts'
export { AdmissionDesk, type Admission, type AdmissionDeskOptions } from './admission-desk.ts'
export {
  openCredentialBook,
  type CredentialBook,
  type Member,
  type OfferedCredential,
} from './credential-book.ts'
export { maxChain } from './member-standing.ts'
export { openNodeIdentity, type IdentityState, type NodeIdentity } from './node-identity.ts'
export { compareReports, maxNodeRecordBytes, signNodeRecord, verifyNodeRecord } from './node-record.ts'
export type { AppReport, MachineReport, NodeRecord, NodeReport, Rest } from './node-record.ts'
export {
  criticalField,
  digestField,
  groupsField,
  hexOf,
  readPayload,
  textField,
  timeField,
} from './fields.ts'
export { Turns } from './turns.ts'
