/**
 * The grow-only set of revocations, pure: merging is the union, in any order and however often.
 *
 * Each signer may fill its own share only, of which the smallest digests stay; so no key pushes out what another
 * signed, and two nodes that heard of the same ones in another order still hold the same.
 */
import type { Digest } from '../../core/index.ts'
import { hexOf } from './fields.ts'
import type { RevocationAuthority } from './revocation-view.ts'
import { signedByRoots, type SignedRevocation } from './revocation.ts'

/** How many revocations of each kind of signer are kept. A publisher revokes its own releases only. */
export const revocationShares = { roots: 512, admin: 4_096, publisher: 256 } as const

export type RevocationSet = ReadonlyMap<Digest, SignedRevocation>

/**
 * Adds one.
 * @returns the set with it (the same object where it was there), and which had to go: the offered one itself where
 *   its signer's share is full of smaller digests
 */
export function addRevocation(
  held: RevocationSet,
  offered: SignedRevocation,
  authority: RevocationAuthority,
): { set: RevocationSet; dropped: readonly SignedRevocation[] } {
  if (held.has(offered.digest)) return { set: held, dropped: [] }
  const set = new Map(held).set(offered.digest, offered)
  const share = shareOf(offered, authority)
  if (set.size <= share.max) return { set, dropped: [] }
  const mine = [...set.values()].filter((revocation) => shareOf(revocation, authority).of === share.of)
  const dropped = mine.sort((a, b) => (a.digest < b.digest ? -1 : 1)).slice(share.max)
  for (const { digest } of dropped) set.delete(digest)
  return { set, dropped }
}

function shareOf(
  { record, signers }: SignedRevocation,
  authority: RevocationAuthority,
): { of: string; max: number } {
  const [signer] = signers
  if (signedByRoots(record) || signer === undefined) return { of: 'roots', max: revocationShares.roots }
  const max = authority.wasAdmin(signer) ? revocationShares.admin : revocationShares.publisher
  return { of: hexOf(signer), max }
}
