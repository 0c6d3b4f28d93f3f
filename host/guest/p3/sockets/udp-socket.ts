/** `udp-socket` of wasi:sockets 0.3, over the datagrams of 0.2. */
import { dispose } from '../../io/index.ts'
import { isBindable, isReachable, type SocketAddress } from '../../sockets/address.ts'
import { boundBy, Datagrams, goalOf } from '../../sockets/datagrams.ts'
import { fail } from '../../sockets/network.ts'
import type { Family, NetworkErrorCode } from '../../sockets/wire.ts'
import { WitError } from '../../wit-error.ts'
import { asWit, socketCode } from './error-code.ts'
import { anyAddress, Socket, type SocketsWorld } from './socket.ts'

interface Outcome {
  /** null: it was sent; absent: that is not known yet. */
  error: NetworkErrorCode | null | undefined
}

export class UdpSocket extends Socket {
  #datagrams: Datagrams | null = null

  static create(world: SocketsWorld, family: Family): UdpSocket {
    return new UdpSocket(world, family)
  }

  bind(address: SocketAddress): void {
    asWit(() => {
      if (this.#datagrams !== null) throw fail('invalid-state')
      if (!isBindable(address, this.family)) throw fail('invalid-argument')
      this.#bind(address)
    })
  }

  /** The WIT gives no time to wait for it, and it takes none: the node's kernel answers at once. */
  #bind(address: SocketAddress): Datagrams {
    const { context } = this.world
    const channel = Datagrams.open(context, address, this.options.hopLimit)
    context.line.wait([channel])
    this.local = boundBy(channel, context)
    return (this.#datagrams = new Datagrams(channel, context))
  }

  connect(address: SocketAddress): void {
    asWit(() => {
      if (!isReachable(address, this.family)) throw fail('invalid-argument')
      this.#associate(address)
    })
  }

  disconnect(): void {
    asWit(() => {
      if (this.remote === null) throw fail('invalid-state')
      this.#associate(null)
    })
  }

  #associate(peer: SocketAddress | null): void {
    const datagrams = this.#datagrams ?? this.#bind(anyAddress(this.family))
    // A kernel that takes no new peer has forgotten the old one.
    this.remote = null
    this.local = datagrams.associate(peer)
    this.remote = peer
  }

  async send(data: Uint8Array, address: SocketAddress | undefined): Promise<void> {
    const { goal, datagrams } = asWit(() => ({
      goal: goalOf(address, this.remote, this.family),
      datagrams: this.#datagrams ?? this.#bind(anyAddress(this.family)),
    }))
    const { waiting } = this.world
    while (asWit(() => datagrams.room()) === 0) {
      await waiting.whenReady({ ready: () => datagrams.canSend() })
    }
    const outcome: Outcome = { error: undefined }
    asWit(() => datagrams.send(data, goal, (error) => (outcome.error = error)))
    await waiting.whenReady({
      ready() {
        datagrams.sort()
        return outcome.error !== undefined || datagrams.channel.isClosed
      },
    })
    const { error = 'unknown' } = outcome
    if (error !== null) throw new WitError(socketCode(error))
  }

  async receive(): Promise<[Uint8Array, SocketAddress]> {
    const datagrams = this.#datagrams
    for (;;) {
      const received = asWit(() => {
        if (datagrams === null) throw fail('invalid-state')
        const [next] = datagrams.receive(1, this.remote)
        if (next === undefined && datagrams.channel.isClosed) throw fail('unknown')
        return { datagrams, next }
      })
      if (received.next !== undefined) return [received.next.data, received.next.remoteAddress]
      await this.world.waiting.whenReady({ ready: () => received.datagrams.canReceive() })
    }
  }

  getUnicastHopLimit(): number {
    return this.options.hopLimit
  }

  setUnicastHopLimit(value: number): void {
    asWit(() => (this.options.hopLimit = value))
  }

  [dispose](): void {
    this.#datagrams?.channel.close()
    this.release()
  }
}
