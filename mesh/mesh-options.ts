/** What a mesh is made of, and how it shows its members. */
import type { Random } from '../core/index.ts'
import type { BlobCaps } from './blobs/index.ts'
import type { Member, NodeId } from './identity/index.ts'
import type { GatewayOptions } from './leading.ts'
import type { HeldRecord, Opinion } from './membership/index.ts'
import type { NodeDescription } from './own-record.ts'
import type { PatchCodec } from './patches/index.ts'
import type { StoresOptions } from './stores.ts'
import type { Transport, TransportOptions } from './transport/index.ts'

export interface MeshOptions extends StoresOptions {
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  readonly mdns: boolean
  /** How others reach this node, and whether it leads them to each other; left out, it goes by its role. */
  readonly gateway?: GatewayOptions
  /** On what components take of the wires. */
  readonly caps?: BlobCaps
  /** Leave the network to {@link Mesh.connect}, so that what needs none of it goes first. */
  readonly connectsLater?: boolean
  /** Start with the network off. */
  readonly offline: boolean
  readonly random: Random
  describe(): NodeDescription
  /** The network to stand on in the place of libp2p; simulations bring their own. */
  readonly createTransport?: (options: TransportOptions) => Transport
  /** What packs and unpacks patches; simulations bring one that needs no thread. */
  readonly patchCodec?: PatchCodec
}

/** A member as this node sees it. */
export interface MemberView extends Member {
  readonly opinion: Opinion
  readonly held: HeldRecord | null
  /** Gateways that this node's connection to it leads through, or, of this node, those that keep a place for it. */
  readonly via?: readonly NodeId[]
}
