/**
 * Proposals: records that several roots sign one after the other, each on the machine that has its key.
 *
 * A proposal is the signed record itself with too few signatures so far. It travels as a file, adds up signature by
 * signature, and is offered to a node when enough have signed; a node refuses it before.
 */
import { cosign, isSelvedgeError, type KeyPair } from '../../core/index.ts'
import { hexOf } from './fields.ts'
import { identityProblems } from './problems.ts'
import { readRevocation, signedByRoots, type SignedRevocation } from './revocation.ts'
import { maxTrustBytes, readTrust, type TrustBundle, type TrustRecord } from './trust-bundle.ts'
import { differences, type TrustDifference } from './trust-change.ts'
import { judgeBundle, rootsAmong } from './trust-rules.ts'

/** What one of the versions concerned asks for. */
export interface Signatures {
  /** The version whose roots count here. */
  readonly version: number
  readonly needed: number
  readonly given: number
  /** Its roots that have not signed. */
  readonly missing: readonly Uint8Array[]
}

export interface TrustProposal {
  readonly bundle: TrustBundle
  readonly changes: readonly TrustDifference[]
  /** Under the newest version, and under the proposed one itself. */
  readonly signatures: readonly Signatures[]
  readonly isComplete: boolean
}

/**
 * Adds a root's signature to the same payload; the bytes as they are where it has signed already.
 * @throws ERR_TRUST_SIGNATURE, ERR_TRUST_DUPLICATE, ERR_TRUST_INVALID
 */
export function cosignTrust(bytes: Uint8Array, key: KeyPair): Uint8Array {
  readTrust(bytes)
  return cosign(bytes, { purpose: 'trust', maxBytes: maxTrustBytes, key })
}

/**
 * Reads a proposal for the version after the newest.
 * @param chain versions 1…n
 * @throws ERR_TRUST_PROPOSAL where it follows another version, ERR_TRUST_MESH, and what `readTrust` throws
 */
export function readTrustProposal(chain: readonly TrustBundle[], bytes: Uint8Array): TrustProposal {
  const bundle = readTrust(bytes)
  const current = chain.at(-1)
  const meshId = chain[0]?.digest
  if (current === undefined || meshId === undefined) {
    throw identityProblems.error('ERR_TRUST_MISSING', 'this node has no trust bundle that it could follow')
  }
  const { record } = bundle
  const follows = record.version === current.record.version + 1 && record.previous === current.digest
  if (record.mesh === meshId && !follows) {
    throw identityProblems.error(
      'ERR_TRUST_PROPOSAL',
      `the proposal is for version ${record.version}, here version ${current.record.version} is the newest`,
    )
  }
  return {
    bundle,
    changes: differences(current.record, record),
    signatures: [current.record, record].map((rule) => countSignatures(rule, bundle.signers)),
    isComplete: counts(meshId, chain, bundle),
  }
}

/** How far the signatures of a revocation that roots sign are, under the newest version. */
export function readRevocationProposal(
  current: TrustRecord,
  bytes: Uint8Array,
): { readonly revocation: SignedRevocation; readonly signatures: Signatures; readonly isComplete: boolean } {
  const revocation = readRevocation(bytes)
  const signatures = countSignatures(current, revocation.signers)
  const isComplete = !signedByRoots(revocation.record) || signatures.given >= signatures.needed
  return { revocation, signatures, isComplete }
}

/** Asked of the very rules that nodes go by. */
function counts(meshId: string, chain: readonly TrustBundle[], bundle: TrustBundle): boolean {
  try {
    return judgeBundle(meshId, chain, bundle).outcome === 'accepted'
  } catch (error) {
    if (isSelvedgeError(error, 'ERR_TRUST_THRESHOLD')) return false
    throw error
  }
}

function countSignatures(rule: TrustRecord, signers: readonly Uint8Array[]): Signatures {
  const signed = new Set(signers.map(hexOf))
  return {
    version: rule.version,
    needed: rule.threshold,
    given: rootsAmong(rule, signers),
    missing: rule.roots.filter((root) => !signed.has(hexOf(root))),
  }
}
