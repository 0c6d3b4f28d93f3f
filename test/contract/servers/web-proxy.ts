/** What stands before a broker on the web: TLS and WebSockets outside, TCP inside. */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Pair } from './certificates.ts'

/** The part of `ws` that is used here: the one that the library for MQTT comes with. */
interface WebSockets {
  readonly WebSocketServer: new (options: { readonly server: unknown; readonly path: string }) => {
    on(event: 'connection', listener: (socket: object) => void): void
  }
  createWebSocketStream(socket: object): Duplex
}

export interface WebProxy {
  readonly port: number
  stop(): void
}

/** @param path where WebSockets are taken; elsewhere they are answered 400 */
export async function webProxy(to: number, { certificate, key }: Pair, path: string): Promise<WebProxy> {
  const require = createRequire(createRequire(import.meta.url).resolve('mqtt'))
  const { WebSocketServer, createWebSocketStream } = require('ws') as WebSockets
  const server = createServer({ cert: await readFile(certificate), key: await readFile(key) })
  const open = new Set<Duplex>()
  new WebSocketServer({ server, path }).on('connection', (socket) => {
    const [outside, inside] = [createWebSocketStream(socket), connect(to, '127.0.0.1')]
    for (const [one, other] of [
      [outside, inside],
      [inside, outside],
    ] as const) {
      open.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    stop() {
      for (const one of open) one.destroy()
      server.close()
    },
  }
}
