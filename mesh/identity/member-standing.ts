/**
 * Who of all that hold a credential is a member: a pure function of the credentials, so that every node that holds
 * the same ones says the same, in whatever order they came.
 *
 * Of two nodes let in by one invite the one with the smaller receipt digest stands (design.md section 5). A node
 * turned out takes with it whom it let in itself: they hold the word of somebody who was never to be a member.
 */
import type { Digest } from '../../core/index.ts'
import type { VerifiedCredential } from './credential.ts'
import type { NodeId } from './node-id.ts'

/** The longest chain of members that vouch for each other, up to the one an admin admitted. */
export const maxChain = 64

export type IsAdmin = (key: Uint8Array) => boolean

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
export function ascend(
  node: NodeId,
  held: Pick<ReadonlyMap<NodeId, VerifiedCredential>, 'get'>,
  isAdmin: IsAdmin,
): Ascent {
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

/** For each invite the credential that stands. */
export function winners(credentials: Iterable<VerifiedCredential>): Map<Digest, VerifiedCredential> {
  const best = new Map<Digest, VerifiedCredential>()
  for (const credential of credentials) {
    const rival = best.get(credential.invite.id)
    if (rival === undefined || credential.receipt.digest < rival.receipt.digest)
      best.set(credential.invite.id, credential)
  }
  return best
}

/** The nodes whose whole way up is here, invited by admins all along, and stands. */
export function membersOf(held: ReadonlyMap<NodeId, VerifiedCredential>, isAdmin: IsAdmin): Set<NodeId> {
  const standing = winners(held.values())
  const members = new Set<NodeId>()
  for (const node of held.keys()) {
    const { chain, missing, endless } = ascend(node, held, isAdmin)
    if (missing !== null || endless) continue
    const stands = ({ invite, receipt }: VerifiedCredential): boolean =>
      isAdmin(invite.admin) && standing.get(invite.id)?.receipt.digest === receipt.digest
    if (chain.every(stands)) members.add(node)
  }
  return members
}

/**
 * Does `offered` take the place of `held`, another credential of the same node? The later receipt does, of two at one
 * moment the one with the smaller digest: the same order in which heads are compared, so that two nodes settle.
 */
export function supersedes(offered: VerifiedCredential, held: VerifiedCredential): boolean {
  const later = offered.receipt.record.at - held.receipt.record.at
  return later === 0 ? offered.receipt.digest < held.receipt.digest : later > 0
}
