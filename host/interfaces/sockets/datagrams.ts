/** A bound UDP socket of a guest: datagrams one by one, and never more under way than a window. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
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
import { errorCodeOf } from './error-code.ts'

/** @param mayReach asked for each datagram: what the sandbox's half checked counts for nothing */
export async function serveDatagrams(
  local: WireAddress,
  hopLimit: number,
  mayReach: (to: WireAddress) => boolean,
  channel: HostChannel,
): Promise<void> {
  const isIpv6 = local.family === 'ipv6'
  const socket = createSocket(isIpv6 ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' })
  const say = (news: WireUdpNews | WireOpened): void => channel.send(news)
  const underWay = new UnderWay()
  let room = datagramWindow
  socket.on('message', (data, { family, address, port }) => {
    if (room === 0) return
    room -= 1
    say({ data: new Uint8Array(data), from: addressOf(family, address, port) })
  })
  try {
    socket.bind({ address: local.host, port: local.port, exclusive: true })
    await once(socket, 'listening')
  } catch (error) {
    socket.close()
    say({ ok: false, error: errorCodeOf(error) })
    return
  }
  socket.on('error', () => {})
  if (hopLimit >= 1 && hopLimit <= 255) socket.setTTL(hopLimit)
  const { family, address, port } = socket.address()
  say({ ok: true, local: addressOf(family, address, port), remote: null })
  try {
    for (;;) {
      const request = (await channel.receive()) as WireUdpRequest | null
      if (request === null) return
      if ('room' in request) room = Math.min(datagramWindow, room + Number(request.room))
      else if (!mayReach(request.to)) say({ sent: true, error: 'access-denied' })
      else {
        underWay.begin()
        send(socket, request.data, request.to, (error) => {
          underWay.end()
          say({ sent: true, error })
        })
      }
    }
  } finally {
    // What was sent is sent, as with close(2); the socket takes a moment for each.
    await underWay.none()
    socket.close()
  }
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

function send(
  socket: Socket,
  data: Uint8Array,
  to: WireAddress,
  done: (error: NetworkErrorCode | null) => void,
): void {
  socket.send(data, to.port, to.host, (error) => done(error === null ? null : errorCodeOf(error)))
}
