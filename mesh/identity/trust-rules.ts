/**
 * The rules of the trust chain, pure: what a bundle is to a node that holds others.
 *
 * Version N+1 is signed under N's threshold and its own, and names N by digest, so that versions of two lines cannot
 * be mixed. Of two bundles with the newest version the smaller digest stands; a next version that names the other one
 * settles it otherwise, because as many roots as the threshold asks for have then said which they mean.
 */
import { shortDigest, type Digest } from '../../core/index.ts'
import { hexOf } from './fields.ts'
import { identityProblems } from './problems.ts'
import type { TrustBundle, TrustRecord } from './trust-bundle.ts'

export type TrustOutcome = 'accepted' | 'known' | 'older' | 'fork-won' | 'fork-lost'

export interface TrustJudgement {
  readonly outcome: TrustOutcome
  /** It contradicts a bundle held: an alarm in any case. */
  readonly forked: boolean
  /** Versions 1…n that are held from now on; the same object where nothing changes. */
  readonly chain: readonly TrustBundle[]
}

/**
 * Decides what a bundle is to a node that holds versions 1…n as `chain`.
 * @param rivals bundles that lost against one of their version, or whose version had been passed
 * @returns `fork-…` for a second bundle with the newest version, `older` for one whose version was passed long ago
 * @throws ERR_TRUST_MESH, ERR_TRUST_GAP, ERR_TRUST_MIXED, ERR_TRUST_THRESHOLD
 */
export function judgeBundle(
  meshId: Digest,
  chain: readonly TrustBundle[],
  offered: TrustBundle,
  rivals: readonly TrustBundle[] = [],
): TrustJudgement {
  const { record, digest } = offered
  const { version } = record
  if ((version === 1 ? digest : record.mesh) !== meshId) {
    throw identityProblems.error(
      'ERR_TRUST_MESH',
      `a trust bundle named ${record.name} is not of mesh ${shortDigest(meshId)}`,
    )
  }
  if (version > chain.length + 1) {
    throw identityProblems.error(
      'ERR_TRUST_GAP',
      `trust version ${version} came to a node that holds ${chain.length}`,
    )
  }
  const line = lineTo(offered, chain, rivals)
  const held = chain[version - 1]
  if (held === undefined) return { outcome: 'accepted', forked: false, chain: line }
  if (held.digest === digest) return { outcome: 'known', forked: false, chain }
  if (version < chain.length) return { outcome: 'older', forked: true, chain }
  const won = digest < held.digest
  return { outcome: won ? 'fork-won' : 'fork-lost', forked: true, chain: won ? line : chain }
}

/** The versions that a bundle stands on, itself the last, each signed as the one before it asks. */
function lineTo(
  offered: TrustBundle,
  chain: readonly TrustBundle[],
  rivals: readonly TrustBundle[],
): TrustBundle[] {
  const { version, previous } = offered.record
  if (chain[version - 1]?.digest === offered.digest) return chain.slice(0, version)
  if (version === 1) {
    requireThreshold(offered, offered.record)
    return [offered]
  }
  const held = chain[version - 2]
  const follows = (bundle: TrustBundle): boolean =>
    bundle.record.version === version - 1 && bundle.digest === previous
  const before = previous === undefined || held?.digest === previous ? held : rivals.find(follows)
  if (before === undefined) {
    throw identityProblems.error(
      'ERR_TRUST_MIXED',
      `trust version ${version} follows version ${version - 1} with the digest ${shortDigest(previous ?? '')}, here that is ${held === undefined ? 'missing' : shortDigest(held.digest)}`,
    )
  }
  for (const rule of [before, offered]) requireThreshold(offered, rule.record)
  return [...lineTo(before, chain, rivals), offered]
}

/** How many of a record's roots are among these keys. */
export function rootsAmong({ roots }: Pick<TrustRecord, 'roots'>, keys: readonly Uint8Array[]): number {
  const signers = new Set(keys.map(hexOf))
  return roots.filter((root) => signers.has(hexOf(root))).length
}

function requireThreshold(offered: TrustBundle, rule: TrustRecord): void {
  const count = rootsAmong(rule, offered.signers)
  if (count >= rule.threshold) return
  throw identityProblems.error(
    'ERR_TRUST_THRESHOLD',
    `trust version ${offered.record.version} is signed by ${count} of the ${rule.threshold} roots that version ${rule.version} asks for`,
  )
}
