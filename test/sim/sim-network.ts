/**
 * A virtual network of whole transports: who can reach whom, how the wires are, what is cut.
 *
 * A cut is noticed by both ends at once, as a socket's reset is; a partition is silence, which the two ends notice
 * after a while, unless it heals before.
 */
import type { NodeId } from '../../mesh/transport/index.ts'
import type { SeededRandom } from './random.ts'
import { perfectWire, SimConnection, type WireQuality } from './sim-connection.ts'
import { SimTransport, type SimTransportOptions } from './sim-transport.ts'
import type { VirtualClock } from './virtual-clock.ts'

export interface SimNetworkOptions {
  /** Of every wire that is not told otherwise. */
  readonly wire?: Partial<WireQuality>
  /** Silence after which both ends give a connection up. */
  readonly silenceMs?: number
}

const defaultSilenceMs = 10_000

export class SimNetwork {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly #wire: WireQuality
  readonly #silenceMs: number
  readonly #transports = new Map<NodeId, SimTransport>()
  readonly #qualities = new Map<string, WireQuality>()
  #groups: readonly ReadonlySet<NodeId>[] = []

  constructor(clock: VirtualClock, random: SeededRandom, options: SimNetworkOptions = {}) {
    this.clock = clock
    this.random = random
    this.#wire = { ...perfectWire, ...options.wire }
    this.#silenceMs = options.silenceMs ?? defaultSilenceMs
  }

  /** A node's transport, not started; again under the same name after {@link SimTransport.kill}. */
  transport(name: NodeId, options: SimTransportOptions = {}): SimTransport {
    if (this.#transports.get(name)?.isRunning === true) throw new Error(`${name} runs already`)
    const transport = new SimTransport(this, name, options)
    this.#transports.set(name, transport)
    return transport
  }

  find(name: NodeId): SimTransport | undefined {
    return this.#transports.get(name)
  }

  /** For connections made from now on. */
  setWire(a: NodeId, b: NodeId, quality: Partial<WireQuality>): void {
    this.#qualities.set(pairOf(a, b), { ...this.#wire, ...quality })
  }

  qualityOf(a: NodeId, b: NodeId): WireQuality {
    return this.#qualities.get(pairOf(a, b)) ?? this.#wire
  }

  /** Connects and admits at once, without dialling; nothing happens where both are connected or one does not run. */
  connect(a: NodeId, b: NodeId): void {
    const [from, to] = [this.#transports.get(a), this.#transports.get(b)]
    if (from === undefined || to === undefined || !from.isRunning || !to.isRunning) return
    const isThere = from.connectionTo(b) !== undefined && from.connectionTo(b) === to.connectionTo(a)
    if (a === b || isThere || from.isBanned(b) || to.isBanned(a)) return
    const connection = this.wire(from, to)
    to.admitted(connection, a, 'inbound')
    from.admitted(connection, b, 'outbound')
  }

  /** Breaks the connection of two nodes; both notice at once. */
  cut(a: NodeId, b: NodeId): void {
    this.#transports.get(a)?.connectionTo(b)?.break('the connection was reset')
  }

  /** Nothing passes between nodes of different groups any more; who is in no group reaches everybody. */
  partition(...groups: readonly (readonly NodeId[])[]): void {
    this.#release()
    const now = groups.map((group) => new Set(group))
    this.#groups = now
    this.clock.after(this.#silenceMs, () => {
      if (this.#groups !== now) return
      for (const connection of this.#connections()) {
        if (this.isSplit(connection.ends[0].self, connection.ends[1].self))
          connection.break('nothing was heard of the peer')
      }
    })
  }

  heal(): void {
    this.#groups = []
    this.#release()
  }

  isSplit(a: NodeId, b: NodeId): boolean {
    const groupOf = (name: NodeId): number => this.#groups.findIndex((group) => group.has(name))
    const [left, right] = [groupOf(a), groupOf(b)]
    return left !== right && left !== -1 && right !== -1
  }

  /** A connection that nobody has admitted. */
  wire(from: SimTransport, to: SimTransport): SimConnection {
    const parts = {
      clock: this.clock,
      random: this.random,
      quality: this.qualityOf(from.self, to.self),
      isSplit: (a: NodeId, b: NodeId) => this.isSplit(a, b),
    }
    return new SimConnection(parts, [from, to])
  }

  #release(): void {
    const before = this.#groups
    this.#groups = []
    for (const connection of this.#connections()) connection.release()
    this.#groups = before
  }

  #connections(): Set<SimConnection> {
    const all = new Set<SimConnection>()
    for (const transport of this.#transports.values()) {
      for (const peer of transport.peers()) {
        const connection = transport.connectionTo(peer)
        if (connection !== undefined) all.add(connection)
      }
    }
    return all
  }
}

function pairOf(a: NodeId, b: NodeId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
