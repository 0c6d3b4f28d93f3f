/**
 * Credentials: invite, certificate and receipt together, which is all that a node needs to prove its membership.
 * Here is checked that the three belong together; that they rest on the mesh's trust is the credential book's part.
 */
import {
  decodeCbor,
  digestOf,
  encodeCbor,
  isSelvedgeError,
  keyPairFromSeed,
  seedBytes,
} from '../../core/index.ts'
import type { Clock, Digest, KeyPair, Random } from '../../core/index.ts'
import {
  certify,
  maxCertificateBytes,
  readCertificate,
  requireWithinInvite,
  type Certificate,
} from './certificate.ts'
import { sameBytes } from './fields.ts'
import {
  maxInviteBytes,
  readSignedInvite,
  signInvite,
  type InviteRecord,
  type SignedInvite,
} from './invite.ts'
import { nodeIdOf, type NodeId } from './node-id.ts'
import { identityProblems } from './problems.ts'
import { maxReceiptBytes, readReceipt, signReceipt, type Receipt } from './receipt.ts'

export const maxApplicationBytes = maxInviteBytes + maxCertificateBytes + 64
export const maxCredentialBytes = maxApplicationBytes + maxReceiptBytes

/** The three signed parts, as they were received. */
export interface Credential {
  readonly invite: Uint8Array
  readonly certificate: Uint8Array
  readonly receipt: Uint8Array
}

/** A credential whose signatures hold and whose parts belong together. */
export interface VerifiedCredential {
  readonly bytes: Uint8Array
  readonly digest: Digest
  readonly node: NodeId
  readonly invite: SignedInvite
  readonly certificate: Certificate
  readonly receipt: Receipt
  /** The node whose key signed the receipt, if it is a node's and not an admin's. */
  readonly voucher: NodeId
}

/** The one form in which a complete credential is kept, shown and hashed. */
export function encodeCredential({ invite, certificate, receipt }: Credential): Uint8Array {
  return encodeCbor({ v: 1, invite, certificate, receipt })
}

/** Takes a credential apart without checking any signature. @throws ERR_CREDENTIAL_INVALID */
export function decodeCredential(bytes: Uint8Array): Credential {
  const [invite, certificate, receipt] = readParts(bytes, maxCredentialBytes, [
    'invite',
    'certificate',
    'receipt',
  ])
  if (invite === undefined || certificate === undefined || receipt === undefined) {
    throw invalid('a part is missing')
  }
  return { invite, certificate, receipt }
}

/** @throws ERR_CREDENTIAL_INVALID */
export function verifyCredential(bytes: Uint8Array): VerifiedCredential {
  const parts = decodeCredential(bytes)
  try {
    const invite = readSignedInvite(parts.invite)
    const certificate = readCertificate(parts.certificate)
    const receipt = readReceipt(parts.receipt)
    requireWithinInvite(certificate, invite)
    requireReceipt(receipt, certificate)
    // Receipts are ranked by their time: one from the far future would stand for ever.
    if (receipt.record.at > invite.record.expiresAt) throw invalid('its receipt is later than its invite')
    const voucher = nodeIdOf(receipt.signer)
    return { bytes, digest: digestOf(bytes), node: certificate.node, invite, certificate, receipt, voucher }
  } catch (error) {
    if (isSelvedgeError(error)) throw invalid(error.message, error)
    throw error
  }
}

/** @throws ERR_CREDENTIAL_INVALID where the receipt is for another certificate */
function requireReceipt({ record }: Receipt, certificate: Certificate): void {
  const fits =
    record.mesh === certificate.record.mesh &&
    record.inviteId === certificate.record.inviteId &&
    record.certificate === certificate.digest &&
    sameBytes(record.node, certificate.record.node)
  if (!fits) throw invalid('its receipt is for another certificate')
}

/**
 * What a newcomer sends to the member it reached.
 * @param options.name the node's name; it must be the invite's where that names one
 * @throws ERR_APPLICATION_SCOPE
 */
export function applyForAdmission(options: Parameters<typeof certify>[0]): Uint8Array {
  return encodeCbor({ v: 1, invite: options.invite.bytes, certificate: certify(options) })
}

/** @throws ERR_APPLICATION_INVALID, ERR_TOKEN_MALFORMED, ERR_APPLICATION_SCOPE */
export function readApplication(bytes: Uint8Array): { invite: SignedInvite; certificate: Certificate } {
  const [invite, certificate] = readParts(
    bytes,
    maxApplicationBytes,
    ['invite', 'certificate'],
    invalidApplication,
  )
  if (invite === undefined || certificate === undefined) throw invalidApplication('a part is missing')
  const application = { invite: readSignedInvite(invite), certificate: readCertificate(certificate) }
  requireWithinInvite(application.certificate, application.invite)
  return application
}

/** The credential of the node that founds a mesh: an admin invites it and signs the receipt itself. */
export function foundingCredential(options: {
  admin: KeyPair
  mesh: Digest
  roots: readonly Uint8Array[]
  nodeKey: KeyPair
  name: string
  groups: readonly string[]
  roles: readonly string[]
  clock: Clock
  random: Random
}): Uint8Array {
  const { admin, mesh, roots, nodeKey, name, groups, roles } = options
  const at = options.clock.now()
  const oneOff = keyPairFromSeed(options.random.bytes(seedBytes))
  const terms: InviteRecord = {
    v: 1,
    mesh,
    roots,
    addresses: [],
    groups,
    roles,
    name,
    expiresAt: at,
    key: oneOff.publicKey,
  }
  const invite = { ...readSignedInvite(signInvite(terms, admin)), oneOff }
  const certificate = readCertificate(certify({ invite, nodeKey, name }))
  const receipt = signReceipt(
    { v: 1, mesh, node: nodeKey.publicKey, inviteId: invite.id, certificate: certificate.digest, at },
    admin,
  )
  return encodeCredential({ invite: invite.bytes, certificate: certificate.bytes, receipt })
}

function readParts(
  bytes: Uint8Array,
  maxBytes: number,
  names: string[],
  refuse = invalid,
): (Uint8Array | undefined)[] {
  let value: unknown
  try {
    value = decodeCbor(bytes, { maxBytes, maxDepth: 1, maxItems: 16 })
  } catch (error) {
    throw refuse('it is not CBOR', error)
  }
  const map = value as Record<string, unknown> | null
  if (map?.v !== 1) throw refuse('it is of a version this node does not read')
  // Nothing signs this map, so nothing may be added to it.
  if (Object.keys(map).length !== names.length + 1) throw refuse('it has parts that do not belong there')
  return names.map((name) => {
    const part = map[name]
    return part instanceof Uint8Array ? part : undefined
  })
}

function invalid(what: string, cause?: unknown): Error {
  return identityProblems.error('ERR_CREDENTIAL_INVALID', `a credential was refused: ${what}`, { cause })
}

function invalidApplication(what: string, cause?: unknown): Error {
  return identityProblems.error('ERR_APPLICATION_INVALID', `an application was refused: ${what}`, { cause })
}
