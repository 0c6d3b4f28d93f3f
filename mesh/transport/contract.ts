/**
 * What the rest of the mesh sees of the network: admitted peers and channels of frames.
 *
 * Nothing here names libp2p, so that heads, blobs and membership can be run over a virtual network, and so
 * that the wire can be replaced without touching a decision.
 */
import type { Cancel, Part } from '../../core/index.ts'
import type { KnockAnswer } from './knock.ts'

/** A libp2p peer id in its text form, `12D3Koo…`. */
export type NodeId = string

/** Decides who is a member. Both calls must settle on their own; the transport adds a deadline around them. */
export interface AdmissionGate {
  /** What this node shows to `remote`: opaque to the transport, at most {@link transportLimits}.greetingBytes. */
  greet(remote: NodeId): Promise<Uint8Array>
  /** Resolves to admit; throws a SelvedgeError whose code and message the remote gets to see. */
  check(remote: NodeId, greeting: Uint8Array): Promise<void>
}

/** A two-way sequence of frames. Frames arrive whole, in order and once, or the channel closes. */
export interface Channel {
  /**
   * Resolves when the channel can take more; a sender that awaits it never buffers more than about one frame.
   * @throws ERR_FRAME_TOO_LARGE, ERR_CHANNEL_CLOSED
   */
  send(frame: Uint8Array): Promise<void>
  /**
   * What the other side sends. For one consumer. Ends when either side closes; throws ERR_FRAME_TOO_LARGE when
   * the other side breaks the frame limit. Reading slowly slows the sender down.
   */
  readonly messages: AsyncIterable<Uint8Array>
  /** Sends what is queued, then closes both directions. */
  close(): void
  /** Resolves, never rejects, when the channel is gone. */
  readonly closed: Promise<void>
}

export interface ProtocolOptions {
  /** Largest frame in either direction, bytes. */
  readonly maxFrameBytes?: number
  /** Channels of it that one connection holds open in each direction; {@link transportLimits}.streamsPerProtocol unless given. */
  readonly maxStreams?: number
}

export type ChannelHandler = (peer: NodeId, channel: Channel) => void

export interface TransportEvents {
  /** Both sides have checked each other. Once per peer, whatever the number of connections. */
  'peer:admitted': { readonly peer: NodeId; readonly direction: 'inbound' | 'outbound' }
  /** The last admitted connection is gone. */
  'peer:lost': { readonly peer: NodeId; readonly reason: string }
  /** One side did not admit the other. `by` says which. */
  'peer:refused': {
    readonly peer: NodeId
    readonly by: 'us' | 'them'
    readonly code: string
    readonly message: string
  }
  /** A peer asked for what is only for members, and was not admitted. */
  'stream:refused': { readonly peer: NodeId; readonly protocol: string }
  /** It is refused in both directions for a while, for something it did. */
  'peer:banned': { readonly peer: NodeId; readonly reason: string }
  /** Seen on the local network by mDNS, not dialled. */
  'peer:found': { readonly peer: NodeId; readonly addresses: readonly string[] }
}

/** What a network needs beside the rest where some nodes cannot be dialled; a virtual one may do without. */
export interface Ways {
  /** Connected through gateways alone. */
  isRelayed(peer: NodeId): boolean
  /** The gateways that its connections lead through, sorted; empty where one is direct, or there is none. */
  gatewaysTo(peer: NodeId): NodeId[]
  /**
   * Connects directly, beside connections through gateways; these are closed shortly after.
   * @throws as {@link Transport.dial}
   */
  connectDirectly(peer: NodeId, addresses: readonly string[], signal: AbortSignal): Promise<void>
  /** Whether the node answers at this address of its own: over a new connection, which is closed again. */
  answersAt(peer: NodeId, address: string, signal: AbortSignal): Promise<boolean>
  /**
   * What answers at the host where the peer was last met, at the port that one of these addresses names.
   * @returns null where none of them leads to that host, or it was never met
   */
  knock(peer: NodeId, addresses: readonly string[], signal: AbortSignal): Promise<KnockAnswer | null>
}

export interface Transport extends Part {
  readonly ways?: Ways
  readonly self: NodeId
  /** Where others can dial this node, each ending in `/p2p/ID`; empty while stopped. */
  addresses(): string[]
  /**
   * Connects and runs admission. A peer that is admitted already is returned at once.
   * @param target a node whose addresses are known, one multiaddr, or several of one node, tried in turn
   * @returns once both sides have admitted each other
   * @throws ERR_ADDRESS, ERR_DIAL_REFUSED, ERR_DIAL_UNREACHABLE, ERR_DIAL_TIMEOUT, ERR_ADMISSION_REFUSED,
   *   ERR_PEER_BANNED, ERR_NETWORK_OFF, or the error of our own gate
   */
  dial(target: string | readonly string[], signal: AbortSignal): Promise<NodeId>
  /** Admitted and connected, sorted. */
  peers(): NodeId[]
  /** Remote addresses of the open, admitted connections to `peer`. */
  addressesOf(peer: NodeId): string[]
  /** Serves `protocol` to admitted peers. One handler each. */
  handle(protocol: string, onChannel: ChannelHandler, options?: ProtocolOptions): Cancel
  /** Serves `protocol` to anyone who can connect. */
  handleBeforeAdmission(protocol: string, onChannel: ChannelHandler, options?: ProtocolOptions): Cancel
  /** @throws ERR_PEER_NOT_ADMITTED, ERR_CHANNEL_CLOSED */
  open(peer: NodeId, protocol: string, signal: AbortSignal): Promise<Channel>
  /** Connects without admission, for the few protocols that come before it. */
  openBeforeAdmission(
    address: string,
    protocol: string,
    signal: AbortSignal,
  ): Promise<{ readonly peer: NodeId; readonly channel: Channel }>
  on<Name extends keyof TransportEvents>(event: Name, run: (detail: TransportEvents[Name]) => void): Cancel
  /** Closes every connection to `peer`. */
  disconnect(peer: NodeId, reason?: string): void
  /** Closes, and refuses the peer in both directions for `ms` milliseconds. */
  ban(peer: NodeId, ms: number, reason: string): void
}

/** Every bound of the transport, with its reason. */
export const transportLimits = {
  /** A frame where the protocol names no limit of its own. */
  defaultFrameBytes: 1024 * 1024,
  /** Certificates and a trust bundle with room to spare. */
  greetingBytes: 256 * 1024,
  /** Admission and every protocol before it must be over by then, or the connection closes. */
  admissionMs: 15_000,
  /** A peer that takes nothing for so long is gone; its channel is closed rather than waited for. */
  sendStallMs: 30_000,
  /** Received and not yet read, per channel: above it the remote is told to pause. */
  queuedBytes: 512 * 1024,
  /** Handed to the stream and not yet sent, per channel. */
  sendBufferBytes: 256 * 1024,
  /** Streams one connection may hold open per protocol. */
  streamsPerProtocol: 16,
  /** Circuits that one gateway may lead to this node at once. */
  circuitsPerGateway: 64,
  connections: 512,
  /** Streams a connection may hold open for admission: each side opens one. */
  admissionStreams: 4,
  /** Connections that nobody has admitted yet; the oldest makes room, so that strangers cannot take every place. */
  unadmittedConnections: 64,
  /** Admitted connections to one peer: two that dialled each other at once, and one that is not yet known to be dead. */
  connectionsPerPeer: 4,
  /** New connections per second from one host: many nodes may share an address (one NAT, a test machine). */
  inboundPerSecond: 50,
  /** Connections that have not proved a key within this time are closed. */
  upgradeMs: 10_000,
  /** As many as one host could open in that time, and some: silent connections of one host keep out no other. */
  pendingInbound: 512,
  /** One address must answer within this time. */
  addressDialMs: 4_000,
  addressesPerDial: 16,
  bans: 1024,
} as const
