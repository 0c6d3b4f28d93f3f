/**
 * A node and its gateways: finds out whether others can connect to it, keeps places where they cannot, tries for direct
 * connections where it speaks through gateways, and is one itself where its mesh wants that.
 */
import {
  every,
  messageOf,
  within,
  type Cancel,
  type Clock,
  type Log,
  type Part,
  type Random,
} from '../../core/index.ts'
import {
  askOver,
  circuitAddress,
  gatewayProtocol,
  isCircuit,
  isLoopbackAddress,
  type NodeId,
  type Transport,
} from '../transport/index.ts'
import { askToDialBack, serveDialBack } from './dial-back.ts'
import { gatewayLimits } from './limits.ts'
import { Places, type PlacesAction, type PlacesEvent } from './places.ts'
import { gatewayProblems } from './problems.ts'
import { Reachability, type Reachable, type ReachabilityEvent } from './reachability.ts'
import { GatewayServer, type GatewayCounts } from './server.ts'
import { Upgrades } from './upgrades.ts'

/** Another member, as much as concerns this. */
export interface GatewayMember {
  readonly node: NodeId
  readonly isSameGroup: boolean
  readonly isAlive: boolean
  readonly rttMs: number | null
  /** Its record says that it is a gateway. */
  readonly isGateway: boolean
  /** As its record has them. */
  readonly addresses: readonly string[]
}

export interface GatewaysParts {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Whether this node is a gateway for others. */
  readonly isServing: boolean
  /** Most that it carries for others. */
  readonly bytesPerSecond?: number
  readonly reachable: Reachable
  /** Its network is on. */
  isOnline(): boolean
  /** All members but this one. */
  members(): readonly GatewayMember[]
  /** Keeps a connection to a member for so long at least. */
  want(node: NodeId, forMs: number): void
  /** {@link Gateways.addresses} are others now. */
  onChange(): void
}

export interface GatewayState {
  /** Whether others can connect to this node; null while that is not known, and where nobody looks. */
  readonly isReachable: boolean | null
  /** Gateways that keep a place for it. */
  readonly places: readonly NodeId[]
  /** What it does as a gateway; null for one that is none. */
  readonly serving: GatewayCounts | null
  readonly problem: { readonly code: string; readonly message: string } | null
}

const tickMs = 1_000
/** Connections that circuits and places need are kept at least so much longer. */
const keepMs = 90_000
const keepEveryMs = 30_000
/** Addresses of one gateway that this node tells. */
const addressesEach = 2

export class Gateways implements Part {
  readonly name = 'gateways'
  readonly #parts: GatewaysParts
  readonly #reachability: Reachability
  readonly #places: Places
  readonly #upgrades: Upgrades
  readonly #server: GatewayServer | null
  #cancels: Cancel[] = []
  #stopped = new AbortController()
  #keptMs = -Infinity
  #told = ''
  #members: ReadonlyMap<NodeId, GatewayMember> = new Map()
  #isStale = true

  constructor(parts: GatewaysParts) {
    const { transport, clock, random, log, bytesPerSecond } = parts
    this.#parts = parts
    this.#reachability = new Reachability(parts.reachable)
    this.#places = new Places(random)
    this.#upgrades = new Upgrades(random)
    const limit = bytesPerSecond === undefined ? {} : { bytesPerSecond }
    this.#server = parts.isServing ? new GatewayServer({ transport, clock, log, ...limit }) : null
  }

  /** Does nothing over a network on which everybody reaches everybody. */
  start(): void {
    const { transport, clock, log } = this.#parts
    if (this.#cancels.length > 0 || transport.ways === undefined) return
    this.#stopped = new AbortController()
    this.#server?.start()
    this.#cancels = [
      serveDialBack({ transport, clock, log }),
      transport.on('peer:lost', ({ peer }) => this.#plan({ type: 'lost', gateway: peer })),
      transport.on('peer:admitted', () => this.#tick()),
      every(clock, tickMs, () => this.#tick()),
    ]
    this.#tick()
  }

  stop(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
    this.#stopped.abort(new Error('the gateways stopped'))
    this.#server?.stop()
  }

  /** Members, or what is known of them, have changed. */
  membersChanged(): void {
    this.#isStale = true
  }

  /** Where this node is found through its gateways: at most four, for its record. */
  addresses(): string[] {
    const { transport, clock } = this.#parts
    return this.#places.held(clock.monotonicMs()).flatMap((gateway) => {
      const known = this.#members.get(gateway)?.addresses ?? transport.addressesOf(gateway)
      const own = known.filter((address) => !isCircuit(address))
      const remote = own.filter((address) => !isLoopbackAddress(address))
      const told = (remote.length > 0 ? remote : own).slice(0, addressesEach)
      return told.map((address) => circuitAddress(address, gateway, transport.self))
    })
  }

  /** Gateways on the way to a node; of this node itself, those that keep a place for it. */
  via(node: NodeId): readonly NodeId[] {
    const { transport, clock } = this.#parts
    if (node === transport.self) return this.#places.held(clock.monotonicMs())
    return transport.ways?.gatewaysTo(node) ?? []
  }

  get state(): GatewayState {
    const { clock, transport } = this.#parts
    const isReachable = transport.ways === undefined ? null : this.#reachability.isReachable
    return {
      isReachable,
      places: this.#places.held(clock.monotonicMs()),
      serving: this.#server?.counts ?? null,
      problem: this.#problem(isReachable),
    }
  }

  #problem(isReachable: boolean | null): GatewayState['problem'] {
    if (isReachable !== false || this.#places.hasCandidates) return null
    // Who reaches everybody itself is reached over those connections.
    const peers = new Set(this.#parts.transport.peers())
    const missed = [...this.#members.keys()].filter((node) => !peers.has(node)).length
    if (missed === 0) return null
    const message = `others cannot connect to this node, and the mesh has no gateway: ${missed} of ${this.#members.size} other members are not connected`
    return { code: 'ERR_NO_GATEWAY', message }
  }

  #tick(): void {
    const { transport, clock, isOnline } = this.#parts
    if (!isOnline()) return
    const nowMs = clock.monotonicMs()
    if (this.#isStale) this.#readMembers()
    this.#ask({ type: 'addresses', list: transport.addresses() })
    this.#ask({ type: 'peers', list: this.#askable() })
    // A gateway that cannot be dialled is a gateway for those behind the same router at most.
    this.#plan({ type: 'needed', isNeeded: this.#reachability.isReachable === false })
    this.#upgrade(nowMs)
    if (nowMs - this.#keptMs >= keepEveryMs) this.#keep(nowMs)
  }

  #readMembers(): void {
    this.#isStale = false
    const members = this.#parts.members()
    this.#members = new Map(members.map((member) => [member.node, member]))
    const list = members.filter(
      ({ isGateway, addresses }) => isGateway && addresses.some((at) => !isCircuit(at)),
    )
    this.#plan({ type: 'candidates', list })
  }

  /** Those of other groups first, and nobody behind a gateway: they are to tell how it looks from elsewhere. */
  #askable(): NodeId[] {
    const { transport } = this.#parts
    const peers = transport.peers().filter((peer) => transport.ways?.isRelayed(peer) === false)
    const isNear = (peer: NodeId): boolean => this.#members.get(peer)?.isSameGroup ?? true
    return [...peers.filter((peer) => !isNear(peer)), ...peers.filter(isNear)]
  }

  #ask(event: ReachabilityEvent): void {
    const { clock, transport, log } = this.#parts
    for (const { peer } of this.#reachability.on(event, clock.monotonicMs())) {
      const ms = gatewayLimits.askMs + gatewayLimits.dialBackMs
      within({ clock, ms, signal: this.#stopped.signal }, (signal) =>
        askToDialBack(this.#parts, peer, transport.addresses(), signal),
      )
        .then(
          (isReached) => {
            log.debug('gateways:asked', { peer, isReached })
            this.#ask({ type: 'answered', peer, isReached })
          },
          () => this.#ask({ type: 'answered', peer, isReached: null }),
        )
        .catch((error: unknown) => log.error('gateways:threw', { error: messageOf(error) }))
    }
  }

  #plan(event: PlacesEvent): void {
    const { clock, onChange, log } = this.#parts
    for (const action of this.#places.on(event, clock.monotonicMs())) this.#act(action)
    const told = this.addresses().join()
    if (told === this.#told) return
    this.#told = told
    log.info('gateways:changed', { places: this.#places.held(clock.monotonicMs()) })
    onChange()
  }

  #act({ type, gateway }: PlacesAction): void {
    const { clock, log } = this.#parts
    const signal = this.#stopped.signal
    within({ clock, ms: gatewayLimits.askMs * 2, signal }, (ended) => this.#request(gateway, type, ended))
      .then(
        (ms) => {
          if (type === 'ask') this.#plan({ type: 'given', gateway, ms })
        },
        (error: unknown) => {
          log.debug('gateways:refused', { gateway, type, error: messageOf(error) })
          if (type === 'ask' && !signal.aborted) this.#plan({ type: 'refused', gateway })
        },
      )
      .catch((error: unknown) => log.error('gateways:threw', { error: messageOf(error) }))
  }

  /** @returns for how long a place is kept, ms */
  async #request(gateway: NodeId, type: PlacesAction['type'], signal: AbortSignal): Promise<number> {
    const { transport, want } = this.#parts
    const isNear = transport.peers().includes(gateway) && transport.ways?.isRelayed(gateway) === false
    if (type === 'ask') {
      want(gateway, keepMs)
      const addresses = this.#members.get(gateway)?.addresses ?? []
      if (!isNear) await transport.ways?.connectDirectly(gateway, addresses, signal)
    } else if (!isNear) return 0
    const channel = await transport.open(gateway, gatewayProtocol, signal)
    try {
      const { answer } = await askOver(channel, { t: type === 'ask' ? 'reserve' : 'release' }, signal)
      if (answer.t === 'yes') return answer.ms ?? 0
      throw gatewayProblems.error(
        'ERR_GATEWAY_FULL',
        `${gateway} refused: ${answer.message} [${answer.code}]`,
      )
    } finally {
      channel.close()
    }
  }

  #upgrade(nowMs: number): void {
    const { transport, clock } = this.#parts
    const { ways } = transport
    if (ways === undefined) return
    const relayed = transport
      .peers()
      .filter((peer) => ways.isRelayed(peer) && this.#ownAddresses(peer).length > 0)
    for (const peer of this.#upgrades.due(relayed, nowMs)) {
      within({ clock, ms: gatewayLimits.askMs * 2, signal: this.#stopped.signal }, (signal) =>
        ways.connectDirectly(peer, this.#ownAddresses(peer), signal),
      )
        .then(
          () => this.#upgrades.ended(peer, true, clock.monotonicMs()),
          () => this.#upgrades.ended(peer, false, clock.monotonicMs()),
        )
        .catch((error: unknown) => this.#parts.log.error('gateways:threw', { error: messageOf(error) }))
    }
  }

  #ownAddresses(peer: NodeId): string[] {
    return (this.#members.get(peer)?.addresses ?? []).filter((address) => !isCircuit(address))
  }

  /** Nobody hangs up on a connection that something else runs through. */
  #keep(nowMs: number): void {
    this.#keptMs = nowMs
    const { transport, want } = this.#parts
    const peers = transport.peers()
    const through = peers.flatMap((peer) => transport.ways?.gatewaysTo(peer) ?? [])
    const needed = new Set([...this.#places.held(nowMs), ...through, ...(this.#server?.needed ?? [])])
    for (const node of needed) if (peers.includes(node)) want(node, keepMs)
  }
}
