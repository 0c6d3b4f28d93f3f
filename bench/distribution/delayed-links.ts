/**
 * Loopback as slow as a wire: connections through it are delayed piece by piece, and a piece that had to be sent again
 * holds up what comes after it. The same lines for ourselves and for rivals, in real time.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'

export interface LineQuality {
  readonly delayMs: number
  /** Chance that what is written at once is delayed by a retransmission, so long. */
  readonly resendChance: number
  readonly resendMs: number
}

export class DelayedLinks {
  readonly #quality: LineQuality
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  /** Off while nodes find each other. */
  isOn = false
  /** Both ways, ciphers and framing included. */
  bytes = 0

  constructor(quality: LineQuality) {
    this.#quality = quality
  }

  /** @returns a port that leads to `port` */
  async through(port: number): Promise<number> {
    const server = createServer({ noDelay: true }, (near) => {
      const far = connect({ port, host: '127.0.0.1', noDelay: true })
      this.#carry(near, far)
      this.#carry(far, near)
    })
    this.#servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  close(): void {
    for (const server of this.#servers) server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #carry(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    let lastMs = 0
    // Two timers of different length that end together may run in either order; the pieces must not.
    const underWay: Uint8Array[] = []
    from.on('data', (piece) => {
      this.bytes += piece.length
      const { delayMs, resendChance, resendMs } = this.#quality
      const extraMs = Math.random() < resendChance ? resendMs : 0
      lastMs = Math.max(lastMs, performance.now() + (this.isOn ? delayMs + extraMs : 0))
      underWay.push(piece)
      setTimeout(() => to.write(underWay.shift() as Uint8Array), lastMs - performance.now())
    })
    const end = (): void => {
      this.#sockets.delete(from)
      to.destroy()
    }
    from.on('close', end)
    from.on('error', end)
  }
}
