/**
 * One long-lived channel of a protocol to every admitted peer.
 *
 * A new stream costs a round trip more than a message on an open one, so streams are kept. The node with the
 * smaller id opens, the other waits; a channel that closes while the peer is there is opened again.
 */
import {
  backoffMs,
  delay,
  messageOf,
  within,
  type Cancel,
  type Clock,
  type Log,
  type Part,
  type Random,
} from '../../core/index.ts'
import type { Channel, NodeId, Transport } from './contract.ts'

export interface PeerChannelsParts {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface PeerChannelsOptions {
  readonly protocol: string
  readonly maxFrameBytes: number
  /** Handed over and not yet sent, per peer; a message beyond it is not taken. */
  readonly maxQueuedBytes: number
  onUp(peer: NodeId): void
  onDown(peer: NodeId): void
  /** The next message of this peer is read when the promise settles. */
  onMessage(peer: NodeId, bytes: Uint8Array): void | Promise<void>
  /** Whether the protocol is spoken with this peer; with all where it is left out. See {@link PeerChannels.refresh}. */
  mayMeet?(peer: NodeId): boolean
  /** The queue to this peer ran empty. */
  onIdle?(peer: NodeId): void
}

const openMs = 10_000
const reopenBaseMs = 200
const reopenCapMs = 5_000

interface Line {
  channel: Channel | null
  queue: Uint8Array[]
  queuedBytes: number
  isOpening: boolean
  attempt: number
}

export class PeerChannels implements Part {
  readonly name: string
  readonly #parts: PeerChannelsParts
  readonly #options: PeerChannelsOptions
  readonly #lines = new Map<NodeId, Line>()
  #cancels: Cancel[] = []
  #stopped = new AbortController()

  constructor(parts: PeerChannelsParts, options: PeerChannelsOptions) {
    this.#parts = parts
    this.#options = options
    this.name = options.protocol
  }

  start(): void {
    if (this.#cancels.length > 0) return
    this.#stopped = new AbortController()
    const { transport } = this.#parts
    const { protocol, maxFrameBytes } = this.#options
    this.#cancels = [
      transport.handle(protocol, (peer, channel) => this.#adopt(peer, channel), { maxFrameBytes }),
      transport.on('peer:admitted', ({ peer }) => this.#meet(peer)),
      transport.on('peer:lost', ({ peer }) => this.#part(peer)),
    ]
    for (const peer of transport.peers()) this.#meet(peer)
  }

  stop(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
    this.#stopped.abort(new Error(`${this.#options.protocol} stopped`))
    for (const peer of this.#lines.keys()) this.#part(peer)
  }

  /** Says that `mayMeet` would answer differently now. */
  refresh(): void {
    if (this.#cancels.length === 0) return
    for (const peer of this.#lines.keys()) if (!this.#mayMeet(peer)) this.#part(peer)
    for (const peer of this.#parts.transport.peers()) if (!this.#lines.has(peer)) this.#meet(peer)
  }

  /** Peers with an open channel. */
  peers(): NodeId[] {
    return [...this.#lines].filter(([, line]) => line.channel !== null).map(([peer]) => peer)
  }

  /** Closes the channel to this peer and opens it anew. */
  reset(peer: NodeId): void {
    this.#lines.get(peer)?.channel?.close()
  }

  queuedBytes(peer: NodeId): number {
    return this.#lines.get(peer)?.queuedBytes ?? 0
  }

  /** Queues a message. @returns false, and nothing is sent, without a channel or with a full queue */
  send(peer: NodeId, bytes: Uint8Array): boolean {
    const line = this.#lines.get(peer)
    if (line === undefined || line.channel === null) return false
    if (line.queuedBytes + bytes.length > this.#options.maxQueuedBytes) return false
    line.queue.push(bytes)
    line.queuedBytes += bytes.length
    if (line.queue.length === 1) this.#logged(peer, this.#drain(peer, line, line.channel))
    return true
  }

  #meet(peer: NodeId): void {
    if (this.#parts.transport.self < peer && this.#mayMeet(peer))
      this.#logged(peer, this.#open(peer, this.#line(peer)))
  }

  #mayMeet(peer: NodeId): boolean {
    return this.#options.mayMeet?.(peer) ?? true
  }

  #line(peer: NodeId): Line {
    const known = this.#lines.get(peer)
    if (known !== undefined) return known
    const line: Line = { channel: null, queue: [], queuedBytes: 0, isOpening: false, attempt: 0 }
    this.#lines.set(peer, line)
    return line
  }

  #part(peer: NodeId): void {
    const line = this.#lines.get(peer)
    if (line === undefined) return
    this.#lines.delete(peer)
    this.#hangUp(peer, line)
  }

  #hangUp(peer: NodeId, line: Line): void {
    const { channel } = line
    line.channel = null
    line.queue = []
    line.queuedBytes = 0
    if (channel === null) return
    channel.close()
    this.#options.onDown(peer)
  }

  /** Opens, and again after a while, until there is a channel or no peer. */
  async #open(peer: NodeId, line: Line): Promise<void> {
    if (line.isOpening) return
    line.isOpening = true
    const { transport, clock, random, log } = this.#parts
    const { protocol } = this.#options
    const stopped = this.#stopped.signal
    const isWanted = (): boolean =>
      !stopped.aborted && this.#lines.get(peer) === line && line.channel === null
    try {
      while (isWanted()) {
        if (line.attempt++ > 0) {
          await delay(clock, backoffMs(line.attempt, reopenBaseMs, reopenCapMs, random), stopped)
          if (!isWanted()) return
        }
        try {
          const channel = await within({ clock, ms: openMs, signal: stopped }, (signal) =>
            transport.open(peer, protocol, signal),
          )
          if (isWanted()) this.#adopt(peer, channel)
          else channel.close()
        } catch (error) {
          log.debug('channel:failed', { peer, protocol, error: messageOf(error) })
        }
      }
    } finally {
      line.isOpening = false
    }
  }

  #adopt(peer: NodeId, channel: Channel): void {
    if (this.#stopped.signal.aborted || !this.#mayMeet(peer)) return channel.close()
    const line = this.#line(peer)
    // The opener knows best: a second channel means that it has lost the first.
    this.#hangUp(peer, line)
    line.channel = channel
    this.#options.onUp(peer)
    this.#logged(peer, this.#read(peer, line, channel))
  }

  async #read(peer: NodeId, line: Line, channel: Channel): Promise<void> {
    try {
      for await (const message of channel.messages) {
        if (line.channel !== channel) return
        line.attempt = 0
        await this.#options.onMessage(peer, message)
      }
    } finally {
      if (line.channel === channel) {
        this.#hangUp(peer, line)
        if (this.#lines.get(peer) === line) this.#meetAgain(peer, line)
      }
    }
  }

  #meetAgain(peer: NodeId, line: Line): void {
    const { transport } = this.#parts
    if (!transport.peers().includes(peer)) this.#lines.delete(peer)
    else if (transport.self < peer) this.#logged(peer, this.#open(peer, line))
  }

  async #drain(peer: NodeId, line: Line, channel: Channel): Promise<void> {
    for (;;) {
      const [next] = line.queue
      if (next === undefined || line.channel !== channel) return
      try {
        await channel.send(next)
      } catch (error) {
        // The read side sees the close and cleans up.
        channel.close()
        throw error
      }
      if (line.channel !== channel) return
      line.queue.shift()
      line.queuedBytes -= next.length
      if (line.queue.length === 0) this.#options.onIdle?.(peer)
    }
  }

  #logged(peer: NodeId, work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (this.#stopped.signal.aborted) return
      this.#parts.log.debug('channel:ended', {
        peer,
        protocol: this.#options.protocol,
        error: messageOf(error),
      })
    })
  }
}
