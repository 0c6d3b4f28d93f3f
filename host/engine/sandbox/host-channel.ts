/** The node's end of a channel, with waiting: what arrives wakes those who asked for it. */
import type { ChannelEnd, ChannelFailure, ChannelMessage } from '../../guest/index.ts'
import type { HostChannel } from './channel.ts'

/** A write is cut into pieces of this size, so that one does not fill the other side's window. */
const pieceBytes = 64 * 1024

export class SandboxChannel implements HostChannel {
  readonly #end: ChannelEnd
  readonly #over: () => void
  /** Made when somebody asks: it costs more than all the rest. */
  #aborter: AbortController | null = null
  #isAborted = false
  #waiting: (() => void)[] = []

  /** @param over told once when both sides have ended it */
  constructor(end: ChannelEnd, over: () => void) {
    this.#end = end
    this.#over = over
  }

  /** @returns what the sandbox did that it must not, or null */
  accept(message: ChannelMessage): string | null {
    const fault = this.#end.accept(message)
    if (message.t === 'close') this.#abort()
    this.#wake()
    return fault
  }

  /** The other side is gone; what it sent before can still be read. @param failed whether reading from it fails, rather than ends */
  lost(why: string, failed = true): void {
    this.#end.accept({ t: 'close', channel: this.#end.id, failure: failed ? { message: why } : null })
    this.#abort()
    this.#wake()
    this.#over()
  }

  get signal(): AbortSignal {
    if (this.#aborter === null) {
      this.#aborter = new AbortController()
      if (this.#isAborted) this.#aborter.abort()
    }
    return this.#aborter.signal
  }

  #abort(): void {
    this.#isAborted = true
    this.#aborter?.abort()
  }

  get incoming(): AsyncIterable<Uint8Array> {
    return this.#read()
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const taken = this.#end.take(Infinity)
      if (taken === null) return
      if (!(taken instanceof Uint8Array)) throw new Error(taken.message)
      if (taken.length > 0) yield taken
      else await this.#change()
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const room = this.#end.room
      if (room === null) throw new Error('the channel is closed')
      if (room === 0) {
        await this.#change()
        continue
      }
      const piece = bytes.subarray(at, at + Math.min(room, pieceBytes))
      // Of its own: a view would take the whole buffer behind it across.
      this.#end.write(piece.length === piece.buffer.byteLength ? piece : piece.slice())
      at += piece.length
    }
  }

  end(failure: ChannelFailure | null = null): void {
    this.#end.endOutput(failure)
  }

  async receive(): Promise<unknown> {
    for (;;) {
      if (this.#end.hasMessage) return this.#end.takeMessage()
      if (this.#end.isClosed) return null
      await this.#change()
    }
  }

  send(message: unknown): void {
    this.#end.send(message)
  }

  close(failure: ChannelFailure | null = null): void {
    if (this.#end.isOver) return
    this.#end.close(failure)
    this.#abort()
    this.#wake()
    this.#over()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
