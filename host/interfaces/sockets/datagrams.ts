/** A bound UDP socket of a guest: datagrams one by one, and never more under way than a window. */
import type { Socket } from 'node:dgram'
import type { HostChannel } from '../../engine/index.ts'
import {
  datagramWindow,
  type NetworkErrorCode,
  type WireAddress,
  type WireOpened,
  type WireUdpNews,
  type WireUdpRequest,
} from '../../guest/index.ts'
import { addressOf } from './connection.ts'
import { bindDatagrams } from './datagram-binding.ts'
import { errorCodeOf } from './error-code.ts'

/** @param mayReach asked for each datagram: what the sandbox's half checked counts for nothing */
export async function serveDatagrams(
  local: WireAddress,
  hopLimit: number,
  mayReach: (to: WireAddress) => boolean,
  channel: HostChannel,
): Promise<void> {
  let socket: Socket
  try {
    socket = await bindDatagrams(local)
  } catch (error) {
    channel.send({ ok: false, error: errorCodeOf(error) } satisfies WireOpened)
    return
  }
  if (hopLimit >= 1 && hopLimit <= 255) socket.setTTL(hopLimit)
  const served = new ServedDatagrams(socket, mayReach, channel)
  channel.send({ ok: true, local: served.local, remote: null } satisfies WireOpened)
  try {
    for (;;) {
      const request = (await channel.receive()) as WireUdpRequest | null
      if (request === null) return
      await served.take(request)
    }
  } finally {
    await served.close()
  }
}

class ServedDatagrams {
  readonly #socket: Socket
  readonly #mayReach: (to: WireAddress) => boolean
  readonly #channel: HostChannel
  readonly #underWay = new UnderWay()
  #peer: WireAddress | null = null
  #room = datagramWindow

  constructor(socket: Socket, mayReach: (to: WireAddress) => boolean, channel: HostChannel) {
    this.#socket = socket
    this.#mayReach = mayReach
    this.#channel = channel
    socket.on('message', (data, { family, address, port }) => {
      if (this.#room === 0) return
      this.#room -= 1
      this.#say({ data: new Uint8Array(data), from: addressOf(family, address, port) })
    })
    // Of a connected socket: what the network answered to datagrams that were sent (ICMP).
    socket.on('error', (error) => this.#say({ failed: errorCodeOf(error) }))
  }

  get local(): WireAddress {
    const { family, address, port } = this.#socket.address()
    return addressOf(family, address, port)
  }

  #say(news: WireUdpNews): void {
    this.#channel.send(news)
  }

  async take(request: WireUdpRequest): Promise<void> {
    if ('room' in request) this.#room = Math.min(datagramWindow, this.#room + Number(request.room))
    else if ('associate' in request) this.#say({ associated: await this.#associate(request.associate) })
    else this.#send(request.data, request.to, request.number)
  }

  async #associate(peer: WireAddress | null): Promise<WireOpened> {
    if (peer !== null && !this.#mayReach(peer)) return { ok: false, error: 'access-denied' }
    try {
      // Also from one peer to another: Node.js connects no socket twice.
      if (this.#peer !== null) this.#socket.disconnect()
      this.#peer = null
      if (peer !== null) await connected(this.#socket, peer)
      this.#peer = peer
      return { ok: true, local: this.local, remote: peer }
    } catch (error) {
      return { ok: false, error: errorCodeOf(error) }
    }
  }

  #send(data: Uint8Array, to: WireAddress, number: number): void {
    const told = (error: NetworkErrorCode | null): void => this.#say({ sent: number, error })
    const peer = this.#peer
    if (!this.#mayReach(to)) return told('access-denied')
    if (peer !== null && (peer.host !== to.host || peer.port !== to.port)) return told('invalid-argument')
    this.#underWay.begin()
    const done = (error: Error | null): void => {
      this.#underWay.end()
      told(error === null ? null : errorCodeOf(error))
    }
    if (peer === null) this.#socket.send(data, to.port, to.host, done)
    else this.#socket.send(data, done)
  }

  /** What was sent is sent, as with close(2); the socket takes a moment for each. */
  async close(): Promise<void> {
    await this.#underWay.none()
    this.#socket.close()
  }
}

function connected(socket: Socket, { host, port }: WireAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    // The types know of no error; it is what a callback gets instead of an event.
    const done = (error?: Error): void => (error === undefined ? resolve() : reject(error))
    socket.connect(port, host, done)
  })
}

/** Counts what was begun, and tells when nothing is left of it. */
class UnderWay {
  #count = 0
  #wake: (() => void) | null = null

  begin(): void {
    this.#count += 1
  }

  end(): void {
    this.#count -= 1
    if (this.#count === 0) this.#wake?.()
  }

  none(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    return new Promise((resolve) => (this.#wake = resolve))
  }
}
