/** The transport over libp2p: start and stop, dial, and channels that only admitted peers get. */
import type { Connection } from '@libp2p/interface'
import {
  keyPairFromSeed,
  messageOf,
  type Cancel,
  type Clock,
  type Log,
  type Random,
} from '../../core/index.ts'
import { nodeIdOf } from '../identity/index.ts'
import { parseAddress, peerOfAddress } from './address.ts'
import { Bans } from './bans.ts'
import { circuitFrameBytes, circuitProtocol } from './circuit-messages.ts'
import { Circuits } from './circuits.ts'
import { Connections, isRelayed } from './connections.ts'
import {
  transportLimits,
  type AdmissionGate,
  type Channel,
  type ChannelHandler,
  type NodeId,
  type ProtocolOptions,
  type Transport,
  type TransportEvents,
  type Ways,
} from './contract.ts'
import { addressesFor, connectTo, type DialParts } from './dialling.ts'
import { Emitter } from './emitter.ts'
import type { RunningLibp2p } from './libp2p-node.ts'
import { listenError } from './listen-error.ts'
import { settlePorts, sortedAddresses } from './listen.ts'
import type { PortMemory } from './port-memory.ts'
import { transportProblems } from './problems.ts'
import { ProtocolTraffic } from './protocol-traffic.ts'
import { Protocols } from './protocols.ts'
import { StreamChannel } from './stream-channel.ts'
import { createWays } from './ways.ts'

export interface TransportOptions {
  /** 32 bytes, Ed25519; its public half is the node id. */
  readonly privateKeySeed: Uint8Array
  /** `HOST:PORT` or multiaddrs; port 0 takes a free one and keeps it across stop and start, and with `ports` across processes. */
  readonly listen: readonly string[]
  /** What to tell others instead, behind a NAT with a forwarded port. */
  readonly announce?: readonly string[]
  readonly gate: AdmissionGate
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Where the ports that the system chose are kept; without it a new process takes new ones. */
  readonly ports?: PortMemory
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
  readonly #announce: readonly string[]
  readonly #events: Emitter<TransportEvents>
  readonly #connections: Connections
  readonly #bans: Bans
  readonly #protocols: Protocols
  readonly #traffic: ProtocolTraffic
  readonly #circuits: Circuits
  readonly ways: Ways
  /** As configured, and with the ports that the first start got. */
  readonly #wanted: readonly string[]
  #listen: readonly string[]
  #node: RunningLibp2p | null = null
  /** Starts and stops take turns. */
  #turn: Promise<void> = Promise.resolve()

  constructor(options: TransportOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#log = options.log.scope('transport')
    this.self = nodeIdOf(keyPairFromSeed(options.privateKeySeed).publicKey)
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
    this.#circuits = new Circuits({
      clock: options.clock,
      log: this.#log,
      isBanned: (peer) => this.#bans.has(peer),
      directTo: (peer) => this.#connections.directTo(peer),
      reach: async (gateway, address, signal) => {
        await this.ways.connectDirectly(gateway, [address], signal)
      },
      openOn: (connection, protocol, signal) => this.#openOn(connection, protocol, signal),
    })
    this.#protocols.serve(circuitProtocol, (gateway, channel) => this.#onCircuit(gateway, channel), false, {
      maxFrameBytes: circuitFrameBytes,
      maxStreams: transportLimits.circuitsPerGateway,
    })
    this.ways = createWays({
      connections: this.#connections,
      running: () => this.#running(),
      dialParts: () => this.#dialParts(),
    })
  }

  start(): Promise<void> {
    return this.#inTurn(() => this.#start())
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      const running = this.#node
      this.#node = null
      this.#protocols.unregister()
      if (running === null) return
      this.#connections.close(null, 'the network was switched off')
      await running.node.stop()
    })
  }

  addresses(): string[] {
    if (this.#node === null) return []
    return sortedAddresses(this.#node.node.getMultiaddrs().map(String), this.self)
  }

  async dial(target: string | readonly string[], signal: AbortSignal): Promise<NodeId> {
    const addresses = await addressesFor(this.#running(), target)
    const peer = addresses.map(peerOfAddress).find((id) => id !== null) ?? null
    if (peer !== null && this.#connections.admittedTo(peer).length > 0) return peer
    const connection = await connectTo(this.#dialParts(), peer, addresses, signal)
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
    const text = parseAddress(address)
    const connection = await connectTo(this.#dialParts(), peerOfAddress(text), [text], signal)
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
    const { ports } = this.#options
    if (ports !== undefined && this.#listen === this.#wanted) this.#listen = await ports.recall(this.#wanted)
    let running: RunningLibp2p
    try {
      running = await this.#startNode(this.#listen)
    } catch (error) {
      if (String(this.#listen) === String(this.#wanted)) throw listenError(error, this.#wanted)
      // The port the system gave us last time went to another program meanwhile: ask for a new one.
      this.#listen = this.#wanted
      running = await this.#startNode(this.#wanted).catch((again: unknown) => {
        throw listenError(again, this.#wanted)
      })
    }
    this.#node = running
    this.#listen = settlePorts(this.#wanted, running.node.getMultiaddrs().map(String))
    if (ports !== undefined && this.#wanted.length > 0) await ports.keep(this.#listen)
    // A newcomer that only dials has none.
    const addresses = this.addresses()
    if (addresses.length > 0) this.#log.info('transport:listening', { addresses })
  }

  async #startNode(listen: readonly string[]): Promise<RunningLibp2p> {
    // All of libp2p, which nobody needs before.
    const { startServing } = await import('./serving-node.ts')
    const parts = {
      privateKeySeed: this.#options.privateKeySeed,
      announce: this.#announce,
      mdns: this.#options.mdns ?? false,
    }
    const shared = { log: this.#log, bans: this.#bans, events: this.#events }
    return startServing(
      { ...parts, ...shared, connections: this.#connections, protocols: this.#protocols },
      listen,
    )
  }

  #onCircuit(gateway: NodeId, channel: Channel): void {
    if (this.#node === null) return channel.close()
    void this.#circuits.accept(this.#node.wiring, gateway, channel)
  }

  async #openOn(connection: Connection, protocol: string, signal: AbortSignal): Promise<Channel> {
    const maxFrameBytes = this.#protocols.maxFrameBytes(protocol)
    try {
      const stream = await connection.newStream(protocol, { signal })
      return new StreamChannel(stream, this.#clock, maxFrameBytes, this.#traffic.meter(protocol))
    } catch (error) {
      const peer = connection.remotePeer.toString()
      // As a node of before answers, or one that is about to stop.
      const isUnknown = error instanceof Error && error.name === 'UnsupportedProtocolError'
      const text = isUnknown
        ? `${peer} does not speak ${protocol}, as nodes of another version of Selvedge`
        : `${protocol} to ${peer} did not open: ${messageOf(error)}`
      throw transportProblems.error('ERR_CHANNEL_CLOSED', text, { cause: error })
    }
  }

  #dialParts(): DialParts {
    const { node, wiring } = this.#running()
    return {
      node,
      self: this.self,
      clock: this.#clock,
      isBanned: (peer) => this.#bans.has(peer),
      metAt: (peer) => this.#connections.metAt(peer),
      isConnected: (peer) => this.#connections.directTo(peer) !== undefined,
      isRelayed: (peer) =>
        node.getConnections().some((open) => open.remotePeer.toString() === peer && isRelayed(open)),
      dialThrough: (address, signal) => this.#circuits.dial(wiring, address, signal),
    }
  }

  #running(): RunningLibp2p {
    if (this.#node !== null) return this.#node
    throw transportProblems.error('ERR_NETWORK_OFF', "this node's network is switched off")
  }
}
