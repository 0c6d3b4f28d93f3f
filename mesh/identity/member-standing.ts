/**
 * Who of all that hold a credential is a member: a pure function of the credentials and of trust, so that every node
 * that holds the same ones says the same, in whatever order they came.
 *
 * Members are found from the top: first those whose receipt an admin signed, then those that these let in, and so on.
 * Of two nodes let in by one invite the one nearer to the top stands; at the same distance the rank of the *member*
 * that let it in decides, which follows from its key and the invite. A rank of the receipt itself could be chosen: who
 * knows a used token could sign receipts until one ranks first, and turn out the node that the token let in.
 */
import { digestOf, type Digest } from '../../core/index.ts'
import type { VerifiedCredential } from './credential.ts'
import type { NodeId } from './node-id.ts'
import type { RevocationView } from './revocation-view.ts'

/** The longest chain of members that vouch for each other, up to the one an admin admitted. */
export const maxChain = 64

export type IsAdmin = (key: Uint8Array) => boolean

/** Whose word counts. */
export interface Words {
  /** Was it an admin in any version? */
  readonly isAdmin: IsAdmin
  readonly revoked: Pick<RevocationView, 'isNodeRevoked' | 'isWordRevoked' | 'vouches'>
}

type Held = Pick<ReadonlyMap<NodeId, VerifiedCredential>, 'get'>

/** The node that let this one in; null where an admin did. */
function voucherOf(credential: VerifiedCredential, isAdmin: IsAdmin): NodeId | null {
  return isAdmin(credential.receipt.signer) ? null : credential.voucher
}

/** The way up from a node; `missing` names the first voucher that is not held, `endless` a way too long or round. */
export interface Ascent {
  readonly chain: readonly VerifiedCredential[]
  readonly missing: NodeId | null
  readonly endless: boolean
}

/** Walks from `node` up to the credential whose receipt an admin signed. */
export function ascend(node: NodeId, held: Held, isAdmin: IsAdmin): Ascent {
  const chain: VerifiedCredential[] = []
  let next: NodeId | null = node
  while (next !== null) {
    const credential = held.get(next)
    if (credential === undefined) return { chain, missing: next, endless: false }
    if (chain.length === maxChain) return { chain, missing: null, endless: true }
    chain.push(credential)
    next = voucherOf(credential, isAdmin)
  }
  return { chain, missing: null, endless: false }
}

/** What follows from all credentials held. */
export interface Standing {
  readonly members: ReadonlySet<NodeId>
  /** For each invite the node it let in; also one that was revoked since, so that its place stays taken. */
  readonly holders: ReadonlyMap<Digest, NodeId>
}

/** Goes down level by level, so that whoever a contender rests on is settled before it. */
export function standingOf(held: ReadonlyMap<NodeId, VerifiedCredential>, words: Words): Standing {
  const members = new Set<NodeId>()
  const holders = new Map<Digest, NodeId>()
  for (const level of levelsOf(held, words.isAdmin)) {
    const best = new Map<Digest, VerifiedCredential>()
    for (const credential of level) {
      if (holders.has(credential.invite.id) || !rests(credential, members, words)) continue
      const rival = best.get(credential.invite.id)
      if (rival === undefined || compareUses(credential, rival) < 0)
        best.set(credential.invite.id, credential)
    }
    for (const [invite, { node, certificate }] of best) {
      holders.set(invite, node)
      if (!words.revoked.isNodeRevoked(certificate.record.node)) members.add(node)
    }
  }
  return { members, holders }
}

/**
 * As {@link standingOf} with one more credential, of a node and an invite that are new and on which nobody rests: then
 * nothing else can change. A mesh of thousands would otherwise be judged anew for each of them.
 */
export function withNewcomer(standing: Standing, credential: VerifiedCredential, words: Words): Standing {
  const { node, invite, certificate } = credential
  if (!rests(credential, standing.members, words)) return standing
  const holders = new Map(standing.holders).set(invite.id, node)
  if (words.revoked.isNodeRevoked(certificate.record.node)) return { members: standing.members, holders }
  return { members: new Set(standing.members).add(node), holders }
}

/** Do invite and receipt rest on words that count? A revoked word counts for the nodes its revocation lists. */
function rests(
  credential: VerifiedCredential,
  members: ReadonlySet<NodeId>,
  { isAdmin, revoked }: Words,
): boolean {
  const { invite, receipt, certificate, voucher } = credential
  const { node } = certificate.record
  if (
    !isAdmin(invite.admin) ||
    !revoked.vouches(invite.admin, node) ||
    !revoked.vouches(receipt.signer, node)
  )
    return false
  return isAdmin(receipt.signer) || revoked.isWordRevoked(receipt.signer) || members.has(voucher)
}

/** The credentials by their distance from an admin; those whose way up is missing or endless are left out. */
function levelsOf(held: ReadonlyMap<NodeId, VerifiedCredential>, isAdmin: IsAdmin): VerifiedCredential[][] {
  const levels: VerifiedCredential[][] = []
  const depths = new Map<NodeId, number | null>()
  for (const credential of held.values()) {
    const depth = depthOf(credential, held, isAdmin, depths)
    if (depth !== null) (levels[depth] ??= []).push(credential)
  }
  return Array.from(levels, (level) => level ?? [])
}

/** @param known of nodes asked before; every node on the way is entered */
function depthOf(
  credential: VerifiedCredential,
  held: Held,
  isAdmin: IsAdmin,
  known: Map<NodeId, number | null>,
): number | null {
  const way: NodeId[] = []
  let at: VerifiedCredential | undefined = credential
  let above: number | null = null
  while (at !== undefined) {
    const settled = known.get(at.node)
    if (settled !== undefined) {
      above = settled
      break
    }
    // Until it is known better: who comes by here again goes round.
    known.set(at.node, null)
    way.push(at.node)
    const voucher = voucherOf(at, isAdmin)
    if (voucher === null) {
      above = -1
      break
    }
    at = held.get(voucher)
  }
  for (const node of way.toReversed()) {
    above = above === null || above + 1 >= maxChain ? null : above + 1
    known.set(node, above)
  }
  return known.get(credential.node) ?? null
}

/** @returns a negative number where `a` comes before `b`, two uses of one invite at one distance from the top */
export function compareUses(a: VerifiedCredential, b: VerifiedCredential): number {
  const [left, right] = [rankOf(a), rankOf(b)]
  if (left !== right) return left < right ? -1 : 1
  return a.receipt.digest < b.receipt.digest ? -1 : Number(a.receipt.digest > b.receipt.digest)
}

/** Nobody can choose it: a member has one key, which was there before the invite was. */
function rankOf({ invite, receipt }: VerifiedCredential): Digest {
  return digestOf(Buffer.concat([Buffer.from(invite.id, 'hex'), receipt.signer]))
}

/**
 * Does `offered` take the place of `held`, another credential of the same node? The later receipt does, of two at one
 * moment the one with the smaller digest: the same order in which heads are compared, so that two nodes settle.
 */
export function supersedes(offered: VerifiedCredential, held: VerifiedCredential): boolean {
  const later = offered.receipt.record.at - held.receipt.record.at
  return later === 0 ? offered.receipt.digest < held.receipt.digest : later > 0
}
