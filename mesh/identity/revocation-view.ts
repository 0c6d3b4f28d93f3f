/**
 * What a set of revocations says, as a pure function of the set and of the trust chain: nodes that hold the same say
 * the same, in whatever order it came.
 *
 * Who may revoke is asked of the whole chain, not of its newest version, or halves of a mesh that heard of a change of
 * keys at different times would never agree. What a *revoked* key revoked counts only where its revocation lists it.
 */
import type { Digest } from '../../core/index.ts'
import { hexOf, sameBytes } from './fields.ts'
import {
  signedByRoots,
  type AdminRevocation,
  type NodeRevocation,
  type PublisherRevocation,
  type ReleaseRevocation,
  type SignedRevocation,
} from './revocation.ts'

/** What the trust chain says of keys. */
export interface RevocationAuthority {
  /** Was it an admin in any version? */
  wasAdmin(key: Uint8Array): boolean
  /** Was it a publisher in any version? */
  wasPublisher(key: Uint8Array): boolean
  /** Do these keys satisfy the threshold of any version? */
  areRoots(keys: readonly Uint8Array[]): boolean
}

/** A revocation of a release that counts. */
export interface RevokedRelease {
  readonly digest: Digest
  readonly record: ReleaseRevocation
  readonly signer: Uint8Array
  readonly byAdmin: boolean
}

/** What decisions ask. */
export interface RevocationView {
  /** The revocations that count. */
  readonly counting: readonly SignedRevocation[]
  isNodeRevoked(key: Uint8Array): boolean
  isAdminRevoked(key: Uint8Array): boolean
  isPublisherRevoked(key: Uint8Array): boolean
  /** Is this the key of a revoked node or admin? */
  isWordRevoked(key: Uint8Array): boolean
  /** May the membership of `node` rest on the word of `key`, a node's or an admin's? */
  vouches(key: Uint8Array, node: Uint8Array): boolean
  /** All revocations of a publisher. */
  ofPublisher(key: Uint8Array): readonly PublisherRevocation[]
  /** All revocations of the release with this digest that `publisher` signed. */
  ofRelease(release: Digest, publisher: Uint8Array): readonly RevokedRelease[]
}

/** May these signers revoke this, going by the chain alone? Whether they were revoked themselves is not asked. */
export function mayRevoke({ record, signers }: SignedRevocation, authority: RevocationAuthority): boolean {
  if (signedByRoots(record)) return authority.areRoots(signers)
  return signers.some(
    (signer) => authority.wasAdmin(signer) || (record.kind === 'release' && authority.wasPublisher(signer)),
  )
}

/** Draws the consequences of all revocations held. */
export function judgeRevocations(
  held: Iterable<SignedRevocation>,
  authority: RevocationAuthority,
): RevocationView {
  const allowed = [...held].filter((revocation) => mayRevoke(revocation, authority))
  const admins = new Index<AdminRevocation>()
  const publishers = new Index<PublisherRevocation>()
  for (const { record } of allowed) {
    if (record.kind === 'admin') admins.add(record.key, record)
    if (record.kind === 'publisher') publishers.add(record.key, record)
  }
  const counting = allowed.filter(({ record, digest, signers }) => {
    const [signer] = signers
    if (signedByRoots(record) || signer === undefined) return true
    const of: readonly { revocations: readonly Digest[] }[] = authority.wasAdmin(signer)
      ? admins.of(signer)
      : publishers.of(signer)
    return of.every(({ revocations }) => revocations.includes(digest))
  })
  return viewOf(counting, { admins, publishers, authority })
}

function viewOf(
  counting: readonly SignedRevocation[],
  parts: {
    admins: Index<AdminRevocation>
    publishers: Index<PublisherRevocation>
    authority: RevocationAuthority
  },
): RevocationView {
  const { admins, publishers, authority } = parts
  const nodes = new Index<NodeRevocation>()
  const releases = new Map<Digest, RevokedRelease[]>()
  for (const { record, digest, signers } of counting) {
    const [signer] = signers
    if (record.kind === 'node') nodes.add(record.key, record)
    if (record.kind !== 'release' || signer === undefined) continue
    const revoked = { digest, record, signer, byAdmin: authority.wasAdmin(signer) }
    releases.set(record.release, [...(releases.get(record.release) ?? []), revoked])
  }
  /** The nodes that each revocation lists, made when first asked for. */
  const lists = new WeakMap<object, ReadonlySet<string>>()
  const listOf = (record: NodeRevocation | AdminRevocation): ReadonlySet<string> => {
    const made = lists.get(record) ?? new Set(record.nodes.map(hexOf))
    lists.set(record, made)
    return made
  }
  const ofWord = (key: Uint8Array): readonly (NodeRevocation | AdminRevocation)[] => {
    if (!nodes.has(key) && !admins.has(key)) return []
    return [...nodes.of(key), ...admins.of(key)]
  }
  return {
    counting,
    isNodeRevoked: (key) => nodes.has(key),
    isAdminRevoked: (key) => admins.has(key),
    isPublisherRevoked: (key) => publishers.has(key),
    isWordRevoked: (key) => nodes.has(key) || admins.has(key),
    vouches: (key, node) => ofWord(key).every((record) => listOf(record).has(hexOf(node))),
    ofPublisher: (key) => publishers.of(key),
    ofRelease: (release, publisher) =>
      (releases.get(release) ?? []).filter(({ byAdmin, signer }) => byAdmin || sameBytes(signer, publisher)),
  }
}

/** Revocations by the key that they revoke. Mostly there are none, which has to cost nothing. */
class Index<Value> {
  readonly #values = new Map<string, Value[]>()

  add(key: Uint8Array, value: Value): void {
    const name = hexOf(key)
    const values = this.#values.get(name)
    if (values === undefined) this.#values.set(name, [value])
    else values.push(value)
  }

  has(key: Uint8Array): boolean {
    return this.#values.size > 0 && this.#values.has(hexOf(key))
  }

  of(key: Uint8Array): readonly Value[] {
    return this.#values.size === 0 ? [] : (this.#values.get(hexOf(key)) ?? [])
  }
}
