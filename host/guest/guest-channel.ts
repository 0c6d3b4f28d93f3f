/** The sandbox's end of a channel as parts use it: a source, a sink and messages, none of which wait. */
import { StreamFailure, type ByteSink, type ByteSource } from './bytes.ts'
import type { ChannelEnd } from './channel-end.ts'
import type { GuestChannel } from './line.ts'

export class LineChannel implements GuestChannel {
  readonly source: ByteSource
  readonly sink: ByteSink
  readonly #end: ChannelEnd
  readonly #over: () => void

  /** @param over told once when it was closed here */
  constructor(end: ChannelEnd, over: () => void) {
    this.#end = end
    this.#over = over
    this.source = new ChannelSource(end)
    this.sink = new ChannelSink(end)
  }

  receive(): unknown {
    return this.#end.takeMessage()
  }

  ready(): boolean {
    return this.#end.hasMessage || this.#end.isClosed
  }

  send(message: unknown): void {
    this.#end.send(message)
  }

  get isClosed(): boolean {
    return this.#end.isClosed
  }

  close(failure?: string): void {
    this.#end.close(failure === undefined ? null : { message: failure })
    this.#over()
  }
}

class ChannelSource implements ByteSource {
  readonly #end: ChannelEnd
  #isClosed = false

  constructor(end: ChannelEnd) {
    this.#end = end
  }

  read(maxBytes: number): Uint8Array | null {
    if (this.#isClosed) return null
    const taken = this.#end.take(maxBytes)
    if (taken === null || taken instanceof Uint8Array) return taken
    throw new StreamFailure(taken.message, taken.code)
  }

  ready(): boolean {
    return this.#isClosed || this.#end.hasInput
  }

  close(): void {
    this.#isClosed = true
  }
}

class ChannelSink implements ByteSink {
  readonly #end: ChannelEnd

  constructor(end: ChannelEnd) {
    this.#end = end
  }

  capacity(): number | null {
    return this.#end.room
  }

  write(bytes: Uint8Array): void {
    this.#end.write(bytes.slice())
  }

  /** What is written is on its way already; nobody can know when the other side has used it. */
  flush(): void {}

  ready(): boolean {
    return this.#end.room !== 0
  }

  close(): void {
    this.#end.endOutput(null)
  }
}
