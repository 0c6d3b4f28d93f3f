/** A socket that says exactly what a test wants, and hears all that comes back. */
import { connect, type Socket } from 'node:net'

export interface RawClient {
  readonly socket: Socket
  send(text: string): void
  /** All that came until the other side ended or closed. */
  closed(): Promise<string>
  /** What came so far, once it holds `text`. */
  until(text: string): Promise<string>
}

export function rawClient(port: number): RawClient {
  const socket = connect(port, '127.0.0.1')
  let heard = ''
  let isClosed = false
  const waiters: (() => void)[] = []
  const changed = (): void => {
    for (const wake of waiters.splice(0)) wake()
  }
  socket.on('data', (piece: Buffer) => {
    heard += piece.toString('latin1')
    changed()
  })
  socket.on('error', () => {})
  for (const event of ['end', 'close']) {
    socket.on(event, () => {
      isClosed = true
      changed()
    })
  }
  const change = (): Promise<void> => new Promise((resolve) => waiters.push(resolve))
  return {
    socket,
    send: (text) => void socket.write(text, 'latin1'),
    async closed() {
      // oxlint-disable-next-line no-unmodified-loop-condition -- the socket's events do
      while (!isClosed) await change()
      return heard
    },
    async until(text) {
      while (!heard.includes(text)) {
        if (isClosed) throw new Error(`closed before ${JSON.stringify(text)}; heard ${JSON.stringify(heard)}`)
        await change()
      }
      return heard
    },
  }
}
