/**
 * wasi:sockets/tcp: the states of a socket as its semantics have them (TcpSocketOperationalSemantics.md of the
 * proposal). What takes time is begun by `start-*`, and `finish-*` says `would-block` until the node has answered.
 */
import { dispose } from '../io/index.ts'
import type { GuestChannel } from '../line.ts'
import type { PartContext } from '../part.ts'
import { fromWire, isBindable, isReachable, toWire, type SocketAddress } from './address.ts'
import { Connection } from './connection.ts'
import { backlogOf, defaultBacklog } from './backlog.ts'
import { checkGranted, fail, openedBy, takeMessage, untilBound, type Network } from './network.ts'
import { Socket } from './socket.ts'
import { socketsId, type ConnectOptions, type Family, type WireConnection, type WireOpened } from './wire.ts'

type State =
  | { readonly is: 'unbound' | 'closed' }
  /** While it is being bound and after, the node holds the address by listening on it and refusing. */
  | { readonly is: 'binding' | 'bound' | 'starting' | 'listening'; readonly channel: GuestChannel }
  | { readonly is: 'connecting'; readonly channel: GuestChannel }
  | { readonly is: 'connected'; readonly connection: Connection }

const inProgress: readonly State['is'][] = ['binding', 'starting', 'connecting']

export class TcpSocket extends Socket {
  #state: State = { is: 'unbound' }
  #backlog = defaultBacklog

  static create(context: PartContext, family: Family): TcpSocket {
    return new TcpSocket(context, family)
  }

  startBind(_network: Network, address: SocketAddress): void {
    this.#checkState('unbound')
    if (!isBindable(address, this.family)) throw fail('invalid-argument')
    checkGranted(this.context, 'tcp-listen', toWire(address))
    const channel = this.context.line.open(socketsId, 'listen', [toWire(address), this.#backlog])
    this.#state = { is: 'binding', channel }
  }

  finishBind(): void {
    const channel = this.#inProgress('binding')
    untilBound(channel, this.context)
    this.local = fromWire(this.#opened(channel, { is: 'unbound' }).local)
    this.#state = { is: 'bound', channel }
  }

  startConnect(_network: Network, address: SocketAddress): void {
    this.#checkState('unbound', 'bound')
    if (!isReachable(address, this.family)) throw fail('invalid-argument')
    const options: ConnectOptions = {
      local: this.local === null ? null : toWire(this.local),
      remote: toWire(address),
      keepAliveMs: this.options.keepAliveMs,
    }
    checkGranted(this.context, 'tcp-connect', options.remote)
    // Its address is free again before the node connects from it: both go down one line, in order.
    if (this.#state.is === 'bound') this.#state.channel.close()
    this.#state = { is: 'connecting', channel: this.context.line.open(socketsId, 'connect', [options]) }
  }

  finishConnect(): [object, object] {
    const channel = this.#inProgress('connecting')
    const { local, remote } = this.#opened(channel, { is: 'closed' })
    this.local = fromWire(local)
    this.remote = remote === null ? null : fromWire(remote)
    return this.#connected(channel)
  }

  startListen(): void {
    this.#checkState('bound')
    const { channel } = this.#state as { channel: GuestChannel }
    channel.send('listen')
    this.#state = { is: 'starting', channel }
  }

  finishListen(): void {
    this.#state = { is: 'listening', channel: this.#inProgress('starting') }
  }

  accept(): [TcpSocket, object, object] {
    const state = this.#state
    if (state.is !== 'listening') throw fail('invalid-state')
    const { token, local, remote } = takeMessage(state.channel, this.context) as WireConnection
    const accepted = new TcpSocket(this.context, this.family, this.options.copy())
    accepted.local = fromWire(local)
    accepted.remote = fromWire(remote)
    const channel = this.context.line.open(socketsId, 'accepted', [token, this.options.keepAliveMs])
    return [accepted, ...accepted.#connected(channel)]
  }

  isListening(): boolean {
    return this.#state.is === 'listening'
  }

  setListenBacklogSize(value: bigint): void {
    this.#backlog = backlogOf(value, this.#state.is)
  }

  keepAliveEnabled(): boolean {
    return this.options.keepAliveEnabled
  }

  setKeepAliveEnabled(value: boolean): void {
    this.options.keepAliveEnabled = value
  }

  keepAliveIdleTime(): bigint {
    return this.options.idle
  }

  setKeepAliveIdleTime(value: bigint): void {
    this.options.idle = value
  }

  keepAliveInterval(): bigint {
    return this.options.interval
  }

  setKeepAliveInterval(value: bigint): void {
    this.options.interval = value
  }

  keepAliveCount(): number {
    return this.options.count
  }

  setKeepAliveCount(value: number): void {
    this.options.count = value
  }

  hopLimit(): number {
    return this.options.hopLimit
  }

  setHopLimit(value: number): void {
    this.options.hopLimit = value
  }

  /** Ready whenever `finish-*` or `accept` would not say `would-block`. */
  subscribe(): object {
    return this.context.io.pollable({
      ready: () => {
        const state = this.#state
        return state.is === 'binding' || state.is === 'connecting' || state.is === 'listening'
          ? state.channel.ready()
          : true
      },
    })
  }

  shutdown(what: 'receive' | 'send' | 'both'): void {
    if (this.#state.is !== 'connected') throw fail('invalid-state')
    this.#state.connection.shutdown(what)
  }

  [dispose](): void {
    const state = this.#state
    this.#state = { is: 'closed' }
    if (state.is === 'connected') state.connection.leave()
    else if ('channel' in state) state.channel.close()
    this.release()
  }

  #connected(channel: GuestChannel): [object, object] {
    const connection = new Connection(channel)
    this.#state = { is: 'connected', connection }
    const { io } = this.context
    return [io.inputStream(connection.source()), io.outputStream(connection.sink())]
  }

  /** @throws WitError with what the node said, in which case the socket is in the state `failed` */
  #opened(channel: GuestChannel, failed: State): Extract<WireOpened, { ok: true }> {
    const message = takeMessage(channel, this.context)
    try {
      return openedBy(channel, message)
    } catch (error) {
      this.#state = failed
      throw error
    }
  }

  #inProgress(is: 'binding' | 'connecting' | 'starting'): GuestChannel {
    if (this.#state.is !== is) throw fail('not-in-progress')
    return (this.#state as { channel: GuestChannel }).channel
  }

  #checkState(...allowed: readonly State['is'][]): void {
    const { is } = this.#state
    if (allowed.includes(is)) return
    throw fail(inProgress.includes(is) ? 'concurrency-conflict' : 'invalid-state')
  }
}
