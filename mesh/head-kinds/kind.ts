/** What a kind of head is: how its heads are made of what this node holds, and how one that comes in is checked. */
import { decodeCbor, type Clock } from '../../core/index.ts'
import { headsProblems, type Head, type HeadOutcome } from '../heads/index.ts'
import {
  maxChain,
  type CredentialBook,
  type HeartbeatStore,
  type NodeId,
  type NodeIdentity,
  type TrustStore,
} from '../identity/index.ts'
import type { NodeRecords } from '../membership/index.ts'
import type { ReleaseLog } from '../releases/index.ts'

const maxChainBytes = 1024 * 1024

export interface HeadKind {
  /** Keys of this kind start with it: `release/light-alarm`. */
  readonly prefix: string
  /** That these may take a few seconds to get beyond the neighbours of the node that made them. */
  readonly isUnhurried?: boolean
  /** All heads of this kind that are held now. */
  heads(): Head[]
  /**
   * The head with this name, which is the key without the prefix; for kinds of which there may be thousands, so that
   * one change does not cost a look at all of them.
   */
  head?(name: string): Head | null
  /** Takes a head from a peer. @throws SelvedgeError where it is refused */
  accept(bytes: Uint8Array, from: NodeId): Promise<HeadOutcome>
}

/** All that heads are made of. */
export interface Holdings {
  readonly identity: NodeIdentity
  readonly trust: TrustStore
  readonly heartbeats: HeartbeatStore
  readonly credentials: CredentialBook
  readonly releases: ReleaseLog
  readonly records: NodeRecords
  readonly clock: Clock
  /** A newer record of this very node came back from the mesh: its disk was restored. */
  onOwnRecord(boot: number): Promise<void>
}

/** A list of signed records that rest on each other. @throws ERR_CBOR, ERR_CBOR_TRAILING, ERR_HEAD_MESSAGE */
export function readChain(bytes: Uint8Array): Uint8Array[] {
  const value = decodeCbor(bytes, { maxBytes: maxChainBytes, maxDepth: 1, maxItems: 4 * maxChain + 2 })
  if (Array.isArray(value) && value.every((item) => item instanceof Uint8Array)) return value as Uint8Array[]
  throw headsProblems.error('ERR_HEAD_MESSAGE', 'a chain of records is no list of byte strings')
}
