/**
 * The members a node knows, each by its verified credential, one file each.
 *
 * A credential is taken only when all that it rests on is here: its admin in the trust bundle, and the member that
 * signed its receipt in this book. Otherwise the caller is told whose credential to ask for first.
 */
import { digestOf, shortDigest, type Digest, type DurableFolder } from '../../core/index.ts'
import type { OnAlarm } from './alarm.ts'
import { maxCredentialBytes, verifyCredential, type VerifiedCredential } from './credential.ts'
import { sameBytes } from './fields.ts'
import { readKept } from './kept-files.ts'
import {
  ascend,
  compareUses,
  maxChain,
  standingOf,
  supersedes,
  withNewcomer,
  type Standing,
  type Words,
} from './member-standing.ts'
import { publicKeyOf, type NodeId } from './node-id.ts'
import { identityProblems } from './problems.ts'
import type { Trust } from './trust-store.ts'
import { Turns } from './turns.ts'

/** Credentials kept at most; about 1 KB each. */
const maxMembers = 4_096
/**
 * Credentials kept of one invite: the one that stands, and one that proves its other use. More never count, and a
 * member that makes new nodes from its own token could fill every book with them.
 */
const maxPerInvite = 2

export interface Member {
  readonly id: NodeId
  readonly name: string
  readonly groups: readonly string[]
  readonly roles: readonly string[]
  /** SHA-256 of the credential's bytes. */
  readonly credential: Digest
}

/** `revoked`: kept, but the node is no member. `needs`: not kept; bring that node's credential first. */
export type OfferedCredential =
  | { readonly outcome: 'accepted' | 'known' | 'older' | 'revoked'; readonly node: NodeId }
  | { readonly outcome: 'needs'; readonly node: NodeId; readonly needs: NodeId }

export interface CredentialBookOptions {
  readonly trust: Trust
  readonly folder: DurableFolder
  readonly onAlarm: OnAlarm
}

/**
 * Reads and verifies again what was kept. A damaged file is removed and reported; a credential whose voucher is gone
 * with one is kept, and counts again when the voucher's is back.
 */
export async function openCredentialBook(options: CredentialBookOptions): Promise<CredentialBook> {
  const { folder, onAlarm, trust } = options
  const held = new Map<NodeId, VerifiedCredential>()
  const files = { folder, onAlarm, what: 'credential', maxFiles: maxMembers, maxBytes: maxCredentialBytes }
  await readKept(files, (bytes) => {
    const credential = verifyCredential(bytes)
    requireMesh(credential, trust)
    held.set(credential.node, credential)
  })
  return new CredentialBook(options, held)
}

export class CredentialBook {
  readonly #trust: Trust
  readonly #folder: DurableFolder
  readonly #onAlarm: OnAlarm
  readonly #turns = new Turns()
  readonly #held: Map<NodeId, VerifiedCredential>
  /** The nodes held, by the digest of their credential's bytes. */
  readonly #byDigest = new Map<Digest, NodeId>()
  readonly #listeners = new Set<() => void>()
  #standing: Standing

  /** Use {@link openCredentialBook}. */
  constructor(options: CredentialBookOptions, held: Map<NodeId, VerifiedCredential>) {
    this.#trust = options.trust
    this.#folder = options.folder
    this.#onAlarm = options.onAlarm
    this.#held = held
    for (const { digest, node } of held.values()) this.#byDigest.set(digest, node)
    this.#standing = this.#judge(held)
    // The book lives as long as the trust store does, so it never unsubscribes.
    this.#trust.onChange(() => this.#settle())
  }

  /**
   * Takes a credential from anybody; on the disk when resolved.
   * @throws ERR_CREDENTIAL_INVALID, ERR_CREDENTIAL_STRANGER, ERR_CREDENTIAL_CHAIN, ERR_MEMBERS_LIMIT
   */
  offer(bytes: Uint8Array): Promise<OfferedCredential> {
    return this.#turns.take(async () => {
      const credential = this.#verified(bytes)
      const { node } = credential
      requireMesh(credential, this.#trust)
      const needs = this.#missingVoucher(credential)
      if (needs !== null) return { outcome: 'needs', node, needs }
      const held = this.#held.get(node)
      if (held?.receipt.digest === credential.receipt.digest) return { outcome: 'known', node }
      if (held !== undefined && !supersedes(credential, held)) return { outcome: 'older', node }
      const surplus = this.#surplusWith(credential)
      if (surplus.includes(credential)) return { outcome: 'older', node }
      if (held === undefined && this.#held.size - surplus.length >= maxMembers) {
        throw identityProblems.error(
          'ERR_MEMBERS_LIMIT',
          `there are ${maxMembers} members already; ${node} was not added`,
        )
      }
      await this.#keep(credential, surplus)
      return { outcome: this.isMember(node) ? 'accepted' : 'revoked', node }
    })
  }

  /**
   * Takes a chain as {@link chainFor} gives it: from the node up to the one an admin admitted.
   * @returns what became of the node itself
   * @throws ERR_CREDENTIAL_CHAIN for an empty chain or one longer than 64, and what {@link offer} throws
   */
  async offerChain(chain: readonly Uint8Array[]): Promise<OfferedCredential> {
    if (chain.length > maxChain)
      throw chainError(`a chain of ${chain.length} credentials, more than ${maxChain}`)
    let last: OfferedCredential | undefined
    for (const bytes of [...chain].reverse()) last = await this.offer(bytes)
    if (last === undefined) throw chainError('a chain of no credentials')
    return last
  }

  isMember(node: NodeId): boolean {
    return this.#standing.members.has(node)
  }

  /** Was this very node revoked? One that lost its place otherwise is no member either. */
  isRevoked(node: NodeId): boolean {
    return this.#trust.revoked.isNodeRevoked(publicKeyOf(node))
  }

  /** The credential of any node that has one here, member or turned out. */
  get(node: NodeId): VerifiedCredential | null {
    return this.#held.get(node) ?? null
  }

  /** All nodes that have a credential here, members or turned out. */
  nodes(): NodeId[] {
    return [...this.#held.keys()]
  }

  /** Whom an invite has let in. */
  byInvite(inviteId: Digest): VerifiedCredential | null {
    const holder = this.#standing.holders.get(inviteId)
    if (holder !== undefined) return this.get(holder)
    const uses = [...this.#held.values()].filter(({ invite }) => invite.id === inviteId)
    return uses.sort(compareUses)[0] ?? null
  }

  /** Credentials from the node up to the one an admin admitted; null for a node that is not known. */
  chainFor(node: NodeId): Uint8Array[] | null {
    const { chain, missing, endless } = ascend(node, this.#held, this.#isAdmin)
    return missing !== null || endless ? null : chain.map(({ bytes }) => bytes)
  }

  /** The members, by name. */
  members(): Member[] {
    return [...this.#held.values()]
      .filter(({ node }) => this.isMember(node))
      .map(({ node, digest, certificate: { record } }) => {
        return { id: node, name: record.name, groups: record.groups, roles: record.roles, credential: digest }
      })
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1))
  }

  /** Whether two members have a group in common; those of no group are among themselves. */
  shareGroup(one: NodeId, other: NodeId): boolean {
    if (!this.isMember(one) || !this.isMember(other)) return false
    const [a = [], b = []] = [one, other].map((node) => this.#held.get(node)?.certificate.record.groups)
    return (a.length === 0 && b.length === 0) || a.some((group) => b.includes(group))
  }

  /** The members that were invited by this key, an admin's, or let in by it: what its revocation should list, or not. */
  restingOn(key: Uint8Array): VerifiedCredential[] {
    return [...this.#held.values()].filter(
      ({ node, invite, receipt }) =>
        this.isMember(node) && (sameBytes(invite.admin, key) || sameBytes(receipt.signer, key)),
    )
  }

  /** Calls `listener` after every change. @returns how to stop that */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly #isAdmin = (key: Uint8Array): boolean => this.#trust.wasAdmin(key)

  /** What is held was verified when it came: the same bytes come again with the chain of everybody it vouches for. */
  #verified(bytes: Uint8Array): VerifiedCredential {
    const node = this.#byDigest.get(digestOf(bytes))
    return (node === undefined ? undefined : this.#held.get(node)) ?? verifyCredential(bytes)
  }

  #missingVoucher(credential: VerifiedCredential): NodeId | null {
    if (!this.#isAdmin(credential.invite.admin)) {
      throw identityProblems.error(
        'ERR_CREDENTIAL_STRANGER',
        `no admin of this mesh invited ${credential.node}`,
      )
    }
    const get = (node: NodeId): VerifiedCredential | undefined =>
      node === credential.node ? credential : this.#held.get(node)
    const { missing, endless } = ascend(credential.node, { get }, this.#isAdmin)
    if (endless) throw chainError(`the chain of ${credential.node} is longer than ${maxChain} or goes round`)
    return missing
  }

  /** Credentials of the same invite that are too many with this one, which may be among them; the one that stands never is. */
  #surplusWith(credential: VerifiedCredential): VerifiedCredential[] {
    const { node, invite } = credential
    const rivals = [...this.#held.values()].filter(
      (held) => held.invite.id === invite.id && held.node !== node,
    )
    if (rivals.length < maxPerInvite) return []
    const holder = this.#judge(new Map(this.#held).set(node, credential)).holders.get(invite.id)
    const isHolder = (use: VerifiedCredential): number => Number(use.node === holder)
    return [credential, ...rivals]
      .sort((a, b) => isHolder(b) - isHolder(a) || compareUses(a, b))
      .slice(maxPerInvite)
  }

  async #keep(credential: VerifiedCredential, surplus: readonly VerifiedCredential[]): Promise<void> {
    const rival = this.byInvite(credential.invite.id)
    const isNew = this.#isNewcomer(credential)
    await this.#folder.write(`${credential.node}.cbor`, credential.bytes)
    this.#forget(credential.node)
    this.#held.set(credential.node, credential)
    this.#byDigest.set(credential.digest, credential.node)
    for (const { node } of surplus) {
      await this.#folder.remove(`${node}.cbor`)
      this.#forget(node)
    }
    this.#settle(isNew ? credential : null)
    if (rival !== null && rival.node !== credential.node) this.#reportTwice(rival, credential)
  }

  #forget(node: NodeId): void {
    const held = this.#held.get(node)
    if (held === undefined) return
    this.#held.delete(node)
    this.#byDigest.delete(held.digest)
  }

  /** Nobody else can stand otherwise because of this one. */
  #isNewcomer({ node, invite }: VerifiedCredential): boolean {
    for (const held of this.#held.values()) {
      if (held.node === node || held.voucher === node || held.invite.id === invite.id) return false
    }
    return true
  }

  get #words(): Words {
    return { isAdmin: this.#isAdmin, revoked: this.#trust.revoked }
  }

  #judge(held: ReadonlyMap<NodeId, VerifiedCredential>): Standing {
    return standingOf(held, this.#words)
  }

  #settle(newcomer: VerifiedCredential | null = null): void {
    this.#standing =
      newcomer === null ? this.#judge(this.#held) : withNewcomer(this.#standing, newcomer, this.#words)
    for (const listener of this.#listeners) listener()
  }

  #reportTwice(a: VerifiedCredential, b: VerifiedCredential): void {
    const [stands, falls] = this.#standing.holders.get(a.invite.id) === b.node ? [b, a] : [a, b]
    this.#onAlarm({
      code: 'ERR_INVITE_TWICE',
      message: `invite ${shortDigest(a.invite.id)} let in two nodes: ${stands.node} stays, ${falls.node} is turned out`,
      evidence: [stands.bytes, falls.bytes],
    })
  }
}

function requireMesh(credential: VerifiedCredential, trust: Trust): void {
  const { mesh } = credential.invite.record
  if (mesh === trust.meshId) return
  throw identityProblems.error(
    'ERR_CREDENTIAL_STRANGER',
    `${credential.node} is a member of mesh ${shortDigest(mesh)}, not of ${shortDigest(trust.meshId)}`,
  )
}

function chainError(message: string): Error {
  return identityProblems.error('ERR_CREDENTIAL_CHAIN', message)
}
