/**
 * Node certificates: what a newcomer says it is, signed with the invite's one-off key and with its own.
 *
 * The two signatures of one COSE_Sign say that whoever held the token meant this node, and that this node holds its
 * key. A certificate has no calendar expiry, and is worth nothing without a receipt for it.
 */
import * as v from 'valibot'
import { digestOf, encodeCbor, isSelvedgeError, signMany, verifyMany, shortDigest } from '../../core/index.ts'
import type { Digest, KeyPair } from '../../core/index.ts'
import {
  digestField,
  groupsField,
  nameField,
  publicKeyField,
  readPayload,
  rolesField,
  sameBytes,
} from './fields.ts'
import type { Invite, SignedInvite } from './invite.ts'
import { nodeIdOf, type NodeId } from './node-id.ts'
import { identityProblems } from './problems.ts'

export const maxCertificateBytes = 8_192

interface CertificateRecord {
  readonly v: 1
  readonly mesh: Digest
  /** The node's public key. */
  readonly node: Uint8Array
  readonly name: string
  readonly groups: readonly string[]
  readonly roles: readonly string[]
  readonly inviteId: Digest
}

/** A certificate whose signatures hold. */
export interface Certificate {
  readonly bytes: Uint8Array
  /** SHA-256 of the payload, which a receipt names. */
  readonly digest: Digest
  readonly record: CertificateRecord
  readonly node: NodeId
  /** Two keys: the invite's, then the node's, or the certificate fits no invite. */
  readonly signers: readonly Uint8Array[]
}

const schema = v.looseObject({
  v: v.literal(1),
  mesh: digestField,
  node: publicKeyField,
  name: nameField,
  groups: groupsField,
  roles: rolesField,
  inviteId: digestField,
})

/**
 * Makes the certificate a newcomer asks a receipt for. The same invite, key and name give the same bytes, so an
 * interrupted admission can be taken up again.
 * @param options.groups a part of the invite's groups; all of them where not given
 * @throws ERR_APPLICATION_SCOPE where the invite does not give what is asked
 */
export function certify(options: {
  invite: Invite
  nodeKey: KeyPair
  name: string
  groups?: readonly string[] | undefined
  roles?: readonly string[] | undefined
}): Uint8Array {
  const { invite, nodeKey, name } = options
  const record: CertificateRecord = {
    v: 1,
    mesh: invite.record.mesh,
    node: nodeKey.publicKey,
    name,
    groups: options.groups ?? invite.record.groups,
    roles: options.roles ?? invite.record.roles,
    inviteId: invite.id,
  }
  const payload = encodeCbor(record)
  const bytes = signMany({ purpose: 'certificate', payload, keys: [invite.oneOff, nodeKey] })
  requireWithinInvite(readCertificate(bytes), invite)
  return bytes
}

/** @throws ERR_APPLICATION_INVALID */
export function readCertificate(bytes: Uint8Array): Certificate {
  try {
    const { payload, kids, signatures } = verifyMany(bytes, {
      purpose: 'certificate',
      maxBytes: maxCertificateBytes,
    })
    // One certificate has one form: anybody could reorder or repeat signatures, and digests would part.
    if (signatures !== 2 || kids.length !== 2) throw invalid('it needs the signatures of two keys')
    const record = readPayload(schema, payload, maxCertificateBytes, invalid)
    return { bytes, digest: digestOf(payload), record, node: nodeIdOf(record.node), signers: kids }
  } catch (error) {
    if (isSelvedgeError(error, 'ERR_SIGNATURE')) throw invalid(error.message, error)
    throw error
  }
}

/**
 * Checks that a certificate is what its invite allows, signed by exactly the two keys that must sign it.
 * @throws ERR_APPLICATION_INVALID, ERR_APPLICATION_SCOPE
 */
export function requireWithinInvite({ record, signers, node }: Certificate, invite: SignedInvite): void {
  if (record.inviteId !== invite.id || record.mesh !== invite.record.mesh) {
    throw invalid(`it names invite ${shortDigest(record.inviteId)}, not ${shortDigest(invite.id)}`)
  }
  const [first, second] = signers
  const signed = first && second && sameBytes(first, invite.record.key) && sameBytes(second, record.node)
  if (!signed) throw invalid(`it is not signed by the invite's key and by ${node}`)
  const { name } = invite.record
  if (name !== undefined && name !== record.name)
    throw outOfScope(`the name ${record.name}; its invite is for ${name}`)
  const groups = record.groups.filter((group) => !invite.record.groups.includes(group))
  if (groups.length > 0) throw outOfScope(`the groups ${groups.join(', ')}, which its invite does not give`)
  const roles = record.roles.filter((role) => !invite.record.roles.includes(role))
  if (roles.length > 0) throw outOfScope(`the roles ${roles.join(', ')}, which its invite does not give`)
}

function outOfScope(what: string): Error {
  return identityProblems.error('ERR_APPLICATION_SCOPE', `the node asks for ${what}`)
}

function invalid(what: string, cause?: unknown): Error {
  return identityProblems.error('ERR_APPLICATION_INVALID', `a node certificate was refused: ${what}`, {
    cause,
  })
}
