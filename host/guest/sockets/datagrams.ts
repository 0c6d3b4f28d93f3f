/**
 * The datagrams of one bound UDP socket over its channel, for WASI 0.2 and 0.3 alike. Neither side holds more than a
 * window of them: what comes in beyond it is dropped, and the guest may send as many as the node has not yet sent.
 */
import type { GuestChannel } from '../line.ts'
import type { PartContext } from '../part.ts'
import { fromWire, isReachable, sameAddress, toWire, type SocketAddress } from './address.ts'
import { checkGranted, fail, openedBy, takeMessage } from './network.ts'
import {
  datagramWindow,
  maxDatagramBytes,
  socketsId,
  type Family,
  type NetworkErrorCode,
  type WireUdpNews,
} from './wire.ts'

export interface IncomingDatagram {
  readonly data: Uint8Array
  readonly remoteAddress: SocketAddress
}

/** Told once what became of a datagram: null where it was sent. */
export type Outcome = (error: NetworkErrorCode | null) => void

export class Datagrams {
  readonly channel: GuestChannel
  readonly #context: PartContext
  readonly #received: IncomingDatagram[] = []
  readonly #outcomes = new Map<number, Outcome>()
  #lastNumber = 0
  #credit = datagramWindow
  #sendError: NetworkErrorCode | null = null
  #receiveError: NetworkErrorCode | null = null
  #associated: WireUdpNews | null = null

  constructor(channel: GuestChannel, context: PartContext) {
    this.channel = channel
    this.#context = context
  }

  /** @throws WitError `access-denied`, at once */
  static open(context: PartContext, local: SocketAddress, hopLimit: number): GuestChannel {
    checkGranted(context, 'udp-listen', toWire(local))
    return context.line.open(socketsId, 'udp', [toWire(local), hopLimit])
  }

  /** Sorts what has arrived. */
  sort(): void {
    for (;;) {
      const news = this.channel.receive() as WireUdpNews | undefined
      if (news === undefined) return
      if ('data' in news) {
        this.#received.push({ data: news.data, remoteAddress: fromWire(news.from) })
      } else if ('sent' in news) {
        this.#credit += 1
        const told = this.#outcomes.get(news.sent)
        this.#outcomes.delete(news.sent)
        if (told === undefined) this.#sendError ??= news.error
        else told(news.error)
      } else if ('failed' in news) {
        this.#receiveError = news.failed
      } else {
        this.#associated = news
      }
    }
  }

  /**
   * Connects the socket to a peer, or to nobody, and sleeps until the node's kernel has: that takes no traffic.
   * @returns the local address, which may be another one now. @throws WitError
   */
  associate(remote: SocketAddress | null): SocketAddress {
    const wire = remote === null ? null : toWire(remote)
    if (wire !== null) checkGranted(this.#context, 'udp', wire)
    this.channel.send({ associate: wire })
    const isAnswered = (): boolean => {
      this.sort()
      return this.#associated !== null || this.channel.isClosed
    }
    this.#context.line.wait([{ ready: isAnswered }])
    const news = this.#associated
    this.#associated = null
    if (news === null || !('associated' in news)) throw fail('unknown')
    if (!news.associated.ok) throw fail(news.associated.error)
    return fromWire(news.associated.local)
  }

  /**
   * @param from null for anybody. What others sent before the socket was connected is passed over
   * @throws WitError once for what the network said
   */
  receive(most: number, from: SocketAddress | null): IncomingDatagram[] {
    this.sort()
    if (this.#received.length === 0) {
      this.#context.line.poll()
      this.sort()
    }
    const taken: IncomingDatagram[] = []
    let room = 0
    while (taken.length < most) {
      const next = this.#received.shift()
      if (next === undefined) break
      room += 1
      if (from === null || sameAddress(from, next.remoteAddress)) taken.push(next)
    }
    if (room > 0) this.channel.send({ room })
    if (taken.length === 0 && this.#receiveError !== null) {
      const error = this.#receiveError
      this.#receiveError = null
      throw fail(error)
    }
    return taken
  }

  canReceive(): boolean {
    this.sort()
    return this.#received.length > 0 || this.#receiveError !== null || this.channel.isClosed
  }

  /**
   * How many may be sent now.
   * @throws WitError once for a datagram that could not be sent, where nobody waits for its outcome; `unknown` where
   * the node serves the socket no longer
   */
  room(): number {
    this.sort()
    if (this.#credit === 0) {
      this.#context.line.poll()
      this.sort()
    }
    const error = this.#sendError
    this.#sendError = null
    if (error !== null) throw fail(error)
    if (this.channel.isClosed) throw fail('unknown')
    return this.#credit
  }

  canSend(): boolean {
    this.sort()
    return this.#credit > 0 || this.#sendError !== null || this.channel.isClosed
  }

  /**
   * At most as many as there is room for.
   * @throws WitError for what cannot be sent at all: too large, or not allowed
   */
  send(data: Uint8Array, to: SocketAddress, told?: Outcome): void {
    if (data.length > maxDatagramBytes) throw fail('datagram-too-large')
    checkGranted(this.#context, 'udp', toWire(to))
    this.#credit -= 1
    this.#lastNumber += 1
    if (told !== undefined) this.#outcomes.set(this.#lastNumber, told)
    this.channel.send({ data: data.slice(), to: toWire(to), number: this.#lastNumber })
  }
}

/**
 * Where a datagram goes: to the address given, or to the peer that the socket is connected to.
 * @throws WitError `invalid-argument` where there is neither, or both and they differ
 */
export function goalOf(
  address: SocketAddress | undefined,
  peer: SocketAddress | null,
  family: Family,
): SocketAddress {
  const goal = address ?? peer
  if (goal === null || !isReachable(goal, family)) throw fail('invalid-argument')
  if (peer !== null && !sameAddress(goal, peer)) throw fail('invalid-argument')
  return goal
}

/** @returns the local address, once the node has said it. @throws WitError; the channel is closed where it will not */
export function boundBy(channel: GuestChannel, context: PartContext): SocketAddress {
  return fromWire(openedBy(channel, takeMessage(channel, context)).local)
}
