/** The transport over libp2p: start and stop, dial, and channels that only admitted peers get. */
import type { Connection } from '@libp2p/interface'
import { messageOf, type Cancel, type Clock, type Log, type Random } from '../../core/index.ts'
import { isLoopback, parseAddress, peerOfAddress } from './address.ts'
import { admissionProtocol } from './admission.ts'
import { Bans } from './bans.ts'
import { Connections } from './connections.ts'
import {
  transportLimits,
  type AdmissionGate,
  type Channel,
  type ChannelHandler,
  type NodeId,
  type ProtocolOptions,
  type Transport,
  type TransportEvents,
} from './contract.ts'
import { addressesFor, connectTo, type DialParts } from './dialling.ts'
import { Emitter } from './emitter.ts'
import { createNode, listenError, nodeIdOfKey, privateKeyFromSeed, type Libp2p } from './libp2p-node.ts'
import { settlePorts, sortedAddresses } from './listen.ts'
import { transportProblems } from './problems.ts'
import { ProtocolTraffic } from './protocol-traffic.ts'
import { Protocols } from './protocols.ts'
import { StreamChannel } from './stream-channel.ts'

export interface TransportOptions {
  /** 32 bytes, Ed25519; its public half is the node id. */
  readonly privateKeySeed: Uint8Array
  /** `HOST:PORT` or multiaddrs; port 0 takes a free one and keeps it across stop and start. */
  readonly listen: readonly string[]
  /** What to tell others instead, behind a NAT with a forwarded port. */
  readonly announce?: readonly string[]
  readonly gate: AdmissionGate
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Look for nodes on the local network; off unless asked for. */
  readonly mdns?: boolean
  /** Where what crosses the wire is counted, if anybody wants to know. */
  readonly traffic?: ProtocolTraffic
}

/** @throws ERR_ADDRESS, ERR_SIGNATURE (a seed of the wrong length) */
export function createTransport(options: TransportOptions): Transport {
  return new Libp2pTransport(options)
}

class Libp2pTransport implements Transport {
  readonly name = 'transport'
  readonly self: NodeId
  readonly #options: TransportOptions
  readonly #clock: Clock
  readonly #log: Log
  readonly #privateKey: ReturnType<typeof privateKeyFromSeed>
  readonly #announce: readonly string[]
  readonly #events: Emitter<TransportEvents>
  readonly #connections: Connections
  readonly #bans: Bans
  readonly #protocols: Protocols
  readonly #traffic: ProtocolTraffic
  /** As configured, and with the ports that the first start got. */
  readonly #wanted: readonly string[]
  #listen: readonly string[]
  #node: Libp2p | null = null
  /** Starts and stops take turns. */
  #turn: Promise<void> = Promise.resolve()

  constructor(options: TransportOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#log = options.log.scope('transport')
    this.#privateKey = privateKeyFromSeed(options.privateKeySeed)
    this.self = nodeIdOfKey(this.#privateKey)
    this.#wanted = options.listen.map(parseAddress)
    this.#listen = this.#wanted
    this.#announce = (options.announce ?? []).map(parseAddress)
    this.#events = new Emitter(this.#log)
    this.#bans = new Bans(options.clock)
    this.#traffic = options.traffic ?? new ProtocolTraffic()
    this.#connections = new Connections({
      gate: options.gate,
      clock: options.clock,
      log: this.#log,
      events: this.#events,
      traffic: this.#traffic,
    })
    this.#protocols = new Protocols({
      clock: options.clock,
      log: this.#log,
      connections: this.#connections,
      traffic: this.#traffic,
      onRefused: (peer, protocol) => this.#events.emit('stream:refused', { peer, protocol }),
    })
  }

  start(): Promise<void> {
    return this.#inTurn(() => this.#start())
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      const node = this.#node
      this.#node = null
      this.#protocols.unregister()
      if (node === null) return
      this.#connections.close(null, 'the network was switched off')
      await node.stop()
    })
  }

  addresses(): string[] {
    if (this.#node === null) return []
    return sortedAddresses(this.#node.getMultiaddrs().map(String), this.self)
  }

  async dial(target: string | readonly string[], signal: AbortSignal): Promise<NodeId> {
    const node = this.#running()
    const addresses = await addressesFor(node, target)
    const peer = addresses.map(peerOfAddress).find((id) => id !== null) ?? null
    if (peer !== null && this.#connections.admittedTo(peer).length > 0) return peer
    const connection = await connectTo(this.#dialParts(node), peer, addresses, signal)
    const remote = connection.remotePeer.toString()
    const others = this.#connections.admittedTo(remote).filter((other) => other.id !== connection.id)
    if (others.length > 0) {
      await connection.close().catch((error: Error) => connection.abort(error))
      return remote
    }
    await this.#connections.admit(connection, signal)
    return remote
  }

  peers(): NodeId[] {
    return this.#connections.peers()
  }

  addressesOf(peer: NodeId): string[] {
    return this.#connections.admittedTo(peer).map((connection) => connection.remoteAddr.toString())
  }

  handle(protocol: string, onChannel: ChannelHandler, options: ProtocolOptions = {}): Cancel {
    return this.#protocols.serve(protocol, onChannel, false, options)
  }

  handleBeforeAdmission(protocol: string, onChannel: ChannelHandler, options: ProtocolOptions = {}): Cancel {
    return this.#protocols.serve(protocol, onChannel, true, options)
  }

  async open(peer: NodeId, protocol: string, signal: AbortSignal): Promise<Channel> {
    this.#running()
    const connection = this.#connections.admittedTo(peer)[0]
    if (connection === undefined) {
      throw transportProblems.error(
        'ERR_PEER_NOT_ADMITTED',
        `${peer} is not connected, so ${protocol} cannot start`,
      )
    }
    return this.#openOn(connection, protocol, signal)
  }

  async openBeforeAdmission(
    address: string,
    protocol: string,
    signal: AbortSignal,
  ): Promise<{ peer: NodeId; channel: Channel }> {
    const node = this.#running()
    const text = parseAddress(address)
    const connection = await connectTo(this.#dialParts(node), peerOfAddress(text), [text], signal)
    return {
      peer: connection.remotePeer.toString(),
      channel: await this.#openOn(connection, protocol, signal),
    }
  }

  on<Name extends keyof TransportEvents>(event: Name, run: (detail: TransportEvents[Name]) => void): Cancel {
    return this.#events.on(event, run)
  }

  disconnect(peer: NodeId, reason = 'this node hung up'): void {
    this.#connections.close(peer, reason)
  }

  ban(peer: NodeId, ms: number, reason: string): void {
    this.#log.warn('peer:banned', { peer, ms, reason })
    this.#bans.add(peer, ms)
    this.#connections.close(peer, reason)
    this.#events.emit('peer:banned', { peer, reason })
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }

  async #start(): Promise<void> {
    if (this.#node !== null) return
    let node: Libp2p
    try {
      node = await this.#startNode(this.#listen)
    } catch (error) {
      if (this.#listen === this.#wanted) throw listenError(error, this.#wanted)
      // The port the system gave us last time went to another program meanwhile: ask for a new one.
      this.#listen = this.#wanted
      node = await this.#startNode(this.#wanted).catch((again: unknown) => {
        throw listenError(again, this.#wanted)
      })
    }
    this.#node = node
    this.#listen = settlePorts(this.#wanted, node.getMultiaddrs().map(String))
    // A newcomer that only dials has none.
    const addresses = this.addresses()
    if (addresses.length > 0) this.#log.info('transport:listening', { addresses })
  }

  async #startNode(listen: readonly string[]): Promise<Libp2p> {
    const node = await createNode({
      privateKey: this.#privateKey,
      listen,
      announce: this.#announce,
      mdns: this.#options.mdns ?? false,
      gater: {
        denyDialPeer: (peer) => this.#bans.has(peer.toString()),
        denyInboundEncryptedConnection: (peer) => this.#bans.has(peer.toString()),
      },
    })
    node.addEventListener('connection:open', (event) => this.#onConnection(event.detail))
    node.addEventListener('peer:disconnect', (event) => {
      // libp2p remembers everybody who ever connected; here, members are known by their records.
      node.peerStore.delete(event.detail).catch((error: unknown) => {
        this.#log.debug('peer:not-forgotten', { error: messageOf(error) })
      })
    })
    node.addEventListener('peer:discovery', (event) => {
      const addresses = event.detail.multiaddrs.map(String)
      if (addresses.length > 0)
        this.#events.emit('peer:found', { peer: event.detail.id.toString(), addresses })
    })
    try {
      await node.handle(
        admissionProtocol,
        (stream, connection) => this.#connections.onAdmissionStream(stream, connection),
        { maxInboundStreams: transportLimits.admissionStreams },
      )
      await this.#protocols.registerAt(node)
      await node.start()
    } catch (error) {
      this.#protocols.unregister()
      await Promise.resolve(node.stop()).catch(() => {})
      throw error
    }
    return node
  }

  #onConnection(connection: Connection): void {
    this.#connections.track(connection)
    this.#connections.rememberPlace(
      connection.remotePeer.toString(),
      isLoopback(connection.remoteAddr.toString()),
    )
  }

  async #openOn(connection: Connection, protocol: string, signal: AbortSignal): Promise<Channel> {
    const maxFrameBytes = this.#protocols.maxFrameBytes(protocol)
    try {
      const stream = await connection.newStream(protocol, { signal })
      return new StreamChannel(stream, this.#clock, maxFrameBytes, this.#traffic.meter(protocol))
    } catch (error) {
      const peer = connection.remotePeer.toString()
      throw transportProblems.error(
        'ERR_CHANNEL_CLOSED',
        `${protocol} to ${peer} did not open: ${messageOf(error)}`,
        {
          cause: error,
        },
      )
    }
  }

  #dialParts(node: Libp2p): DialParts {
    return {
      node,
      self: this.self,
      isBanned: (peer) => this.#bans.has(peer),
      metOnLoopback: (peer) => this.#connections.metOnLoopback(peer),
    }
  }

  #running(): Libp2p {
    if (this.#node !== null) return this.#node
    throw transportProblems.error('ERR_NETWORK_OFF', "this node's network is switched off")
  }
}
