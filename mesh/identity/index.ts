/** The public face of mesh/identity: whom to believe, and who one is. */
export type { Alarm, OnAlarm } from './alarm.ts'
export { identityProblems } from './problems.ts'
export { isNodeId, nodeIdOf, publicKeyOf, type NodeId } from './node-id.ts'
export { openKeyRing, type KeyRing, type KeyRingMesh, type KeyRole } from './key-ring.ts'
export { createMesh, maxTrustBytes, readTrust, signTrust } from './trust-bundle.ts'
export type { PublisherEntry, TrustBundle, TrustOutcome, TrustRecord } from './trust-bundle.ts'
export { openTrustStore, type Trust, type TrustStore } from './trust-store.ts'
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
export type { AppReport, NodeRecord, NodeReport } from './node-record.ts'
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
