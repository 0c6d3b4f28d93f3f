/**
 * Takes carried records through the very checks that heads from a peer pass: signature first, then bounded parsing,
 * whose word counts, and numbers that only grow. Each record stands alone: one that is refused holds up no other.
 */
import { setImmediate as otherWork } from 'node:timers/promises'
import { digestOf, messageOf } from '../../core/index.ts'
import { readChain } from '../head-kinds/index.ts'
import { identityProblems, type CredentialBook, type TrustStore } from '../identity/index.ts'
import { readRelease, type ReleaseLog, type SignedRelease } from '../releases/index.ts'
import type { CarriedKind, CarriedRecord, CarriedVerdict } from './record.ts'

/** What takes them. */
export interface Takers {
  readonly trust: TrustStore
  readonly credentials: CredentialBook
  readonly releases: ReleaseLog
}

/** Who writes down what was taken and refused; null stands for this node's own operator. */
export interface CarriageWitness {
  taken(kind: string, bytes: Uint8Array, from: null): void
  refused(kind: string, bytes: Uint8Array, from: null, error: unknown): void
}

/** Checked in one turn of the loop: a few milliseconds. */
const recordsAtOnce = 16

type Outcome = Exclude<CarriedVerdict['outcome'], 'refused'>

/** One after the other, as one rests on what came before. @returns a verdict for each, in their order */
export async function takeRecords(
  records: readonly CarriedRecord[],
  takers: Takers,
  witness: CarriageWitness | null,
): Promise<CarriedVerdict[]> {
  const verdicts: CarriedVerdict[] = []
  for (const [at, { kind, bytes }] of records.entries()) {
    // Stores in memory never wait, and a check costs as much as a probe may take to be answered.
    if (at % recordsAtOnce === 0) await otherWork()
    const release = kind === 'release' ? readable(bytes) : null
    const before = release === null ? null : takers.releases.head(release.record.app)
    const facts = { kind, digest: digestOf(bytes), release, before }
    try {
      const outcome = await takes[kind](bytes, takers)
      if (outcome === 'accepted') witness?.taken(headKindOf(kind), bytes, null)
      verdicts.push({ ...facts, outcome, error: null })
    } catch (error) {
      witness?.refused(headKindOf(kind), bytes, null, error)
      const thrown = error instanceof Error ? error : new Error(messageOf(error))
      verdicts.push({ ...facts, outcome: 'refused', error: thrown })
    }
  }
  return verdicts
}

const takes: Readonly<Record<CarriedKind, (bytes: Uint8Array, takers: Takers) => Promise<Outcome>>> = {
  async trust(bytes, { trust }) {
    const before = trust.current?.digest
    await trust.offerChain(chainOf(bytes))
    return trust.current?.digest === before ? 'known' : 'accepted'
  },
  async revocation(bytes, { trust }) {
    return (await trust.revocations.offer(bytes)).outcome
  },
  async credential(bytes, { credentials }) {
    const offered = await credentials.offer(bytes)
    if (offered.outcome === 'needs') {
      throw identityProblems.error(
        'ERR_CREDENTIAL_CHAIN',
        `the credential of ${offered.node} rests on that of ${offered.needs}, which is not here`,
      )
    }
    return offered.outcome === 'revoked' ? 'accepted' : offered.outcome
  },
  async release(bytes, { releases }) {
    const { outcome } = await releases.offer(bytes)
    if (outcome === 'accepted' || outcome === 'fork-won') return 'accepted'
    return outcome === 'known' ? 'known' : 'older'
  },
}

function chainOf(bytes: Uint8Array): Uint8Array[] {
  try {
    return readChain(bytes)
  } catch (cause) {
    throw identityProblems.error('ERR_TRUST_INVALID', `a chain of trust was refused: ${messageOf(cause)}`, {
      cause,
    })
  }
}

/** Credentials are known as `member` where heads are counted and written down. */
function headKindOf(kind: CarriedKind): string {
  return kind === 'credential' ? 'member' : kind
}

function readable(bytes: Uint8Array): SignedRelease | null {
  try {
    return readRelease(bytes)
  } catch {
    return null
  }
}
