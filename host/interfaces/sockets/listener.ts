/**
 * A bound TCP socket of a guest. Node.js binds and listens in one step, so the port is held by listening from the
 * bind on; who connects before the guest listens is turned away, as the kernel would.
 */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { HostChannel } from '../../engine/index.ts'
import {
  maxWaitingConnections,
  type WireAddress,
  type WireConnection,
  type WireOpened,
} from '../../guest/index.ts'
import { addressOf, localOf, remoteOf } from './connection.ts'
import { errorCodeOf } from './error-code.ts'

/** Connections that a guest was told of and has not accepted, by token. */
export class WaitingConnections {
  readonly #sockets = new Map<number, Socket>()
  #lastToken = 0

  get isFull(): boolean {
    return this.#sockets.size >= maxWaitingConnections
  }

  add(socket: Socket): number {
    this.#lastToken += 1
    const token = this.#lastToken
    this.#sockets.set(token, socket)
    socket.once('close', () => this.#sockets.delete(token))
    return token
  }

  /** @returns undefined where it has gone meanwhile */
  take(token: unknown): Socket | undefined {
    const socket = this.#sockets.get(token as number)
    this.#sockets.delete(token as number)
    return socket
  }
}

export async function serveListen(
  local: WireAddress,
  backlog: number,
  waiting: WaitingConnections,
  channel: HostChannel,
): Promise<void> {
  let isListening = false
  const mine: number[] = []
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    socket.on('error', () => {})
    if (!isListening || waiting.isFull) {
      socket.destroy()
      return
    }
    const token = waiting.add(socket)
    mine.push(token)
    const told: WireConnection = { token, remote: remoteOf(socket), local: localOf(socket) }
    channel.send(told)
  })
  const answer = (opened: WireOpened): void => channel.send(opened)
  try {
    server.listen({ host: local.host, port: local.port, backlog, ipv6Only: local.family === 'ipv6' })
    await once(server, 'listening')
  } catch (error) {
    answer({ ok: false, error: errorCodeOf(error) })
    return
  }
  server.on('error', () => {})
  const { family, address, port } = server.address() as AddressInfo
  answer({ ok: true, local: addressOf(family, address, port), remote: null })
  try {
    for (;;) {
      const request = await channel.receive()
      if (request === null) return
      isListening ||= request === 'listen'
    }
  } finally {
    // Connections that were accepted live on; those that wait for it do not.
    for (const token of mine) waiting.take(token)?.destroy()
    server.close()
  }
}
