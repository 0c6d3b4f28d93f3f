/**
 * wasi:sockets/udp: one channel for each bound socket, datagrams as messages on it. Neither side holds more than a
 * window of them: what comes in beyond it is dropped, and the guest may send as many as the node has not yet sent.
 */
import { dispose } from '../io/index.ts'
import type { GuestChannel } from '../line.ts'
import type { PartContext } from '../part.ts'
import { fromWire, isBindable, isReachable, sameAddress, toWire, type SocketAddress } from './address.ts'
import { checkGranted, fail, takeMessage, type Network } from './network.ts'
import { SocketOptions } from './socket-options.ts'
import {
  datagramWindow,
  maxDatagramBytes,
  socketsId,
  type Family,
  type NetworkErrorCode,
  type WireOpened,
  type WireUdpNews,
} from './wire.ts'

interface IncomingDatagram {
  readonly data: Uint8Array
  readonly remoteAddress: SocketAddress
}

interface OutgoingDatagram {
  readonly data: Uint8Array
  readonly remoteAddress: SocketAddress | undefined
}

/** What a bound socket has received and may send; its streams share it. */
class Traffic {
  readonly channel: GuestChannel
  readonly #context: PartContext
  readonly #received: IncomingDatagram[] = []
  #credit = datagramWindow
  #sendError: NetworkErrorCode | null = null

  constructor(channel: GuestChannel, context: PartContext) {
    this.channel = channel
    this.#context = context
  }

  /** Sorts what has arrived. */
  #sort(): void {
    for (;;) {
      const news = this.channel.receive() as WireUdpNews | undefined
      if (news === undefined) return
      if ('data' in news) {
        this.#received.push({ data: news.data, remoteAddress: fromWire(news.from) })
      } else {
        this.#credit += 1
        this.#sendError ??= news.error
      }
    }
  }

  /** @param from null for anybody */
  receive(most: number, from: SocketAddress | null): IncomingDatagram[] {
    this.#sort()
    if (this.#received.length === 0) {
      this.#context.line.poll()
      this.#sort()
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
    return taken
  }

  canReceive(): boolean {
    this.#sort()
    return this.#received.length > 0 || this.channel.isClosed
  }

  /** @throws WitError once for a datagram that could not be sent */
  room(): number {
    this.#sort()
    if (this.#credit === 0) {
      this.#context.line.poll()
      this.#sort()
    }
    const error = this.#sendError
    this.#sendError = null
    if (error !== null) throw fail(error)
    return this.#credit
  }

  canSend(): boolean {
    this.#sort()
    return this.#credit > 0 || this.#sendError !== null || this.channel.isClosed
  }

  send(data: Uint8Array, to: SocketAddress): void {
    this.#credit -= 1
    this.channel.send({ data: data.slice(), to: toWire(to) })
  }
}

export class UdpSocket {
  readonly #context: PartContext
  readonly #family: Family
  readonly #release: () => void
  readonly #options = new SocketOptions()
  #channel: GuestChannel | null = null
  #traffic: Traffic | null = null
  #local: SocketAddress | null = null
  #remote: SocketAddress | null = null

  private constructor(context: PartContext, family: Family) {
    this.#release = context.hold()
    this.#context = context
    this.#family = family
  }

  static create(context: PartContext, family: Family): UdpSocket {
    return new UdpSocket(context, family)
  }

  startBind(_network: Network, address: SocketAddress): void {
    if (this.#channel !== null) throw fail(this.#traffic === null ? 'concurrency-conflict' : 'invalid-state')
    if (!isBindable(address, this.#family)) throw fail('invalid-argument')
    checkGranted(this.#context, 'udp', toWire(address))
    this.#channel = this.#context.line.open(socketsId, 'udp', [toWire(address), this.#options.hopLimit])
  }

  finishBind(): void {
    const channel = this.#channel
    if (channel === null || this.#traffic !== null) throw fail('not-in-progress')
    const answer = takeMessage(channel, this.#context) as WireOpened
    if (!answer.ok) {
      channel.close()
      this.#channel = null
      throw fail(answer.error)
    }
    this.#local = fromWire(answer.local)
    this.#traffic = new Traffic(channel, this.#context)
  }

  stream(remote: SocketAddress | undefined): [IncomingDatagramStream, OutgoingDatagramStream] {
    if (this.#traffic === null) throw fail('invalid-state')
    if (remote !== undefined && !isReachable(remote, this.#family)) throw fail('invalid-argument')
    this.#remote = remote ?? null
    return [
      IncomingDatagramStream.of(this.#context, this.#traffic, this.#remote),
      OutgoingDatagramStream.of(this.#context, this.#traffic, this.#remote, this.#family),
    ]
  }

  localAddress(): SocketAddress {
    if (this.#local === null) throw fail('invalid-state')
    return this.#local
  }

  remoteAddress(): SocketAddress {
    if (this.#remote === null) throw fail('invalid-state')
    return this.#remote
  }

  addressFamily(): Family {
    return this.#family
  }

  unicastHopLimit(): number {
    return this.#options.hopLimit
  }

  setUnicastHopLimit(value: number): void {
    this.#options.hopLimit = value
  }

  receiveBufferSize(): bigint {
    return this.#options.receiveBuffer
  }

  setReceiveBufferSize(value: bigint): void {
    this.#options.receiveBuffer = value
  }

  sendBufferSize(): bigint {
    return this.#options.sendBuffer
  }

  setSendBufferSize(value: bigint): void {
    this.#options.sendBuffer = value
  }

  subscribe(): object {
    return this.#context.io.pollable({
      ready: () => this.#channel === null || this.#traffic !== null || this.#channel.ready(),
    })
  }

  [dispose](): void {
    this.#channel?.close()
    this.#release()
  }
}

export class IncomingDatagramStream {
  readonly #context: PartContext
  readonly #traffic: Traffic
  readonly #remote: SocketAddress | null
  readonly #release: () => void

  private constructor(context: PartContext, traffic: Traffic, remote: SocketAddress | null) {
    this.#release = context.hold()
    this.#context = context
    this.#traffic = traffic
    this.#remote = remote
  }

  static of(context: PartContext, traffic: Traffic, remote: SocketAddress | null): IncomingDatagramStream {
    return new IncomingDatagramStream(context, traffic, remote)
  }

  receive(most: bigint): IncomingDatagram[] {
    return most === 0n ? [] : this.#traffic.receive(most > 64n ? 64 : Number(most), this.#remote)
  }

  subscribe(): object {
    return this.#context.io.pollable({ ready: () => this.#traffic.canReceive() })
  }

  [dispose](): void {
    this.#release()
  }
}

export class OutgoingDatagramStream {
  readonly #context: PartContext
  readonly #traffic: Traffic
  readonly #remote: SocketAddress | null
  readonly #family: Family
  readonly #release: () => void
  #permit = 0

  private constructor(context: PartContext, traffic: Traffic, remote: SocketAddress | null, family: Family) {
    this.#release = context.hold()
    this.#context = context
    this.#traffic = traffic
    this.#remote = remote
    this.#family = family
  }

  static of(
    context: PartContext,
    traffic: Traffic,
    remote: SocketAddress | null,
    family: Family,
  ): OutgoingDatagramStream {
    return new OutgoingDatagramStream(context, traffic, remote, family)
  }

  checkSend(): bigint {
    this.#permit = this.#traffic.room()
    return BigInt(this.#permit)
  }

  /** @returns how many were sent before the first that could not be. @throws WitError where that is the first */
  send(datagrams: readonly OutgoingDatagram[]): bigint {
    if (datagrams.length > this.#permit) {
      throw new Error(`a guest sent ${datagrams.length} datagrams where check-send allowed ${this.#permit}`)
    }
    let sent = 0
    for (const { data, remoteAddress } of datagrams) {
      try {
        const to = this.#goalOf(remoteAddress)
        if (data.length > maxDatagramBytes) throw fail('datagram-too-large')
        checkGranted(this.#context, 'udp', toWire(to))
        this.#traffic.send(data, to)
      } catch (error) {
        if (sent === 0) throw error
        break
      }
      sent += 1
      this.#permit -= 1
    }
    return BigInt(sent)
  }

  subscribe(): object {
    return this.#context.io.pollable({ ready: () => this.#traffic.canSend() })
  }

  [dispose](): void {
    this.#release()
  }

  #goalOf(address: SocketAddress | undefined): SocketAddress {
    const goal = address ?? this.#remote
    if (goal === null || !isReachable(goal, this.#family)) throw fail('invalid-argument')
    if (this.#remote !== null && !sameAddress(goal, this.#remote)) throw fail('invalid-argument')
    return goal
  }
}
