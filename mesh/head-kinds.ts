/**
 * What travels as heads: the trust bundle, the nodes' credentials, the newest release of each app and the proof of a
 * second one of its number, and each member's record. Every kind brings its own check; nothing is passed on that did not pass it here.
 *
 * Trust and credentials travel with all that they rest on, so that one head is enough to verify it.
 */
import { decodeCbor, encodeCbor, type Clock } from '../core/index.ts'
import { compareHeads, RateLimit, type Head, type HeadOutcome } from './heads/index.ts'
import {
  maxChain,
  type CredentialBook,
  type NodeId,
  type NodeIdentity,
  type TrustStore,
  type VerifiedCredential,
} from './identity/index.ts'
import { membershipProblems, type NodeRecords } from './membership/index.ts'
import type { HistoryEntry, ReleaseLog } from './releases/index.ts'

const maxChainBytes = 1024 * 1024
/** Records of one node taken at once and per second; a node sends at most ten in a second, and few in a minute. */
const recordBurst = 200
const recordsPerSecond = 10

export interface HeadKind {
  /** Keys of this kind start with it: `release/light-alarm`. */
  readonly prefix: string
  /** All heads of this kind that are held now. */
  heads(): Head[]
  /** Takes a head from a peer. @throws SelvedgeError where it is refused */
  accept(bytes: Uint8Array, from: NodeId): Promise<HeadOutcome>
}

export interface Holdings {
  readonly identity: NodeIdentity
  readonly trust: TrustStore
  readonly credentials: CredentialBook
  readonly releases: ReleaseLog
  readonly records: NodeRecords
  readonly clock: Clock
  /** A newer record of this very node came back from the mesh: its disk was restored. */
  onOwnRecord(boot: number): Promise<void>
}

/** In the order in which they depend on each other. */
export function headKinds(holdings: Holdings): readonly HeadKind[] {
  return [
    trustKind(holdings),
    memberKind(holdings),
    releaseKind(holdings),
    forkKind(holdings),
    nodeKind(holdings),
  ]
}

function trustKind({ trust }: Holdings): HeadKind {
  return {
    prefix: 'trust',
    heads() {
      const { current } = trust
      if (current === null) return []
      return [
        {
          key: 'trust',
          order: [current.record.version, 0],
          digest: current.digest,
          bytes: encodeCbor(trust.chain()),
        },
      ]
    },
    async accept(bytes) {
      const before = trust.current?.digest
      await trust.offerChain(readChain(bytes))
      return trust.current?.digest === before ? 'known' : 'accepted'
    },
  }
}

/** Also of nodes turned out: only who holds the same credentials says the same of them. */
function memberKind({ credentials }: Holdings): HeadKind {
  /** One for each node, made again when a credential in its chain is another: most changes are about one node. */
  let made = new Map<NodeId, { readonly chain: readonly Uint8Array[]; readonly head: Head }>()
  const headOf = (
    id: NodeId,
    chain: readonly Uint8Array[],
    { record, digest }: VerifiedCredential['receipt'],
  ): Head => {
    const known = made.get(id)
    const isSame =
      known?.chain.length === chain.length && chain.every((bytes, at) => bytes === known.chain[at])
    if (known !== undefined && isSame) return known.head
    // Ordered as the credential book ranks two credentials of one node.
    return { key: `member/${id}`, order: [record.at, 0], digest, bytes: encodeCbor(chain) }
  }
  return {
    prefix: 'member/',
    heads() {
      const next: typeof made = new Map()
      for (const id of credentials.nodes()) {
        const chain = credentials.chainFor(id)
        const receipt = credentials.get(id)?.receipt
        if (chain === null || receipt === undefined) continue
        next.set(id, { chain, head: headOf(id, chain, receipt) })
      }
      made = next
      return [...made.values()].map(({ head }) => head)
    },
    async accept(bytes) {
      const { outcome } = await credentials.offerChain(readChain(bytes))
      if (outcome === 'accepted' || outcome === 'revoked') return 'accepted'
      return outcome === 'known' ? 'known' : 'older'
    },
  }
}

function releaseKind({ releases }: Holdings): HeadKind {
  return {
    prefix: 'release/',
    heads() {
      return releases.heads().map(({ record, digest, bytes }) => ({
        key: `release/${record.app}`,
        order: [record.seq, 0],
        digest,
        bytes,
      }))
    },
    async accept(bytes) {
      const { outcome } = await releases.offer(bytes)
      if (outcome === 'accepted' || outcome === 'fork-won') return 'accepted'
      return outcome === 'known' ? 'known' : 'older'
    },
  }
}

/**
 * A release that lost against the newest of its app, which has the same number. A node that held the winner first
 * would otherwise never hear that there were two.
 */
function forkKind({ releases }: Holdings): HeadKind {
  const lostOf = (app: string): HistoryEntry[] => releases.history(app).filter(({ role }) => role === 'fork')
  return {
    prefix: 'fork/',
    heads() {
      return releases.heads().flatMap(({ record: { app, seq } }) => {
        const heads = lostOf(app)
          .filter(({ record }) => record.seq === seq)
          .map(({ digest, bytes }): Head => ({ key: `fork/${app}`, order: [seq, 0], digest, bytes }))
        return heads.sort(compareHeads).slice(0, 1)
      })
    },
    async accept(bytes) {
      const { record, digest } = await releases.offer(bytes)
      return lostOf(record.app).some((release) => release.digest === digest) ? 'accepted' : 'older'
    },
  }
}

function nodeKind({ identity, credentials, records, clock, onOwnRecord }: Holdings): HeadKind {
  /** One for each member that has ever had a record here. */
  const rates = new Map<NodeId, RateLimit>()
  const requireRate = (node: NodeId): void => {
    const now = clock.monotonicMs()
    const rate = rates.get(node) ?? new RateLimit(recordsPerSecond, recordBurst, now)
    rates.set(node, rate)
    if (rate.take(now)) return
    throw membershipProblems.error('ERR_NODE_RECORD_RATE', `${node} changes its record too often`)
  }
  return {
    prefix: 'node/',
    heads() {
      return records.all().flatMap(({ record: { node, report, digest, bytes } }) => {
        if (!credentials.isMember(node)) return []
        return [{ key: `node/${node}`, order: [report.boot, report.number], digest, bytes }]
      })
    },
    async accept(bytes) {
      const { record, outcome } = await records.offer(bytes, (node) => {
        if (credentials.isMember(node)) return requireRate(node)
        throw membershipProblems.error('ERR_NODE_RECORD_STRANGER', `${node} is no member of this mesh`)
      })
      if (record.node === identity.nodeId && outcome === 'accepted') await onOwnRecord(record.report.boot)
      return outcome
    },
  }
}

function readChain(bytes: Uint8Array): Uint8Array[] {
  const value = decodeCbor(bytes, { maxBytes: maxChainBytes, maxDepth: 1, maxItems: 4 * maxChain + 2 })
  if (Array.isArray(value) && value.every((item) => item instanceof Uint8Array)) return value as Uint8Array[]
  throw new TypeError('a chain is a list of byte strings')
}
