/** A listening socket's channel as the stream of its connections; it lives as long as the socket or the stream does. */
import type { GuestChannel } from '../../line.ts'
import type { WireConnection } from '../../sockets/wire.ts'
import type { Waiting } from '../world.ts'

export class Listener<Accepted> {
  readonly #channel: GuestChannel
  readonly #waiting: Waiting
  readonly #accept: (told: WireConnection) => Accepted
  /** The socket and the stream. */
  #users = 2
  #isStreamGone = false

  constructor(channel: GuestChannel, waiting: Waiting, accept: (told: WireConnection) => Accepted) {
    this.#channel = channel
    this.#waiting = waiting
    this.#accept = accept
  }

  connections(): AsyncIterable<Accepted> {
    const iterator: AsyncIterator<Accepted, undefined> = {
      next: () => this.#next(),
      return: () => Promise.resolve(this.#end()),
    }
    return { [Symbol.asyncIterator]: () => iterator }
  }

  async #next(): Promise<IteratorResult<Accepted, undefined>> {
    for (;;) {
      if (this.#isStreamGone) return { done: true, value: undefined }
      const told = this.#channel.receive() as WireConnection | undefined
      if (told !== undefined) return { done: false, value: this.#accept(told) }
      // Only a fatal error ends it.
      if (this.#channel.isClosed) return this.#end()
      await this.#waiting.whenReady(this.#channel)
    }
  }

  #end(): IteratorResult<Accepted, undefined> {
    if (!this.#isStreamGone) this.leave()
    this.#isStreamGone = true
    return { done: true, value: undefined }
  }

  /** Of the socket, when it is dropped. */
  leave(): void {
    this.#users -= 1
    if (this.#users === 0) this.#channel.close()
  }
}
