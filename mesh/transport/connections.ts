/**
 * Which connections have passed admission.
 *
 * Two nodes that dial each other at once get two connections; both are kept until they end by themselves, and a
 * peer is there as long as one of its admitted connections is.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { delay, isSelvedgeError, messageOf, type Cancel, type Clock, type Log } from '../../core/index.ts'
import { AdmissionRefusal, admissionFrameBytes, admissionProtocol, runAdmission } from './admission.ts'
import { isCircuit } from './circuit-address.ts'
import { transportLimits, type AdmissionGate, type NodeId, type TransportEvents } from './contract.ts'
import type { Emitter } from './emitter.ts'
import { transportProblems } from './problems.ts'
import type { ProtocolTraffic } from './protocol-traffic.ts'
import { StreamChannel } from './stream-channel.ts'

/** `approved`: we let it in and wait for its verdict on us. */
type State = 'unadmitted' | 'approved' | 'admitted' | 'closed'

interface Tracked {
  readonly connection: Connection
  readonly peer: NodeId
  state: State
  /** Our own exchange under way, so that two dials share it. */
  exchange: Promise<void> | null
  /** Woken at each change of state. */
  waiters: (() => void)[]
  cancelDeadline: Cancel
}

/** Time for the last words of a refusal to get out before the connection closes. */
const farewellMs = 1_000
/** For what is under way through a gateway when a direct connection is there. */
const retireMs = 2_000
/** Peers whose way here is remembered. */
const rememberedPlaces = 4_096

export class Connections {
  readonly #gate: AdmissionGate
  readonly #clock: Clock
  readonly #log: Log
  readonly #events: Emitter<TransportEvents>
  readonly #traffic: ProtocolTraffic
  readonly #tracked = new Map<string, Tracked>()
  /** Those whose other side our gate has let in once, whatever became of them. */
  readonly #approved = new WeakSet<Connection>()
  /** The host that the last connection to a peer, or from it, led to. */
  readonly #metAt = new Map<NodeId, string>()

  constructor(parts: {
    gate: AdmissionGate
    clock: Clock
    log: Log
    events: Emitter<TransportEvents>
    traffic: ProtocolTraffic
  }) {
    this.#gate = parts.gate
    this.#clock = parts.clock
    this.#log = parts.log
    this.#events = parts.events
    this.#traffic = parts.traffic
  }

  /** Starts to watch a connection; calling it again changes nothing. */
  track(connection: Connection): Tracked {
    const known = this.#tracked.get(connection.id)
    if (known !== undefined) return known
    const tracked: Tracked = {
      connection,
      peer: connection.remotePeer.toString(),
      state: 'unadmitted',
      exchange: null,
      waiters: [],
      cancelDeadline: this.#clock.after(transportLimits.admissionMs, () => this.#onDeadline(tracked)),
    }
    this.#tracked.set(connection.id, tracked)
    connection.addEventListener('close', () => this.#onClosed(tracked, 'the connection closed'), {
      once: true,
    })
    if (connection.status !== 'open') this.#onClosed(tracked, 'the connection closed')
    this.#makeRoom()
    return tracked
  }

  /** Runs admission on a connection from our side; resolves when both sides are content. */
  admit(connection: Connection, signal: AbortSignal): Promise<void> {
    const tracked = this.track(connection)
    if (tracked.state === 'admitted') return Promise.resolve()
    tracked.exchange ??= this.#openExchange(tracked, signal).finally(() => {
      tracked.exchange = null
    })
    return tracked.exchange
  }

  /** The other side opened the exchange. */
  async onAdmissionStream(stream: Stream, connection: Connection): Promise<void> {
    const tracked = this.track(connection)
    try {
      await this.#exchange(tracked, this.#channel(stream))
    } catch (error) {
      this.#log.debug('admission:failed', { peer: tracked.peer, error: messageOf(error) })
    }
  }

  /** Whether a stream may be served now; waits for the other half of an admission that we approved already. */
  async isAdmitted(connection: Connection): Promise<boolean> {
    const tracked = this.track(connection)
    while (tracked.state === 'approved') {
      await new Promise<void>((resolve) => tracked.waiters.push(resolve))
    }
    return tracked.state === 'admitted'
  }

  /**
   * Whether our gate ever let in the other side of this connection. What such a peer asks for too early or too late,
   * as on a machine that has no time for either, is refused and no attack.
   */
  wasApproved(connection: Connection): boolean {
    return this.#approved.has(connection)
  }

  /** Direct ones first. */
  admittedTo(peer: NodeId): Connection[] {
    const admitted = [...this.#tracked.values()]
      .filter((tracked) => tracked.peer === peer && tracked.state === 'admitted')
      .map((tracked) => tracked.connection)
    if (admitted.length < 2) return admitted
    return [
      ...admitted.filter((connection) => !isRelayed(connection)),
      ...admitted.filter((connection) => isRelayed(connection)),
    ]
  }

  /** An admitted connection without a gateway between. */
  directTo(peer: NodeId): Connection | undefined {
    return this.admittedTo(peer).find((connection) => !isRelayed(connection))
  }

  peers(): NodeId[] {
    const admitted = [...this.#tracked.values()].filter((tracked) => tracked.state === 'admitted')
    return [...new Set(admitted.map((tracked) => tracked.peer))].sort()
  }

  /** An IP address; null for a peer never met since the start. */
  metAt(peer: NodeId): string | null {
    return this.#metAt.get(peer) ?? null
  }

  rememberPlace(peer: NodeId, host: string): void {
    this.#metAt.delete(peer)
    this.#metAt.set(peer, host)
    if (this.#metAt.size <= rememberedPlaces) return
    const [oldest] = this.#metAt.keys()
    if (oldest !== undefined) this.#metAt.delete(oldest)
  }

  /** Closes all connections to a peer, or all there are. */
  close(peer: NodeId | null, reason: string): void {
    for (const tracked of this.#tracked.values()) {
      if (peer !== null && tracked.peer !== peer) continue
      const { connection } = tracked
      this.#onClosed(tracked, reason)
      connection.close().catch((error: Error) => connection.abort(error))
    }
  }

  #channel(stream: Stream): StreamChannel {
    return new StreamChannel(stream, this.#clock, admissionFrameBytes, this.#traffic.meter(admissionProtocol))
  }

  #makeRoom(): void {
    // In the order in which they came.
    const waiting = [...this.#tracked.values()].filter(({ state }) => state !== 'admitted')
    for (const tracked of waiting.slice(0, -transportLimits.unadmittedConnections)) {
      this.#drop(tracked, 'too many connections wait for admission')
    }
  }

  async #openExchange(tracked: Tracked, signal: AbortSignal): Promise<void> {
    const stream = await tracked.connection.newStream(admissionProtocol, { signal })
    const channel = this.#channel(stream)
    // A gate of ours that never answers must not hold the dial either.
    let onAbort: (() => void) | null = null
    const gaveUp = new Promise<never>((_resolve, reject) => {
      onAbort = () => {
        channel.abort('the dial was given up')
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      if (signal.aborted) onAbort()
    })
    try {
      await Promise.race([this.#exchange(tracked, channel), gaveUp])
    } finally {
      if (onAbort !== null) signal.removeEventListener('abort', onAbort)
    }
  }

  async #exchange(tracked: Tracked, channel: StreamChannel): Promise<void> {
    const { peer } = tracked
    try {
      await runAdmission({
        peer,
        channel,
        gate: this.#gate,
        clock: this.#clock,
        onApproved: () => {
          this.#approved.add(tracked.connection)
          this.#move(tracked, 'approved')
        },
      })
    } catch (error) {
      await this.#onFailed(tracked, channel, error)
      throw error instanceof AdmissionRefusal ? error.error : error
    }
    if (tracked.state === 'closed') {
      throw transportProblems.error(
        'ERR_DIAL_UNREACHABLE',
        `the connection to ${peer} closed during admission`,
      )
    }
    this.#onAdmitted(tracked)
  }

  async #onFailed(tracked: Tracked, channel: StreamChannel, error: unknown): Promise<void> {
    const { peer } = tracked
    // Another exchange on this connection may have succeeded; what is admitted stays so.
    if (tracked.state === 'admitted' || tracked.state === 'closed') return
    this.#move(tracked, 'unadmitted')
    if (error instanceof AdmissionRefusal) {
      const cause = error.error.cause
      const told = error.by === 'them' && isSelvedgeError(cause) ? cause : error.error
      this.#events.emit('peer:refused', { peer, by: error.by, code: told.code, message: told.message })
    }
    const done = new AbortController()
    await Promise.race([channel.closed, delay(this.#clock, farewellMs, done.signal).catch(() => {})])
    done.abort()
    this.#drop(tracked, 'admission failed')
  }

  #onAdmitted(tracked: Tracked): void {
    if (tracked.state === 'admitted') return
    const others = this.admittedTo(tracked.peer).length
    if (others >= transportLimits.connectionsPerPeer) return this.#drop(tracked, 'it is connected already')
    const isFirst = others === 0
    tracked.cancelDeadline()
    this.#move(tracked, 'admitted')
    if (tracked.connection.direction === 'outbound' && !isRelayed(tracked.connection))
      this.#retire(tracked.peer)
    if (!isFirst) return
    this.#events.emit('peer:admitted', { peer: tracked.peer, direction: tracked.connection.direction })
  }

  /** A direct way is there: those through gateways are closed, by the side that found it, when new streams use it. */
  #retire(peer: NodeId): void {
    if (!this.admittedTo(peer).some(isRelayed)) return
    this.#clock.after(retireMs, () => {
      if (this.directTo(peer) === undefined) return
      for (const tracked of this.#tracked.values()) {
        if (tracked.peer !== peer || !isRelayed(tracked.connection)) continue
        this.#drop(tracked, 'there is a direct connection')
      }
    })
  }

  #onDeadline(tracked: Tracked): void {
    if (tracked.state !== 'admitted') this.#drop(tracked, 'not admitted in time')
  }

  #drop(tracked: Tracked, reason: string): void {
    this.#onClosed(tracked, reason)
    tracked.connection.close().catch((error: Error) => tracked.connection.abort(error))
  }

  #onClosed(tracked: Tracked, reason: string): void {
    if (tracked.state === 'closed') return
    const wasAdmitted = tracked.state === 'admitted'
    tracked.cancelDeadline()
    this.#tracked.delete(tracked.connection.id)
    this.#move(tracked, 'closed')
    if (wasAdmitted && this.admittedTo(tracked.peer).length === 0) {
      this.#events.emit('peer:lost', { peer: tracked.peer, reason })
    }
  }

  #move(tracked: Tracked, state: State): void {
    if (tracked.state === 'closed' || (tracked.state === 'admitted' && state === 'approved')) return
    tracked.state = state
    const waiters = tracked.waiters
    tracked.waiters = []
    for (const wake of waiters) wake()
  }
}

export function isRelayed(connection: Connection): boolean {
  return isCircuit(connection.remoteAddr.toString())
}
