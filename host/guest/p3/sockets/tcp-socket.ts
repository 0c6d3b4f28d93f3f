/**
 * `tcp-socket` of wasi:sockets 0.3 (TcpSocketOperationalSemantics-0.3.0.md of the proposal), over what 0.2 has below
 * its resources. What the WIT lets wait does; binding, which it does not, sleeps until the node's kernel has answered.
 */
import { dispose } from '../../io/index.ts'
import type { GuestChannel } from '../../line.ts'
import { fromWire, isBindable, isReachable, toWire, type SocketAddress } from '../../sockets/address.ts'
import { backlogOf, defaultBacklog } from '../../sockets/backlog.ts'
import { Connection } from '../../sockets/connection.ts'
import { checkGranted, fail, openedBy, takeMessage } from '../../sockets/network.ts'
import { socketsId, type ConnectOptions, type Family, type WireConnection } from '../../sockets/wire.ts'
import { StreamFailure } from '../../bytes.ts'
import { drain, drop, empty, okay, streamFrom, type GuestStream, type WitResult } from '../streams.ts'
import { asWit, codeOfFailure, socketCode, type SocketCode } from './error-code.ts'
import { Listener } from './listener.ts'
import { anyAddress, type SocketsWorld } from './socket.ts'
import { TcpOptions } from './tcp-options.ts'

type State =
  | { readonly is: 'unbound' | 'closed' }
  /** The node holds the address by listening on it and refusing. */
  | { readonly is: 'bound'; readonly channel: GuestChannel }
  | { readonly is: 'connecting'; readonly channel: GuestChannel }
  | { readonly is: 'connected'; readonly connection: Connection }
  | { readonly is: 'listening'; readonly listener: Listener<TcpSocket> }

type Done = WitResult<undefined, SocketCode>

const refused: Done = { tag: 'err', val: socketCode('invalid-state') }

export class TcpSocket extends TcpOptions {
  #state: State = { is: 'unbound' }
  #backlog = defaultBacklog
  #isSending = false
  #isReceiving = false

  static create(world: SocketsWorld, family: Family): TcpSocket {
    return new TcpSocket(world, family)
  }

  bind(address: SocketAddress): void {
    asWit(() => {
      this.#checkState('unbound')
      if (!isBindable(address, this.family)) throw fail('invalid-argument')
      this.#bind(address)
    })
  }

  #bind(address: SocketAddress): GuestChannel {
    const { context } = this.world
    checkGranted(context, 'tcp-listen', toWire(address))
    const channel = context.line.open(socketsId, 'listen', [toWire(address), this.#backlog])
    context.line.wait([channel])
    this.local = fromWire(openedBy(channel, takeMessage(channel, context)).local)
    this.#state = { is: 'bound', channel }
    return channel
  }

  async connect(address: SocketAddress): Promise<void> {
    const channel = asWit(() => this.#startConnect(address))
    await this.world.waiting.whenReady(channel)
    asWit(() => this.#finishConnect(channel))
  }

  #startConnect(address: SocketAddress): GuestChannel {
    this.#checkState('unbound', 'bound')
    if (!isReachable(address, this.family)) throw fail('invalid-argument')
    const { context } = this.world
    const options: ConnectOptions = {
      local: this.local === null ? null : toWire(this.local),
      remote: toWire(address),
      keepAliveMs: this.options.keepAliveMs,
    }
    checkGranted(context, 'tcp-connect', options.remote)
    // Its address is free again before the node connects from it: both go down one line, in order.
    if (this.#state.is === 'bound') this.#state.channel.close()
    const channel = context.line.open(socketsId, 'connect', [options])
    this.#state = { is: 'connecting', channel }
    return channel
  }

  #finishConnect(channel: GuestChannel): void {
    // Dropped meanwhile: nobody is left who could close what would come of it.
    if (this.#state.is !== 'connecting') throw fail('connection-aborted')
    this.#state = { is: 'closed' }
    const { local, remote } = openedBy(channel, takeMessage(channel, this.world.context))
    this.local = fromWire(local)
    this.remote = remote === null ? null : fromWire(remote)
    this.#state = { is: 'connected', connection: new Connection(channel) }
  }

  listen(): AsyncIterable<TcpSocket> {
    return asWit(() => {
      this.#checkState('unbound', 'bound')
      const channel = this.#state.is === 'bound' ? this.#state.channel : this.#bind(anyAddress(this.family))
      channel.send('listen')
      const listener = new Listener(channel, this.world.waiting, (told) => this.#accept(told))
      this.#state = { is: 'listening', listener }
      return listener.connections()
    })
  }

  #accept({ token, local, remote }: WireConnection): TcpSocket {
    const accepted = new TcpSocket(this.world, this.family, this.options.copy())
    accepted.local = fromWire(local)
    accepted.remote = fromWire(remote)
    const channel = this.world.context.line.open(socketsId, 'accepted', [token, this.options.keepAliveMs])
    accepted.#state = { is: 'connected', connection: new Connection(channel) }
    return accepted
  }

  async send(data: GuestStream): Promise<Done> {
    if (this.#state.is !== 'connected' || this.#isSending) {
      drop(data)
      return refused
    }
    this.#isSending = true
    const { connection } = this.#state
    const sink = connection.sink()
    // The end of the stream is what the other side is told; the channel ends with its last user.
    const ending = {
      ...sink,
      close: () => {
        connection.shutdown('send')
        sink.close()
      },
    }
    try {
      await drain(data, ending, this.world.waiting)
      return okay
    } catch (error) {
      if (!(error instanceof StreamFailure)) throw error
      return { tag: 'err', val: codeOfFailure(error) }
    }
  }

  receive(): [AsyncIterable<Uint8Array>, Promise<Done>] {
    if (this.#state.is !== 'connected' || this.#isReceiving) return [empty, Promise.resolve(refused)]
    this.#isReceiving = true
    return streamFrom(this.#state.connection.source(), this.world.waiting, codeOfFailure)
  }

  getIsListening(): boolean {
    return this.#state.is === 'listening'
  }

  setListenBacklogSize(value: bigint): void {
    asWit(() => {
      this.#backlog = backlogOf(value, this.#state.is)
    })
  }

  [dispose](): void {
    const state = this.#state
    this.#state = { is: 'closed' }
    if (state.is === 'connected') state.connection.leave()
    else if (state.is === 'listening') state.listener.leave()
    else if (state.is === 'bound' || state.is === 'connecting') state.channel.close()
    this.release()
  }

  #checkState(...allowed: readonly State['is'][]): void {
    if (!allowed.includes(this.#state.is)) throw fail('invalid-state')
  }
}
