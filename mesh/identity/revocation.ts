/**
 * Revocations: what no longer counts. Signed records of nodes, admins, publishers and single releases.
 *
 * They only add up. Where something of a revoked key is still to count, its revocation lists it, so that nobody has
 * to ask when a thing was signed: a thief can write any date. Of two revocations of one key only what both list counts.
 */
import * as v from 'valibot'
import { cosign, digestOf, encodeCbor, isSelvedgeError, signMany, verifyMany } from '../../core/index.ts'
import type { Digest, KeyPair } from '../../core/index.ts'
import { criticalField, digestField, publicKeyField, readPayload, textField, timeField } from './fields.ts'
import { identityProblems } from './problems.ts'

export const revocationLimits = {
  /** A publisher of 10,000 apps with the longest names, 98 bytes each; a head may have 1 MiB. */
  recordBytes: 1_040_000,
  /** Apps that one revocation of a publisher lists. */
  apps: 10_000,
  /** Nodes that one revocation lists; as many as there may be members. */
  nodes: 4_096,
  /** Revocations signed by the revoked key that stay in force. */
  revocations: 1_024,
  reasonChars: 256,
} as const

interface Common {
  readonly v: 1
  readonly mesh: Digest
  /** When it was signed, by the signer's clock; for people. ms since the epoch. */
  readonly at: number
  readonly reason: string
  readonly critical: readonly string[]
}

/** One admin signs. The node is no member any more, and its word lets nobody in. */
export interface NodeRevocation extends Common {
  readonly kind: 'node'
  /** Public key of the node. */
  readonly key: Uint8Array
  /** Public keys of nodes that stay although their credential rests on its word. */
  readonly nodes: readonly Uint8Array[]
}

/** The roots sign. What the admin signed counts no more, but for what is listed. */
export interface AdminRevocation extends Common {
  readonly kind: 'admin'
  readonly key: Uint8Array
  /** Public keys of nodes that stay although this admin invited them or signed their receipt. */
  readonly nodes: readonly Uint8Array[]
  /** Digests of revocations by this admin that stay in force. */
  readonly revocations: readonly Digest[]
}

/** The roots sign. Of the publisher's releases count those listed and what they follow, and no others. */
export interface PublisherRevocation extends Common {
  readonly kind: 'publisher'
  readonly key: Uint8Array
  /** For each app the digest (32 bytes) of the last release still accepted. */
  readonly accepted: Readonly<Record<string, Uint8Array>>
  /** `stop`: what is still accepted counts as the release to follow, but does not run. */
  readonly running: 'keep' | 'stop'
  /** Digests of revocations by this publisher that stay in force. */
  readonly revocations: readonly Digest[]
}

/** One admin signs, or the release's own publisher. */
export interface ReleaseRevocation extends Common {
  readonly kind: 'release'
  readonly app: string
  /** Digest of the release's signed bytes. */
  readonly release: Digest
  /** `fall-back`: the release before it runs again. `stop`: the app waits for the next release. */
  readonly effect: 'fall-back' | 'stop'
}

export type Revocation = NodeRevocation | AdminRevocation | PublisherRevocation | ReleaseRevocation
export type RevocationKind = Revocation['kind']

/** A revocation whose signatures hold; whether its signers may revoke this is what {@link judgeRevocations} decides. */
export interface SignedRevocation {
  readonly bytes: Uint8Array
  /**
   * Of what roots sign the SHA-256 of the payload: the same however many have signed. Of what one key signs that of
   * all bytes: a publisher that signs an admin's words again must not take the place of the admin's.
   */
  readonly digest: Digest
  readonly record: Revocation
  readonly signers: readonly Uint8Array[]
}

const common = {
  v: v.literal(1),
  mesh: digestField,
  at: timeField,
  reason: textField(revocationLimits.reasonChars),
  critical: criticalField,
}
const nodesField = v.pipe(v.array(publicKeyField), v.maxLength(revocationLimits.nodes))
const digestsField = v.pipe(v.array(digestField), v.maxLength(revocationLimits.revocations))
const appField = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,62}$/, 'is no name of an app'))
const digestBytesField = v.custom<Uint8Array>(
  (value) => value instanceof Uint8Array && value.length === 32,
  'is no SHA-256',
)
const acceptedField = v.pipe(
  v.record(appField, digestBytesField),
  v.check((apps) => Object.keys(apps).length <= revocationLimits.apps, 'lists too many apps'),
)
const kinds = {
  node: v.looseObject({ ...common, kind: v.literal('node'), key: publicKeyField, nodes: nodesField }),
  admin: v.looseObject({
    ...common,
    kind: v.literal('admin'),
    key: publicKeyField,
    nodes: nodesField,
    revocations: digestsField,
  }),
  publisher: v.looseObject({
    ...common,
    kind: v.literal('publisher'),
    key: publicKeyField,
    accepted: acceptedField,
    running: v.picklist(['keep', 'stop']),
    revocations: digestsField,
  }),
  release: v.looseObject({
    ...common,
    kind: v.literal('release'),
    app: appField,
    release: digestField,
    effect: v.picklist(['fall-back', 'stop']),
  }),
} satisfies Record<RevocationKind, unknown>
const schema = v.variant('kind', [kinds.node, kinds.admin, kinds.publisher, kinds.release])
/** Two for each app, one for each node or revocation, and the fields around them. */
const maxItems = 2 * revocationLimits.apps + revocationLimits.nodes + revocationLimits.revocations + 1_024

/**
 * Signs a revocation; of a node or a release with one key, else with as many roots as are at hand.
 * @throws ERR_REVOCATION_INVALID for a record that could not be read back
 */
export function signRevocation(record: Revocation, keys: readonly KeyPair[]): Uint8Array {
  const bytes = signMany({ purpose: 'revocation', payload: encodeCbor(record), keys })
  readRevocation(bytes)
  return bytes
}

/**
 * Adds the signature of a further root.
 * @throws ERR_REVOCATION_SIGNATURE, ERR_REVOCATION_INVALID, also for a kind that one key signs
 */
export function cosignRevocation(bytes: Uint8Array, key: KeyPair): Uint8Array {
  readRevocation(bytes)
  const signed = cosign(bytes, { purpose: 'revocation', maxBytes: revocationLimits.recordBytes, key })
  readRevocation(signed)
  return signed
}

/** @throws ERR_REVOCATION_SIGNATURE where a signature does not hold, ERR_REVOCATION_INVALID for another form */
export function readRevocation(bytes: Uint8Array): SignedRevocation {
  const { payload, kids, signatures } = verified(bytes)
  const record = readPayload(schema, payload, revocationLimits.recordBytes, invalid, maxItems)
  // What a field that is not known restricts would be allowed here.
  const unknown = record.critical.filter((field) => !Object.hasOwn(kinds[record.kind].entries, field))
  if (unknown.length > 0) throw invalid(`this version does not know its field ${unknown.join(', ')}`)
  if (signatures !== kids.length) throw invalid('a key signed it twice')
  if (!signedByRoots(record) && kids.length !== 1)
    throw invalid(`one key signs the revocation of a ${record.kind}`)
  const digest = digestOf(signedByRoots(record) ? payload : bytes)
  return { bytes, digest, record, signers: kids }
}

/** Do roots sign this kind, as many as their threshold asks for? */
export function signedByRoots({ kind }: Revocation): boolean {
  return kind === 'admin' || kind === 'publisher'
}

function verified(bytes: Uint8Array): ReturnType<typeof verifyMany> {
  try {
    return verifyMany(bytes, { purpose: 'revocation', maxBytes: revocationLimits.recordBytes })
  } catch (cause) {
    if (!isSelvedgeError(cause, 'ERR_SIGNATURE')) throw cause
    throw identityProblems.error('ERR_REVOCATION_SIGNATURE', `a revocation was refused: ${cause.message}`, {
      cause,
    })
  }
}

function invalid(what: string, cause?: unknown): Error {
  return identityProblems.error('ERR_REVOCATION_INVALID', `a revocation was refused: ${what}`, { cause })
}
