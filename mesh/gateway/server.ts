/**
 * The gateway itself: keeps places for members that cannot be dialled, and joins other members' channels with theirs.
 *
 * Its protocol is served to admitted members alone, and so is the one it speaks to the other side: a stranger gets
 * neither a place nor a connection. What it carries is encrypted between the two ends.
 */
import { messageOf, within, type Cancel, type Clock, type Log, type Part } from '../../core/index.ts'
import {
  askOver,
  circuitFrameBytes,
  circuitProtocol,
  decodeCircuitRequest,
  encodeCircuitMessage,
  gatewayProtocol,
  type Channel,
  type CircuitAnswer,
  type NodeId,
  type Transport,
} from '../transport/index.ts'
import { Ledger, type Circuit, type Refusal } from './ledger.ts'
import { gatewayLimits } from './limits.ts'
import { gatewayProblems } from './problems.ts'
import { splice, type End } from './splice.ts'

export interface ServerParts {
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Log
  /** Both directions of all circuits together. */
  readonly bytesPerSecond?: number
}

/** What a gateway has done since it started. */
export interface GatewayCounts {
  /** Now. */
  readonly places: number
  readonly circuits: number
  readonly opened: number
  readonly refused: number
  readonly bytes: number
}

export class GatewayServer implements Part {
  readonly name = 'gateway'
  readonly #parts: ServerParts
  readonly #ledger: Ledger
  #opened = 0
  #refused = 0
  #bytes = 0
  #cancels: Cancel[] = []
  #stopped = new AbortController()

  constructor(parts: ServerParts) {
    this.#parts = parts
    this.#ledger = new Ledger(parts.bytesPerSecond)
  }

  start(): void {
    if (this.#cancels.length > 0) return
    this.#stopped = new AbortController()
    const { transport } = this.#parts
    const limits = { maxFrameBytes: circuitFrameBytes, maxStreams: gatewayLimits.requestStreams }
    this.#cancels = [
      transport.handle(gatewayProtocol, (peer, channel) => void this.#serve(peer, channel), limits),
      // Without its connection a place leads nowhere; the node asks again when it is back.
      transport.on('peer:lost', ({ peer }) => this.#ledger.release(peer)),
    ]
  }

  stop(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
    this.#stopped.abort(new Error('the gateway stopped'))
  }

  get counts(): GatewayCounts {
    const { places, circuits } = this.#ledger.counts(this.#parts.clock.monotonicMs())
    return { places, circuits, opened: this.#opened, refused: this.#refused, bytes: this.#bytes }
  }

  /** Members whose connection to this node is in use. */
  get needed(): NodeId[] {
    return this.#ledger.needed(this.#parts.clock.monotonicMs())
  }

  async #serve(peer: NodeId, channel: Channel): Promise<void> {
    const { clock, log } = this.#parts
    const incoming = channel.messages[Symbol.asyncIterator]()
    const signal = this.#stopped.signal
    try {
      const first = await within({ clock, ms: gatewayLimits.askMs, signal }, () => incoming.next())
      if (first.done === true) return
      const request = decodeCircuitRequest(first.value)
      const nowMs = clock.monotonicMs()
      if (request.t === 'connect') await this.#connect(peer, request.node, { channel, incoming })
      else if (request.t === 'reserve') await this.#answer(channel, this.#reserve(peer, nowMs))
      else if (request.t === 'release') {
        this.#ledger.release(peer)
        await this.#answer(channel, { t: 'yes' })
      } else throw gatewayProblems.error('ERR_GATEWAY_REQUEST', `${peer} offers a circuit to a gateway`)
    } catch (error) {
      log.debug('gateway:failed', { peer, error: messageOf(error) })
    } finally {
      channel.close()
    }
  }

  #reserve(peer: NodeId, nowMs: number): CircuitAnswer {
    const { transport } = this.#parts
    // A place behind another gateway would be a way through two.
    if (transport.ways?.isRelayed(peer) !== false) {
      return {
        t: 'no',
        code: 'ERR_GATEWAY_REQUEST',
        message: 'this node is reached through a gateway itself',
      }
    }
    const given = this.#ledger.reserve(peer, nowMs)
    return typeof given === 'number' ? { t: 'yes', ms: given } : this.#no(given)
  }

  async #connect(from: NodeId, to: NodeId, end: End): Promise<void> {
    const { clock, log } = this.#parts
    const circuit = this.#ledger.connect(from, to, clock.monotonicMs())
    if ('code' in circuit) return this.#answer(end.channel, this.#no(circuit))
    try {
      const other = await this.#reach(circuit)
      try {
        await this.#answer(end.channel, { t: 'yes' })
        this.#opened++
        log.debug('gateway:circuit', { from, to })
        const onStop = (): void => other.channel.close()
        this.#stopped.signal.addEventListener('abort', onStop, { once: true })
        await splice(end, other, {
          clock,
          idleMs: gatewayLimits.idleMs,
          carry: (bytes) => {
            this.#bytes += bytes
            return this.#ledger.carry(circuit, bytes, clock.monotonicMs())
          },
        })
        this.#stopped.signal.removeEventListener('abort', onStop)
      } finally {
        other.channel.close()
      }
    } catch (error) {
      this.#refused++
      const message = messageOf(error)
      await this.#answer(end.channel, { t: 'no', code: 'ERR_GATEWAY_UNANSWERED', message })
    } finally {
      this.#ledger.close(circuit)
    }
  }

  /** Asks the other side. @throws where it does not answer, or will not */
  async #reach({ from, to }: Circuit): Promise<End> {
    const { transport, clock } = this.#parts
    const limit = { clock, ms: gatewayLimits.askMs, signal: this.#stopped.signal }
    return within(limit, async (signal) => {
      const channel = await transport.open(to, circuitProtocol, signal)
      const { answer, incoming } = await askOver(channel, { t: 'incoming', node: from }, signal)
      if (answer.t === 'yes') return { channel, incoming }
      channel.close()
      throw gatewayProblems.error('ERR_GATEWAY_UNANSWERED', `${answer.message} [${answer.code}]`)
    })
  }

  #no({ code, message }: Refusal): CircuitAnswer {
    this.#refused++
    return { t: 'no', code, message }
  }

  async #answer(channel: Channel, answer: CircuitAnswer): Promise<void> {
    await channel.send(encodeCircuitMessage(answer))
  }
}
