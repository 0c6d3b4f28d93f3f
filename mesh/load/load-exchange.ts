/**
 * What the nodes of a group have to do, told to each other: for whoever is about to choose among them and has asked none
 * of them yet. It stays within the group, and nothing at all is sent, or kept open, where nobody has anything to do.
 *
 * What is told is a hint: it is believed for a few seconds, decides nothing but an order, and is never passed on.
 */
import { messageOf, within, type Cancel, type Clock, type Log, type Part } from '../../core/index.ts'
import type { Channel, NodeId, Transport } from '../transport/index.ts'
import { decodeLoad, encodeLoad, loadLimits, type Load } from './message.ts'

export const loadProtocol = '/selvedge/load/1'

/** Longer than what is still true is told again. */
const believedMs = 12_000
/** A channel without news for so long is closed. */
const idleMs = 30_000
const openMs = 5_000
/** From one peer, at most so close together on average: twice as close as any node tells. */
const apartMs = 250
/** What a node that stood still finds waiting, of all that is told before its silence ends the connection. */
const burst = 32
const nothing: Load = new Map()

export interface LoadExchangeNeeds {
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Log
  /** Whether a member is of a group of this node's: nobody else is told, or heard. */
  isNear(node: NodeId): boolean
  /** A peer that sends what cannot be read, or far too often. */
  report(attack: 'parser' | 'flood', peer: NodeId, detail: string): void
}

interface Line {
  /** null while it is being opened. */
  channel: Channel | null
  isSending: boolean
}

interface Told {
  readonly load: Load
  readonly atMs: number
}

export class LoadExchange implements Part {
  readonly name = 'load'
  readonly #needs: LoadExchangeNeeds
  readonly #lines = new Map<NodeId, Line>()
  readonly #told = new Map<NodeId, Told>()
  #cancels: Cancel[] = []
  #cancelIdle: Cancel | null = null

  constructor(needs: LoadExchangeNeeds) {
    this.#needs = needs
  }

  start(): void {
    if (this.#cancels.length > 0) return
    const { transport } = this.#needs
    this.#cancels = [
      transport.handle(loadProtocol, (peer, channel) => void this.#listen(peer, channel), {
        maxFrameBytes: loadLimits.frameBytes,
        maxStreams: 2,
      }),
      transport.on('peer:lost', ({ peer }) => {
        this.#told.delete(peer)
        this.#hangUp(peer)
      }),
    ]
  }

  stop(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
    this.#told.clear()
    this.#hangUpAll()
  }

  /** Tells the connected members of this node's groups. @param load calls under way by app; empty where there are none */
  tell(load: Load): void {
    if (this.#cancels.length === 0) return
    const { transport, clock, isNear } = this.#needs
    const frame = encodeLoad(load)
    for (const peer of transport.peers()) {
      const isOwed = load.size > 0 || this.#lines.has(peer)
      if (isOwed && isNear(peer)) void this.#send(peer, frame)
    }
    this.#cancelIdle?.()
    this.#cancelIdle = this.#lines.size === 0 ? null : clock.after(idleMs, () => this.#hangUpAll())
  }

  /** Calls under way on a member by app, as it said a moment ago; empty where it said nothing. */
  of(node: NodeId): Load {
    const told = this.#told.get(node)
    if (told === undefined) return nothing
    return this.#needs.clock.monotonicMs() - told.atMs < believedMs ? told.load : nothing
  }

  async #send(peer: NodeId, frame: Uint8Array): Promise<void> {
    const line = this.#lines.get(peer) ?? { channel: null, isSending: false }
    // Whoever takes nothing just now is told when there is something new, or the same again.
    if (line.isSending) return
    line.isSending = true
    this.#lines.set(peer, line)
    try {
      line.channel ??= await this.#open(peer)
      if (this.#lines.get(peer) !== line) return line.channel.close()
      await line.channel.send(frame)
    } catch (error) {
      // Also of nodes of before, which do not know the protocol.
      this.#needs.log.debug('load:not-told', { peer, error: messageOf(error) })
      if (this.#lines.get(peer) === line) this.#hangUp(peer)
    } finally {
      line.isSending = false
    }
  }

  #open(peer: NodeId): Promise<Channel> {
    const { transport, clock } = this.#needs
    return within({ clock, ms: openMs }, (signal) => transport.open(peer, loadProtocol, signal))
  }

  async #listen(peer: NodeId, channel: Channel): Promise<void> {
    const { clock, isNear, report, log } = this.#needs
    let allowance: number = burst
    let atMs = clock.monotonicMs()
    try {
      for await (const frame of channel.messages) {
        const nowMs = clock.monotonicMs()
        allowance = Math.min(burst, allowance + (nowMs - atMs) / apartMs) - 1
        atMs = nowMs
        if (allowance < 0) {
          report('flood', peer, 'it tells of its load more often than anybody needs')
          break
        }
        // One that is in no group of this node's is of no use here, whatever it says.
        if (isNear(peer)) this.#told.set(peer, { load: decodeLoad(frame), atMs: nowMs })
      }
    } catch (error) {
      report('parser', peer, `what it says of its load: ${messageOf(error)}`)
      log.debug('load:unreadable', { peer, error: messageOf(error) })
    }
    channel.close()
  }

  #hangUp(peer: NodeId): void {
    const line = this.#lines.get(peer)
    this.#lines.delete(peer)
    line?.channel?.close()
  }

  #hangUpAll(): void {
    this.#cancelIdle?.()
    this.#cancelIdle = null
    for (const peer of this.#lines.keys()) this.#hangUp(peer)
  }
}
