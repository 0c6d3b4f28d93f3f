/**
 * The transport contract over a virtual network, so that heads, blobs and membership run over it unmodified. Only
 * admission is shorter: where a gate is given, both sides' gates are asked, and no bytes are spent on it.
 */
import { delay, type Cancel } from '../../core/index.ts'
import {
  transportLimits,
  transportProblems,
  type AdmissionGate,
  type Channel,
  type ChannelHandler,
  type NodeId,
  type ProtocolTraffic,
  type ProtocolOptions,
  type Transport,
  type TransportEvents,
} from '../../mesh/transport/index.ts'
import { Pipe } from './pipe.ts'
import { SimChannel } from './sim-channel.ts'
import type { SimConnection } from './sim-connection.ts'
import type { SimNetwork } from './sim-network.ts'

export interface SimTransportOptions {
  /** Bytes per second out of this node and into it, whoever the peer. */
  readonly uplink?: number
  readonly downlink?: number
  readonly gate?: AdmissionGate
  /** Where what crosses is counted, as the real transport does. */
  readonly traffic?: ProtocolTraffic
}

interface Served {
  readonly onChannel: ChannelHandler
  readonly beforeAdmission: boolean
  readonly maxFrameBytes: number
  readonly maxStreams: number
}

/** What one node put on the wire under one protocol. */
export interface SimTraffic {
  frames: number
  bytes: number
}

type Listeners = { [Name in keyof TransportEvents]: Set<(detail: TransportEvents[Name]) => void> }

export class SimTransport implements Transport {
  readonly name = 'transport'
  readonly self: NodeId
  readonly uplink: Pipe
  readonly downlink: Pipe
  readonly gate: AdmissionGate | null
  readonly #traffic: ProtocolTraffic | null
  /** Frames and their headers, by protocol. */
  readonly sent = new Map<string, SimTraffic>()
  readonly #network: SimNetwork
  readonly #served = new Map<string, Served>()
  readonly #accepted = new WeakSet<SimChannel>()
  readonly #connections = new Map<NodeId, SimConnection>()
  readonly #bans = new Map<NodeId, number>()
  readonly #listeners: Listeners = {
    'peer:admitted': new Set(),
    'peer:lost': new Set(),
    'peer:refused': new Set(),
    'peer:banned': new Set(),
    'peer:found': new Set(),
    'stream:refused': new Set(),
  }
  #isRunning = false
  #isDead = false

  /** Use {@link SimNetwork.transport}. */
  constructor(network: SimNetwork, self: NodeId, options: SimTransportOptions) {
    this.#network = network
    this.self = self
    this.gate = options.gate ?? null
    this.#traffic = options.traffic ?? null
    this.uplink = new Pipe(network.clock, options.uplink ?? Number.POSITIVE_INFINITY)
    this.downlink = new Pipe(network.clock, options.downlink ?? Number.POSITIVE_INFINITY)
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  start(): void {
    if (this.#isDead) throw new Error(`${this.self} was killed; make another transport for it`)
    this.#isRunning = true
  }

  stop(): void {
    this.#isRunning = false
    for (const connection of this.#connections.values()) {
      connection.hangUp(connection.sideOf(this), 'the network was switched off')
    }
  }

  /** As the end of its process: nobody here hears anything any more, the others see their connections close. */
  kill(): void {
    this.#isDead = true
    this.#isRunning = false
    for (const listeners of Object.values(this.#listeners)) listeners.clear()
    for (const connection of this.#connections.values()) {
      connection.hangUp(connection.sideOf(this), 'killed')
    }
  }

  addresses(): string[] {
    return this.#isRunning ? [`/sim/${this.self}/p2p/${this.self}`] : []
  }

  async dial(target: string | readonly string[], signal: AbortSignal): Promise<NodeId> {
    const peer = this.#peerOf(target)
    if (this.#connections.has(peer)) return peer
    const remote = await this.#reach(peer, signal)
    await this.#admit(remote)
    if (!this.#connections.has(peer)) this.#network.connect(this.self, peer)
    return peer
  }

  peers(): NodeId[] {
    return [...this.#connections.keys()].sort()
  }

  addressesOf(peer: NodeId): string[] {
    return this.#connections.has(peer) ? [`/sim/${peer}`] : []
  }

  handle(protocol: string, onChannel: ChannelHandler, options: ProtocolOptions = {}): Cancel {
    return this.#serve(protocol, onChannel, false, options)
  }

  handleBeforeAdmission(protocol: string, onChannel: ChannelHandler, options: ProtocolOptions = {}): Cancel {
    return this.#serve(protocol, onChannel, true, options)
  }

  async open(peer: NodeId, protocol: string, signal: AbortSignal): Promise<Channel> {
    this.#requireRunning()
    const connection = this.#connections.get(peer)
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
    const peer = this.#peerOf(address)
    const remote = await this.#reach(peer, signal)
    const connection = this.#network.wire(this, remote)
    return { peer, channel: await this.#openOn(connection, protocol, signal) }
  }

  on<Name extends keyof TransportEvents>(event: Name, run: (detail: TransportEvents[Name]) => void): Cancel {
    if (!this.#isDead) this.#listeners[event].add(run)
    return () => this.#listeners[event].delete(run)
  }

  disconnect(peer: NodeId, reason = 'this node hung up'): void {
    const connection = this.#connections.get(peer)
    connection?.hangUp(connection.sideOf(this), reason)
  }

  ban(peer: NodeId, ms: number, reason: string): void {
    this.#bans.set(peer, this.#network.clock.monotonicMs() + ms)
    this.disconnect(peer, reason)
    this.#emit('peer:banned', { peer, reason })
  }

  isBanned(peer: NodeId): boolean {
    return (this.#bans.get(peer) ?? -Infinity) > this.#network.clock.monotonicMs()
  }

  /** What was sent so far, framing included, under one protocol or all. */
  sentBytes(protocol?: string): number {
    if (protocol !== undefined) return this.sent.get(protocol)?.bytes ?? 0
    return [...this.sent.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** For connections and channels. */
  count(protocol: string, bytes: number): void {
    const traffic = this.sent.get(protocol) ?? { frames: 0, bytes: 0 }
    this.sent.set(protocol, traffic)
    traffic.frames++
    traffic.bytes += bytes
    const meter = this.#traffic?.meter(protocol)
    if (meter === undefined) return
    meter.sent.bytes += bytes
    meter.sent.messages += 1
  }

  /** As {@link count}, for what arrives. */
  countReceived(protocol: string, bytes: number): void {
    const meter = this.#traffic?.meter(protocol)
    if (meter === undefined) return
    meter.received.bytes += bytes
    meter.received.messages += 1
  }

  /** For the network: a connection is there and admitted. */
  admitted(connection: SimConnection, peer: NodeId, direction: 'inbound' | 'outbound'): void {
    const before = this.#connections.get(peer)
    before?.closeAt(before.sideOf(this), 'the peer connected anew')
    this.#connections.set(peer, connection)
    this.#emit('peer:admitted', { peer, direction })
  }

  /** For connections: this side of it is closed. */
  lost(connection: SimConnection, reason: string): void {
    const peer = connection.ends[connection.sideOf(this) === 0 ? 1 : 0].self
    if (this.#connections.get(peer) !== connection) return
    this.#connections.delete(peer)
    this.#emit('peer:lost', { peer, reason })
  }

  connectionTo(peer: NodeId): SimConnection | undefined {
    return this.#connections.get(peer)
  }

  /** For the other side of a connection: a stream asks for a protocol. @returns this side's channel, or null */
  accept(connection: SimConnection, protocol: string, peer: NodeId): SimChannel | null {
    const served = this.#served.get(protocol)
    const isAdmitted = this.#connections.get(peer) === connection
    if (served === undefined) return null
    if (!isAdmitted && !served.beforeAdmission) {
      this.#emit('stream:refused', { peer, protocol })
      return null
    }
    const side = connection.sideOf(this)
    // As libp2p counts: what this side has opened itself is another number.
    const open = [...connection.channels[side]].filter(
      (channel) => channel.protocol === protocol && this.#accepted.has(channel),
    ).length
    if (open >= served.maxStreams) return null
    const channel = new SimChannel(this.#network.clock, connection, side, protocol, served.maxFrameBytes)
    this.#accepted.add(channel)
    return channel
  }

  greet(protocol: string, peer: NodeId, channel: SimChannel): void {
    this.#served.get(protocol)?.onChannel(peer, channel)
  }

  #serve(
    protocol: string,
    onChannel: ChannelHandler,
    beforeAdmission: boolean,
    options: ProtocolOptions,
  ): Cancel {
    if (this.#served.has(protocol)) throw new Error(`${protocol} has a handler already`)
    const maxFrameBytes = options.maxFrameBytes ?? transportLimits.defaultFrameBytes
    const maxStreams = options.maxStreams ?? transportLimits.streamsPerProtocol
    const served = { onChannel, beforeAdmission, maxFrameBytes, maxStreams }
    this.#served.set(protocol, served)
    return () => {
      if (this.#served.get(protocol) === served) this.#served.delete(protocol)
    }
  }

  async #openOn(connection: SimConnection, protocol: string, signal: AbortSignal): Promise<Channel> {
    signal.throwIfAborted()
    const side = connection.sideOf(this)
    const remote = connection.ends[side === 0 ? 1 : 0]
    const maxFrameBytes = this.#served.get(protocol)?.maxFrameBytes ?? transportLimits.defaultFrameBytes
    return new Promise((resolve, reject) => {
      const own = new SimChannel(this.#network.clock, connection, side, protocol, maxFrameBytes)
      let isSettled = false
      const settle = (): void => {
        isSettled = true
        signal.removeEventListener('abort', givenUp)
      }
      const fail = (why: string): void => {
        if (isSettled) return
        settle()
        own.lost()
        const text = `${protocol} to ${remote.self} did not open: ${why}`
        reject(transportProblems.error('ERR_CHANNEL_CLOSED', text))
      }
      const givenUp = (): void => fail('the wait for it ended')
      signal.addEventListener('abort', givenUp, { once: true })
      // The connection may go before anything answers.
      own.closed.then(() => fail('the connection closed')).catch(() => {})
      // One way to ask and one back, as protocol selection costs.
      connection.carry(side, own, 0, () => {
        const twin = remote.accept(connection, protocol, this.self)
        if (twin === null) return connection.carry(side === 0 ? 1 : 0, own, 0, () => fail('it was refused'))
        own.join(twin)
        twin.join(own)
        remote.greet(protocol, this.self, twin)
        connection.carry(side === 0 ? 1 : 0, twin, 0, () => {
          if (isSettled) return own.close()
          settle()
          resolve(own)
        })
      })
    })
  }

  /** A round trip to a node that runs and can be reached. */
  async #reach(peer: NodeId, signal: AbortSignal): Promise<SimTransport> {
    this.#requireRunning()
    signal.throwIfAborted()
    if (this.isBanned(peer)) throw transportProblems.error('ERR_PEER_BANNED', `${peer} is banned`)
    if (this.#network.isSplit(this.self, peer)) {
      await delay(this.#network.clock, transportLimits.addressDialMs, signal)
      throw transportProblems.error('ERR_DIAL_TIMEOUT', `${peer} did not answer`)
    }
    await delay(this.#network.clock, 2 * this.#network.qualityOf(this.self, peer).minLatencyMs, signal)
    this.#requireRunning()
    const remote = this.#network.find(peer)
    if (remote === undefined || !remote.isRunning) {
      throw transportProblems.error('ERR_DIAL_REFUSED', `nothing listens at ${peer}`)
    }
    if (remote.isBanned(this.self)) {
      throw transportProblems.error('ERR_DIAL_UNREACHABLE', `${peer} hangs up at once`)
    }
    return remote
  }

  async #admit(remote: SimTransport): Promise<void> {
    const [ours, theirs] = [this.gate, remote.gate]
    const refuse = (by: 'us' | 'them', error: unknown): never => {
      const { code, message } = error as Error & { code: string }
      this.#emit('peer:refused', { peer: remote.self, by, code, message })
      remote.#emit('peer:refused', { peer: this.self, by: by === 'us' ? 'them' : 'us', code, message })
      if (by === 'us') throw error
      throw transportProblems.error('ERR_ADMISSION_REFUSED', message, { cause: error })
    }
    const greeting = async (gate: AdmissionGate | null, to: NodeId): Promise<Uint8Array> =>
      (await gate?.greet(to)) ?? new Uint8Array()
    const theirGreeting = await greeting(theirs, this.self)
    await ours?.check(remote.self, theirGreeting).catch((error: unknown) => refuse('us', error))
    const ourGreeting = await greeting(ours, remote.self)
    await theirs?.check(this.self, ourGreeting).catch((error: unknown) => refuse('them', error))
  }

  #peerOf(target: string | readonly string[]): NodeId {
    const [first = ''] = typeof target === 'string' ? [target] : target
    return first.split('/').at(-1) ?? ''
  }

  #requireRunning(): void {
    if (!this.#isRunning)
      throw transportProblems.error('ERR_NETWORK_OFF', "this node's network is switched off")
  }

  #emit<Name extends keyof TransportEvents>(event: Name, detail: TransportEvents[Name]): void {
    for (const run of Array.from(this.#listeners[event])) run(detail)
  }
}
