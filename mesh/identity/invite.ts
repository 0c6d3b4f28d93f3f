/**
 * Invites: the line of text that lets one node into a mesh.
 *
 * An admin signs what the newcomer may become and the public half of a one-off key; the token carries the signed
 * invite and the private half. Whoever holds the token can use it, once.
 */
import * as v from 'valibot'
import {
  decodeCbor,
  digestOf,
  encodeCbor,
  isSelvedgeError,
  keyPairFromSeed,
  seedBytes,
  sign1,
  verify1,
  shortDigest,
} from '../../core/index.ts'
import type { Digest, KeyPair, Random } from '../../core/index.ts'
import {
  addressesField,
  digestField,
  groupsField,
  nameField,
  publicKeyField,
  readPayload,
  rolesField,
  sameBytes,
  timeField,
} from './fields.ts'
import { identityProblems } from './problems.ts'

export const maxInviteBytes = 8_192
const tokenPrefix = 'selvedge-invite-1.'
const maxTokenChars = 12_288

export interface InviteRecord {
  readonly v: 1
  readonly mesh: Digest
  /** For the newcomer's information; it verifies the trust bundle against the mesh id. */
  readonly roots: readonly Uint8Array[]
  /** Multiaddrs of members to try, in this order. */
  readonly addresses: readonly string[]
  /** What the newcomer's certificate may name at most. */
  readonly groups: readonly string[]
  readonly roles: readonly string[]
  /** Where given, the only name it may take. */
  readonly name?: string | undefined
  readonly expiresAt: number
  /** Public half of the one-off key. */
  readonly key: Uint8Array
}

/** A signed invite whose signature holds; whether its signer is an admin is for the caller to decide. */
export interface SignedInvite {
  readonly bytes: Uint8Array
  /** SHA-256 of the payload. */
  readonly id: Digest
  readonly record: InviteRecord
  readonly admin: Uint8Array
}

/** What a newcomer has: the invite and the one-off key. */
export interface Invite extends SignedInvite {
  readonly oneOff: KeyPair
}

const schema = v.looseObject({
  v: v.literal(1),
  mesh: digestField,
  roots: v.pipe(v.array(publicKeyField), v.maxLength(16)),
  addresses: addressesField,
  groups: groupsField,
  roles: rolesField,
  name: v.optional(nameField),
  expiresAt: timeField,
  key: publicKeyField,
})

/**
 * Issues a token.
 * @param options.expiresAt wall clock, ms since the epoch; the member that redeems it looks at its own clock
 * @throws ERR_TOKEN_MALFORMED where a name, group, role or address is not allowed
 */
export function issueInvite(options: Omit<InviteRecord, 'v' | 'key'> & { admin: KeyPair; random: Random }): {
  token: string
  inviteId: Digest
} {
  const { admin, random, ...terms } = options
  const seed = random.bytes(seedBytes)
  const bytes = signInvite({ ...terms, v: 1, key: keyPairFromSeed(seed).publicKey }, admin)
  const token = tokenPrefix + Buffer.from(encodeCbor([bytes, seed])).toString('base64url')
  if (token.length > maxTokenChars) throw malformed(`it would have ${token.length} characters`)
  return { token, inviteId: readSignedInvite(bytes).id }
}

/** Signs what an invite grants. @throws ERR_TOKEN_MALFORMED where it could not be read back */
export function signInvite(record: InviteRecord, admin: KeyPair): Uint8Array {
  const payload = encodeCbor(record)
  readPayload(schema, payload, maxInviteBytes, malformed)
  return sign1({ purpose: 'invite', payload, key: admin })
}

/**
 * Reads a token.
 * @param expected.now where given, an expired token is refused here rather than by the member (ms since the epoch)
 * @param expected.mesh where given, a token of another mesh is refused
 * @throws ERR_TOKEN_MALFORMED, ERR_TOKEN_EXPIRED, ERR_TOKEN_MESH
 */
export function readInvite(token: string, expected: { now?: number; mesh?: Digest } = {}): Invite {
  const text = token.trim()
  if (text.length > maxTokenChars) throw malformed(`it has ${text.length} characters`)
  if (!text.startsWith(tokenPrefix)) throw malformed(`it does not start with ${tokenPrefix}`)
  const encoded = text.slice(tokenPrefix.length)
  const bytes = Buffer.from(encoded, 'base64url')
  // Node.js skips what is no base64url; two spellings of one token are none.
  if (bytes.toString('base64url') !== encoded) throw malformed('a character is wrong or missing')
  const [signed, seed] = readParts(bytes)
  const invite = readSignedInvite(signed)
  const oneOff = keyPairFromSeed(seed)
  if (!sameBytes(oneOff.publicKey, invite.record.key))
    throw malformed('its key is not the one that was signed')
  if (expected.mesh !== undefined) requireMesh(invite, expected.mesh)
  if (expected.now !== undefined) requireFresh(invite, expected.now)
  return { ...invite, oneOff }
}

/** @throws ERR_TOKEN_MALFORMED where the bytes are no signed invite */
export function readSignedInvite(bytes: Uint8Array): SignedInvite {
  try {
    const { payload, kid } = verify1(bytes, { purpose: 'invite', maxBytes: maxInviteBytes })
    return {
      bytes,
      id: digestOf(payload),
      record: readPayload(schema, payload, maxInviteBytes, malformed),
      admin: kid,
    }
  } catch (error) {
    if (isSelvedgeError(error, 'ERR_SIGNATURE')) throw malformed(error.message, error)
    throw error
  }
}

/** @throws ERR_TOKEN_EXPIRED */
export function requireFresh(invite: SignedInvite, now: number): void {
  const { expiresAt } = invite.record
  if (now < expiresAt) return
  throw identityProblems.error(
    'ERR_TOKEN_EXPIRED',
    `the invite was good until ${new Date(expiresAt).toISOString()}; here it is ${new Date(now).toISOString()}`,
  )
}

/** @throws ERR_TOKEN_MESH */
export function requireMesh(invite: SignedInvite, mesh: Digest): void {
  if (invite.record.mesh === mesh) return
  throw identityProblems.error(
    'ERR_TOKEN_MESH',
    `the invite is for mesh ${shortDigest(invite.record.mesh)}, not for ${shortDigest(mesh)}`,
  )
}

function readParts(bytes: Uint8Array): [Uint8Array, Uint8Array] {
  let parts: unknown
  try {
    parts = decodeCbor(bytes, { maxBytes: maxTokenChars, maxDepth: 1, maxItems: 3 })
  } catch (error) {
    throw malformed('it was cut or altered', error)
  }
  const [signed, seed] = Array.isArray(parts) && parts.length === 2 ? (parts as unknown[]) : []
  if (!(signed instanceof Uint8Array) || !(seed instanceof Uint8Array) || seed.length !== seedBytes) {
    throw malformed('it was cut or altered')
  }
  return [signed, seed]
}

function malformed(what: string, cause?: unknown): Error {
  return identityProblems.error('ERR_TOKEN_MALFORMED', `the invite token cannot be read: ${what}`, { cause })
}
