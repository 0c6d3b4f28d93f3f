/**
 * The other side of the board's wires: QEMU's machine protocol, by which pins are driven and read from outside, the
 * network's plug is pulled, and nothing inside can tell. One order at a time, each answered.
 */
import { createConnection, type Socket } from 'node:net'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

interface Answer {
  readonly return?: unknown
  readonly error?: { readonly desc: string }
  readonly event?: string
}

const answerMs = 10_000
const connectMs = 20_000
const retryMs = 50

export class Qmp {
  readonly #socket: Socket
  readonly #waiting: ((answer: Answer) => void)[] = []

  private constructor(socket: Socket) {
    this.#socket = socket
    const lines = createInterface({ input: socket })
    // It hands on what went wrong with the socket, which is closed then.
    lines.on('error', () => {})
    lines.on('line', (line) => {
      const answer = JSON.parse(line) as Answer
      if (answer.return !== undefined || answer.error !== undefined) this.#waiting.shift()?.(answer)
    })
    socket.on('error', () => {})
    socket.once('close', () => {
      for (const answered of this.#waiting.splice(0)) answered({ error: { desc: 'the board is off' } })
    })
  }

  /** @param path of QEMU's socket, which it may be about to make */
  static async connect(path: string): Promise<Qmp> {
    const deadline = performance.now() + connectMs
    for (;;) {
      const socket = createConnection(path)
      try {
        await once(socket, 'connect')
        const qmp = new Qmp(socket)
        await qmp.order('qmp_capabilities')
        return qmp
      } catch (error) {
        socket.destroy()
        if (performance.now() > deadline) throw error
        await new Promise((wake) => setTimeout(wake, retryMs))
      }
    }
  }

  /** @throws what QEMU says against it */
  async order(execute: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const answer = await new Promise<Answer>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`QEMU does not answer ${execute}`)), answerMs)
      this.#waiting.push((given) => {
        clearTimeout(late)
        resolve(given)
      })
      this.#socket.write(`${JSON.stringify({ execute, arguments: args })}\n`)
    })
    if (answer.error !== undefined) throw new Error(`QEMU: ${execute}: ${answer.error.desc}`)
    return answer.return
  }

  close(): void {
    this.#socket.destroy()
  }
}
