/**
 * Responses that come behind another one on their connection. They have no socket before it is their turn, and so
 * node:http tells none of them that its client has gone: whatever waits for one would wait for ever.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export class Pipelined {
  readonly #waiting = new WeakMap<Socket, Set<ServerResponse>>()

  /** @param response that has just been made for a request on this socket */
  follow(socket: Socket, response: ServerResponse): void {
    if (response.socket !== null) return
    const behind = this.#waiting.get(socket) ?? this.#watch(socket)
    behind.add(response)
    response.once('socket', () => behind.delete(response))
  }

  #watch(socket: Socket): Set<ServerResponse> {
    const behind = new Set<ServerResponse>()
    this.#waiting.set(socket, behind)
    socket.once('close', () => {
      for (const response of behind) {
        response.destroy()
        // As node:http tells the one that has the socket.
        response.emit('close')
      }
    })
    return behind
  }
}
