/** One TCP connection between the network and a guest's channel, each direction at the pace of who reads. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { messageOf, systemClock } from '../../../core/index.ts'
import type { HostChannel } from '../../engine/index.ts'
import type { ConnectOptions, WireAddress, WireOpened } from '../../guest/index.ts'
import { errorCodeOf } from './error-code.ts'

/** How long a connection to somebody who does not answer is tried, ms. The kernel's own limit is two minutes. */
const connectMs = 30_000
/** After the guest has let go, what it wrote gets so long to leave, ms. */
const lingerMs = 30_000

export async function serveConnect(options: ConnectOptions, channel: HostChannel): Promise<void> {
  const { local, remote, keepAliveMs } = options
  const socket = connect({
    host: remote.host,
    port: remote.port,
    family: remote.family === 'ipv4' ? 4 : 6,
    allowHalfOpen: true,
    ...(local === null ? {} : { localAddress: local.host, localPort: local.port }),
  })
  const cancel = systemClock.after(connectMs, () => {
    socket.destroy(Object.assign(new Error('nobody answered'), { code: 'ETIMEDOUT' }))
  })
  const giveUp = (): void => void socket.destroy()
  channel.signal.addEventListener('abort', giveUp, { once: true })
  try {
    await once(socket, 'connect')
  } catch (error) {
    socket.destroy()
    say(channel, { ok: false, error: errorCodeOf(error) })
    return
  } finally {
    cancel()
    channel.signal.removeEventListener('abort', giveUp)
  }
  say(channel, { ok: true, local: localOf(socket), remote: remoteOf(socket) })
  await carry(socket, channel, keepAliveMs)
}

function say(channel: HostChannel, opened: WireOpened): void {
  channel.send(opened)
}

/** Until both directions have ended, or the guest is gone. */
export async function carry(socket: Socket, channel: HostChannel, keepAliveMs: number | null): Promise<void> {
  if (keepAliveMs !== null) socket.setKeepAlive(true, keepAliveMs)
  socket.setNoDelay(true)
  // Whoever awaits the socket is told; without a listener it would be nobody's, and end the process.
  socket.on('error', () => {})
  const outgoing = toNetwork(socket, channel)
  // A guest that has let go reads no more: once what it wrote is out, nobody waits for the other side.
  const letGo = (): void => void outgoing.finally(() => socket.destroy())
  if (channel.signal.aborted) letGo()
  else channel.signal.addEventListener('abort', letGo, { once: true })
  try {
    await Promise.all([toGuest(socket, channel), outgoing])
  } finally {
    socket.destroy()
  }
}

async function toGuest(socket: Socket, channel: HostChannel): Promise<void> {
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (channel.signal.aborted) break
      await channel.write(chunk)
    }
    channel.end()
  } catch (error) {
    // A guest that closed its side is no failure of the network.
    if (!channel.signal.aborted) channel.end({ message: messageOf(error), code: errorCodeOf(error) })
  }
}

async function toNetwork(socket: Socket, channel: HostChannel): Promise<void> {
  try {
    for await (const piece of channel.incoming) {
      if (socket.destroyed) return
      if (!socket.write(piece)) await drained(socket)
    }
    await ended(socket)
  } catch {
    socket.destroy()
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.on('drain', done).on('close', done)
  })
}

/** The end of what the guest wrote is on its way, and a reader who never reads does not hold it for ever. */
function ended(socket: Socket): Promise<void> {
  if (socket.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const cancel = systemClock.after(lingerMs, () => socket.destroy())
    const done = (): void => {
      cancel()
      resolve()
    }
    socket.once('close', done)
    socket.end(done)
  })
}

export function localOf(socket: Socket): WireAddress {
  return addressOf(socket.localFamily, socket.localAddress, socket.localPort)
}

export function remoteOf(socket: Socket): WireAddress {
  return addressOf(socket.remoteFamily, socket.remoteAddress, socket.remotePort)
}

export function addressOf(family: unknown, host = '', port = 0): WireAddress {
  return { family: family === 'IPv6' || family === 6 ? 'ipv6' : 'ipv4', host, port }
}
