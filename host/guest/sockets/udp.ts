/** wasi:sockets/udp 0.2: a socket that is bound, and then gives out its two streams of datagrams. */
import { dispose } from '../io/index.ts'
import type { GuestChannel } from '../line.ts'
import type { PartContext } from '../part.ts'
import { isBindable, isReachable, type SocketAddress } from './address.ts'
import { IncomingDatagramStream, OutgoingDatagramStream } from './datagram-streams.ts'
import { boundBy, Datagrams } from './datagrams.ts'
import { fail, untilBound, type Network } from './network.ts'
import { Socket } from './socket.ts'
import type { Family } from './wire.ts'

export class UdpSocket extends Socket {
  #channel: GuestChannel | null = null
  #datagrams: Datagrams | null = null

  static create(context: PartContext, family: Family): UdpSocket {
    return new UdpSocket(context, family)
  }

  startBind(_network: Network, address: SocketAddress): void {
    if (this.#channel !== null)
      throw fail(this.#datagrams === null ? 'concurrency-conflict' : 'invalid-state')
    if (!isBindable(address, this.family)) throw fail('invalid-argument')
    this.#channel = Datagrams.open(this.context, address, this.options.hopLimit)
  }

  finishBind(): void {
    const channel = this.#channel
    if (channel === null || this.#datagrams !== null) throw fail('not-in-progress')
    untilBound(channel, this.context)
    try {
      this.local = boundBy(channel, this.context)
    } catch (error) {
      if (channel.isClosed) this.#channel = null
      throw error
    }
    this.#datagrams = new Datagrams(channel, this.context)
  }

  /** Connects it too, or takes it back to everybody: the kernel then says who may answer, and what went wrong. */
  stream(remote: SocketAddress | undefined): [IncomingDatagramStream, OutgoingDatagramStream] {
    const datagrams = this.#datagrams
    if (datagrams === null) throw fail('invalid-state')
    if (remote !== undefined && !isReachable(remote, this.family)) throw fail('invalid-argument')
    const [before, peer] = [this.remote, remote ?? null]
    // A kernel that takes no new peer has forgotten the old one.
    this.remote = null
    if (before !== null || peer !== null) this.local = datagrams.associate(peer)
    this.remote = peer
    return [
      IncomingDatagramStream.of(this.context, datagrams, peer),
      OutgoingDatagramStream.of(this.context, datagrams, peer, this.family),
    ]
  }

  unicastHopLimit(): number {
    return this.options.hopLimit
  }

  setUnicastHopLimit(value: number): void {
    this.options.hopLimit = value
  }

  subscribe(): object {
    return this.context.io.pollable({
      ready: () => this.#channel === null || this.#datagrams !== null || this.#channel.ready(),
    })
  }

  [dispose](): void {
    this.#channel?.close()
    this.release()
  }
}
