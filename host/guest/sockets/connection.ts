/** One TCP connection over its channel, which ends when the socket and the streams made of it have gone. */
import type { ByteSink, ByteSource } from '../bytes.ts'
import type { GuestChannel } from '../line.ts'

export class Connection {
  readonly #channel: GuestChannel
  /** The socket, and what was made of it. */
  #users = 1
  #isReadClosed = false

  constructor(channel: GuestChannel) {
    this.#channel = channel
  }

  /** What the other side sends. To be closed, as the sink. */
  source(): ByteSource {
    const { source } = this.#channel
    return {
      read: (maxBytes) => (this.#isReadClosed ? null : source.read(maxBytes)),
      ready: () => this.#isReadClosed || source.ready(),
      close: this.#use(),
    }
  }

  /** What goes to the other side; that there will be no more is said by `shutdown`. */
  sink(): ByteSink {
    const { sink } = this.#channel
    return {
      capacity: () => sink.capacity(),
      write: (bytes) => sink.write(bytes),
      flush: () => sink.flush(),
      ready: () => sink.ready(),
      close: this.#use(),
    }
  }

  shutdown(what: 'receive' | 'send' | 'both'): void {
    if (what !== 'send') this.#isReadClosed = true
    if (what !== 'receive') this.#channel.sink.close()
  }

  /** The socket is dropped. */
  leave(): void {
    this.#users -= 1
    if (this.#users > 0) return
    // What was written still goes out, and then the connection ends as TCP has it.
    this.#channel.sink.close()
    this.#channel.close()
  }

  #use(): () => void {
    this.#users += 1
    let isGone = false
    return () => {
      if (!isGone) this.leave()
      isGone = true
    }
  }
}
