/**
 * The attacks that a node withstands, by name, and which refusal is a sign of which: one table for `status`, metrics and
 * the audit.
 *
 * A name is a sign and no verdict: a broken disk or a bug looks like a liar. What honest nodes do in the ordinary course
 * of things (meshes that share a network, records that arrive before what they rest on) has no name here.
 */
import { isSelvedgeError } from '../core/index.ts'

export const attackNames = [
  'arbitrary-install',
  'rollback',
  'freeze',
  'old-but-newer',
  'mix-and-match',
  'below-threshold',
  'duplicate-signature',
  'root-skip',
  'trust-fork',
  'beyond-delegation',
  'back-dated',
  'release-fork',
  'invite-reuse',
  'wrong-target',
  'endless-data',
  'trailing-data',
  'slow-retrieval',
  'wrong-bytes',
  'bad-patch',
  'swap-after-check',
  'parser',
  'replay',
  'forged-node-record',
  'forged-vote',
  'before-admission',
  'flood',
] as const

export type AttackName = (typeof attackNames)[number]

/** Tells of a sign of an attack. @param peer null where it is nobody's, or nobody knows whose */
export type ReportAttack = (attack: AttackName, peer: string | null, detail: string) => void

const byCode: Readonly<Record<string, AttackName>> = {
  // Of releases.
  ERR_RELEASE_SIGNATURE: 'arbitrary-install',
  ERR_RELEASE_STRANGER: 'arbitrary-install',
  ERR_RELEASE_DELEGATION: 'beyond-delegation',
  ERR_RELEASE_REVOKED: 'back-dated',
  ERR_RELEASE_MESH: 'replay',
  ERR_RELEASE_INVALID: 'parser',
  ERR_RELEASE_TOO_LARGE: 'endless-data',
  ERR_RELEASE_APPS: 'flood',
  ERR_RELEASE_FORK: 'release-fork',
  ERR_RELEASE_FIELD_UNKNOWN: 'wrong-target',
  ERR_FEATURE_MISSING: 'wrong-target',
  ERR_IMPORTS_REFUSED: 'wrong-target',
  // Of whom the mesh trusts.
  ERR_TRUST_SIGNATURE: 'below-threshold',
  ERR_TRUST_THRESHOLD: 'below-threshold',
  ERR_TRUST_DUPLICATE: 'duplicate-signature',
  ERR_TRUST_GAP: 'root-skip',
  ERR_TRUST_MIXED: 'mix-and-match',
  ERR_TRUST_MESH: 'replay',
  ERR_TRUST_INVALID: 'parser',
  ERR_TRUST_FORK: 'trust-fork',
  ERR_REVOCATION_SIGNATURE: 'below-threshold',
  ERR_REVOCATION_SIGNER: 'below-threshold',
  ERR_REVOCATION_MESH: 'replay',
  ERR_REVOCATION_INVALID: 'parser',
  ERR_REVOCATION_LIMIT: 'flood',
  ERR_HEARTBEAT: 'freeze',
  ERR_HEARTBEAT_OVERDUE: 'freeze',
  ERR_HEARTBEAT_BEHIND: 'old-but-newer',
  // Of who may come in.
  ERR_TOKEN_USED: 'invite-reuse',
  ERR_TOKEN_EXPIRED: 'invite-reuse',
  ERR_INVITE_TWICE: 'invite-reuse',
  ERR_TOKEN_MESH: 'replay',
  ERR_TOKEN_SIGNER: 'before-admission',
  ERR_APPLICATION_INVALID: 'before-admission',
  ERR_APPLICATION_SCOPE: 'before-admission',
  ERR_CREDENTIAL_INVALID: 'before-admission',
  ERR_CREDENTIAL_STRANGER: 'before-admission',
  ERR_CREDENTIAL_CHAIN: 'before-admission',
  ERR_MEMBERS_LIMIT: 'flood',
  ERR_ADMISSION_GREETING: 'parser',
  ERR_ADMISSION_REVOKED: 'before-admission',
  ERR_PEER_NOT_ADMITTED: 'before-admission',
  // Of nodes.
  ERR_NODE_RECORD: 'forged-node-record',
  ERR_NODE_RECORD_RATE: 'flood',
  ERR_VOTE: 'forged-vote',
  // Of messages.
  ERR_MESSAGES_PROTOCOL: 'parser',
  ERR_MESSAGES_ENDLESS: 'endless-data',
  // Of logs.
  ERR_LOGS_PROTOCOL: 'parser',
  // Of bytes.
  ERR_CBOR: 'parser',
  ERR_CBOR_SIZE: 'endless-data',
  ERR_CBOR_TRAILING: 'trailing-data',
  ERR_FRAME_TOO_LARGE: 'endless-data',
  ERR_HEAD_MESSAGE: 'parser',
  ERR_BLOB_PROTOCOL: 'parser',
  ERR_BLOB_ENDLESS: 'endless-data',
  ERR_BLOB_DIGEST: 'wrong-bytes',
  ERR_BLOB_MISMATCH: 'wrong-bytes',
  ERR_CHUNK_LIST: 'wrong-bytes',
  ERR_COMPONENT_BYTES: 'wrong-bytes',
  ERR_CACHE_ENTRY: 'swap-after-check',
}

/** Deeper causes are not looked at. */
const maxCauses = 8

/**
 * The attack that a refusal is a sign of; null for what is none. What was wrong with the bytes themselves is said by
 * the error beneath it, as ERR_CBOR_TRAILING beneath ERR_RELEASE_SIGNATURE.
 */
export function attackOf(error: unknown): AttackName | null {
  let named: AttackName | null = null
  let at = error
  for (let depth = 0; depth < maxCauses && isSelvedgeError(at); depth++) {
    const attack = Object.hasOwn(byCode, at.code) ? (byCode[at.code] ?? null) : null
    if (at.code.startsWith('ERR_CBOR')) return attack
    named ??= attack
    at = at.cause
  }
  return named
}

/** As {@link attackOf}, where only the code is known: of alarms, and of what `status` says is wrong. */
export function attackOfCode(code: string): AttackName | null {
  return Object.hasOwn(byCode, code) ? (byCode[code] ?? null) : null
}
