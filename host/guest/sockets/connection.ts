/** The streams of one TCP connection over its channel; the channel ends when the socket and both streams have gone. */
import type { ByteSink, ByteSource } from '../bytes.ts'
import type { GuestChannel } from '../line.ts'
import type { PartContext } from '../part.ts'

export class Connection {
  readonly #channel: GuestChannel
  /** The socket, its input, its output. */
  #users = 3
  #isReadClosed = false

  constructor(channel: GuestChannel) {
    this.#channel = channel
  }

  streams(context: PartContext): [object, object] {
    const { source, sink } = this.#channel
    const leaveInput = this.#leaver()
    const leaveOutput = this.#leaver()
    const input: ByteSource = {
      read: (maxBytes) => (this.#isReadClosed ? null : source.read(maxBytes)),
      ready: () => this.#isReadClosed || source.ready(),
      close: leaveInput,
    }
    const output: ByteSink = {
      capacity: () => sink.capacity(),
      write: (bytes) => sink.write(bytes),
      flush: () => sink.flush(),
      ready: () => sink.ready(),
      close: leaveOutput,
    }
    return [context.io.inputStream(input), context.io.outputStream(output)]
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

  #leaver(): () => void {
    let isGone = false
    return () => {
      if (!isGone) this.leave()
      isGone = true
    }
  }
}
