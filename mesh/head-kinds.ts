/**
 * What travels as heads: the trust bundle, the members' credentials, the newest release of each app, and each
 * node's record. Every kind brings its own check; nothing is passed on that did not pass it here.
 *
 * Trust and credentials travel with all that they rest on, so that one head is enough to verify it.
 */
import { decodeCbor, encodeCbor } from '../core/index.ts'
import type { Head, HeadOutcome } from './heads/index.ts'
import {
  maxChain,
  type CredentialBook,
  type NodeId,
  type NodeIdentity,
  type TrustStore,
} from './identity/index.ts'
import { membershipProblems, type NodeRecords } from './membership/index.ts'
import type { ReleaseLog } from './releases/index.ts'

const maxChainBytes = 1024 * 1024

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
  /** A newer record of this very node came back from the mesh: its disk was restored. */
  onOwnRecord(boot: number): Promise<void>
}

/** In the order in which they depend on each other. */
export function headKinds(holdings: Holdings): readonly HeadKind[] {
  return [trustKind(holdings), memberKind(holdings), releaseKind(holdings), nodeKind(holdings)]
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

function memberKind({ credentials }: Holdings): HeadKind {
  return {
    prefix: 'member/',
    heads() {
      return credentials.members().flatMap(({ id }) => {
        const chain = credentials.chainFor(id)
        const receipt = credentials.get(id)?.receipt
        if (chain === null || receipt === undefined) return []
        const head: Head = {
          key: `member/${id}`,
          // As the credential book ranks two credentials of one node.
          order: [receipt.record.at, 0],
          digest: receipt.digest,
          bytes: encodeCbor(chain),
        }
        return [head]
      })
    },
    async accept(bytes) {
      const { outcome } = await credentials.offerChain(readChain(bytes))
      return outcome === 'accepted' ? 'accepted' : outcome === 'known' ? 'known' : 'older'
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

function nodeKind({ identity, credentials, records, onOwnRecord }: Holdings): HeadKind {
  return {
    prefix: 'node/',
    heads() {
      return records.all().map(({ record: { node, report, digest, bytes } }) => {
        return { key: `node/${node}`, order: [report.boot, report.number], digest, bytes }
      })
    },
    async accept(bytes) {
      const { record, outcome } = await records.offer(bytes, (node) => {
        if (credentials.isMember(node)) return
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
