/**
 * Calls to other members, and theirs to this one. A member that is not connected is dialled; channels are kept; a
 * node that vanishes fails what is under way with it at once.
 */
import {
  every,
  isSelvedgeError,
  messageOf,
  within,
  type Cancel,
  type Clock,
  type Log,
  type Part,
} from '../../core/index.ts'
import { peerOfAddress, type NodeId, type Transport } from '../transport/index.ts'
import {
  callLimits,
  callProtocol,
  NotStarted,
  type CallAnswer,
  type CallBody,
  type CallHandler,
  type OutgoingCall,
} from './contract.ts'
import type { CallLine } from './line.ts'
import { Lines } from './lines.ts'
import { callsProblems } from './problems.ts'
import { wholeAsStream } from './served.ts'
import { CallServer } from './server.ts'

const sweepMs = 5_000

export interface CallExchangeNeeds {
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Log
  /** Where a member was last known to listen. */
  addressesOf(peer: NodeId): readonly string[]
  /** A peer does not keep to the protocol. Its call is over, and others may do better. */
  report?(attack: 'parser', peer: NodeId, detail: string): void
  /** The connection to a peer is used: for so long it must not be closed as one too many. @param forMs milliseconds */
  used?(peer: NodeId, forMs: number): void
  /** Another protocol of questions and answers than that of calls. */
  readonly protocol?: string
  /** Questions that are under way between two nodes and direction; {@link callLimits}.channelsPerPeer unless given. */
  readonly channelsPerPeer?: number
  /**
   * So long the channel of a question that was given up waits for its answer, ms, where it costs the other node nothing
   * to go on. Left out: it is closed at once, which ends the work there.
   */
  readonly lingerMs?: number
}

/** One whose body may be made when it leaves, where that says how much of something is left. */
type CallToMake = Omit<OutgoingCall, 'body'> & { readonly body: CallBody | (() => Uint8Array) }

export class CallExchange implements Part {
  readonly name = 'calls'
  readonly #needs: CallExchangeNeeds
  readonly #server: CallServer
  readonly #protocol: string
  readonly #channelsPerPeer: number
  readonly #lines = new Map<NodeId, Lines>()
  readonly #connected = new Set<NodeId>()
  readonly #dialling = new Map<NodeId, Promise<void>>()
  #cancels: Cancel[] = []

  constructor(needs: CallExchangeNeeds) {
    this.#needs = needs
    this.#protocol = needs.protocol ?? callProtocol
    this.#channelsPerPeer = needs.channelsPerPeer ?? callLimits.channelsPerPeer
    this.#server = new CallServer(needs)
  }

  start(): void {
    if (this.#cancels.length > 0) return
    const { transport, clock, used } = this.#needs
    this.#cancels = [
      transport.handle(
        this.#protocol,
        (peer, channel) => {
          // Neither end is to hang up on it as one too many while the other asks.
          used?.(peer, callLimits.keptMs)
          this.#server.serve(peer, channel)
        },
        { maxFrameBytes: callLimits.frameBytes, maxStreams: this.#channelsPerPeer },
      ),
      transport.on('peer:admitted', ({ peer }) => void this.#connected.add(peer)),
      transport.on('peer:lost', ({ peer, reason }) => this.#lost(peer, reason)),
      every(clock, sweepMs, () => this.#sweep()),
    ]
    for (const peer of transport.peers()) this.#connected.add(peer)
  }

  stop(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
    const error = stopped()
    const all = [...this.#lines.values()]
    this.#lines.clear()
    for (const lines of all) lines.close(error)
    this.#connected.clear()
    this.#server.stop()
  }

  /** Who answers the calls of others; null refuses them. */
  answerWith(handler: CallHandler | null): void {
    this.#server.answerWith(handler)
  }

  /** Calls of others that are not over. */
  get served(): number {
    return this.#server.underWay
  }

  isConnected(peer: NodeId): boolean {
    return this.#connected.has(peer)
  }

  /**
   * Makes one call.
   * @throws NotStarted where it had no effect for sure (ERR_CALL_UNREACHABLE, ERR_CALL_BUSY, ERR_CALL_HEAD_SIZE, or
   *   the callee's reason); ERR_CALL_LOST, ERR_CALL_DEADLINE, the callee's error, or the signal's reason
   */
  call(peer: NodeId, call: CallToMake): Promise<CallAnswer> {
    const { head, signal, deadlineMs } = call
    if (head.length > callLimits.headBytes) {
      const text = `the call begins with ${head.length} bytes, over ${callLimits.headBytes}`
      return Promise.reject(new NotStarted(callsProblems.error('ERR_CALL_HEAD_SIZE', text), true))
    }
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
    const free = this.#connected.has(peer) ? this.#lines.get(peer)?.takeFree() : null
    if (free !== null && free !== undefined) return callOn(free, call, deadlineMs)
    return this.#callAfterWait(peer, call)
  }

  /** Waits for a part of the time alone: a callee that is left none would begin what nobody gets the answer of. */
  async #callAfterWait(peer: NodeId, call: CallToMake): Promise<CallAnswer> {
    const { clock } = this.#needs
    const { signal, deadlineMs } = call
    const untilMs = clock.monotonicMs() + deadlineMs
    const ms = deadlineMs - Math.min(callLimits.keptForAnswerMs, deadlineMs * callLimits.keptShare)
    const late = (): Error =>
      new NotStarted(
        callsProblems.error('ERR_CALL_BUSY', `no channel was free in ${Math.round(ms)} ms`),
        true,
      )
    const line = await within({ clock, ms, late, ...(signal && { signal }) }, async (ends) => {
      if (!this.#connected.has(peer)) await this.#connect(peer)
      ends.throwIfAborted()
      return this.#linesTo(peer).take(ends)
    })
    return callOn(line, call, Math.max(1, untilMs - clock.monotonicMs()))
  }

  #linesTo(peer: NodeId): Lines {
    const known = this.#lines.get(peer)
    if (known !== undefined) return known
    const { transport, clock, log, lingerMs } = this.#needs
    const open = async (): ReturnType<Transport['open']> => {
      const channel = await within({ clock, ms: callLimits.openMs }, (signal) =>
        transport.open(peer, this.#protocol, signal),
      )
      if (this.#lines.get(peer) === lines) return channel
      channel.close()
      throw stopped()
    }
    const report = (detail: string): void => this.#needs.report?.('parser', peer, detail)
    const lines = new Lines({
      clock,
      log,
      open,
      report,
      mostChannels: this.#channelsPerPeer,
      ...(lingerMs !== undefined && { lingerMs }),
    })
    this.#lines.set(peer, lines)
    return lines
  }

  /** Calls that need the same peer wait for one dial. */
  #connect(peer: NodeId): Promise<void> {
    const under = this.#dialling.get(peer)
    if (under !== undefined) return under
    const dial = this.#dial(peer).finally(() => this.#dialling.delete(peer))
    this.#dialling.set(peer, dial)
    return dial
  }

  async #dial(peer: NodeId): Promise<void> {
    const { transport, clock, addressesOf, used } = this.#needs
    const addresses = addressesOf(peer).flatMap((address) => withPeer(address, peer))
    if (this.#cancels.length === 0) throw new NotStarted(stopped(), false)
    if (addresses.length === 0) throw unreachable(`no address of ${peer} is known`)
    try {
      used?.(peer, callLimits.keptMs)
      await within({ clock, ms: callLimits.connectMs, late: silent }, (signal) =>
        transport.dial(addresses, signal),
      )
      if (this.#cancels.length === 0) throw stopped()
      this.#connected.add(peer)
    } catch (error) {
      throw unreachable(`${peer}: ${messageOf(error)}`, error)
    }
  }

  #lost(peer: NodeId, reason: string): void {
    this.#connected.delete(peer)
    const lines = this.#lines.get(peer)
    this.#lines.delete(peer)
    lines?.close(new Error(reason))
  }

  #sweep(): void {
    const nowMs = this.#needs.clock.monotonicMs()
    for (const [peer, lines] of this.#lines) {
      lines.sweep(nowMs)
      if (lines.isEmpty) this.#lines.delete(peer)
      else this.#needs.used?.(peer, callLimits.keptMs)
    }
    for (const peer of this.#server.callers) this.#needs.used?.(peer, callLimits.keptMs)
  }
}

/** A body that does not fit beside the head goes in pieces. */
function callOn(line: CallLine, call: CallToMake, deadlineMs: number): Promise<CallAnswer> {
  let body: CallBody
  try {
    body = typeof call.body === 'function' ? call.body() : call.body
  } catch (error) {
    line.close()
    return Promise.reject(error as Error)
  }
  if (body instanceof Uint8Array && body.length > callLimits.inlineBytes) body = wholeAsStream(body)
  return line.call({ ...call, body }, deadlineMs)
}

/** So that another node that took over the address is not mistaken for the member. */
function withPeer(address: string, peer: NodeId): string[] {
  if (!address.startsWith('/')) return []
  if (!address.includes('/p2p/')) return [`${address}/p2p/${peer}`]
  return peerOfAddress(address) === peer ? [address] : []
}

function unreachable(text: string, cause?: unknown): NotStarted {
  if (isSelvedgeError(cause) && cause instanceof NotStarted) return cause
  return new NotStarted(callsProblems.error('ERR_CALL_UNREACHABLE', text, { cause }), false)
}

function silent(): Error {
  return new Error(`it did not answer in ${callLimits.connectMs} ms`)
}

function stopped(): ReturnType<typeof callsProblems.error> {
  return callsProblems.error('ERR_CALL_STOPPED', 'this node stops, or its network is off')
}
