/**
 * A channel over one libp2p stream.
 *
 * Back-pressure goes both ways: a full send buffer holds the sender, a full receive queue pauses the remote.
 * The stream's own `onDrain` is not used: its promise is made once and stays resolved (@libp2p/utils 7), so
 * from the second time on it would let a sender run ahead without bound.
 */
import type { Stream } from '@libp2p/interface'
import { messageOf, type Cancel, type Clock } from '../../core/index.ts'
import { transportLimits, type Channel } from './contract.ts'
import { encodeFrame, FrameReader } from './frames.ts'
import { transportProblems } from './problems.ts'
import type { ProtocolMeter } from './protocol-traffic.ts'

export class StreamChannel implements Channel {
  readonly messages: AsyncIterable<Uint8Array>
  readonly closed: Promise<void>
  readonly #stream: Stream
  readonly #clock: Clock
  readonly #maxFrameBytes: number
  readonly #meter: ProtocolMeter
  readonly #reader: FrameReader
  readonly #queue: Uint8Array[] = []
  #queuedBytes = 0
  #ended = false
  #remoteEnded = false
  #failure: Error | null = null
  #wake: () => void = () => {}
  #sending: Promise<void> = Promise.resolve()

  constructor(stream: Stream, clock: Clock, maxFrameBytes: number, meter: ProtocolMeter) {
    this.#stream = stream
    this.#clock = clock
    this.#maxFrameBytes = maxFrameBytes
    this.#meter = meter
    this.#reader = new FrameReader(maxFrameBytes)
    this.messages = { [Symbol.asyncIterator]: () => this.#read() }
    this.closed = new Promise((resolve) => {
      const end = (): void => {
        this.#end()
        resolve()
      }
      stream.addEventListener('close', end, { once: true })
      // What came before this object did is delivered in a microtask after the listener below is there.
      if (isGone(stream)) setImmediate(end)
    })
    stream.addEventListener('message', (event) => this.#onBytes(event.data.subarray()))
    stream.addEventListener('remoteCloseWrite', () => this.#onRemoteEnd())
    if (stream.remoteWriteStatus === 'closed') setImmediate(() => this.#onRemoteEnd())
  }

  async send(frame: Uint8Array): Promise<void> {
    const bytes = encodeFrame(frame, this.#maxFrameBytes)
    const sent = this.#sending.then(() => this.#write(bytes))
    this.#sending = sent.catch(() => {})
    return sent
  }

  close(): void {
    this.#end()
    const cancel = this.#clock.after(transportLimits.sendStallMs, () =>
      this.abort('it did not close in time'),
    )
    this.#sending
      .then(() => this.#stream.close())
      .catch((error: unknown) => this.abort(messageOf(error)))
      .finally(cancel)
      .catch(() => {})
  }

  /** Ends at once, dropping what is queued. */
  abort(reason: string): void {
    this.#end()
    this.#stream.abort(transportProblems.error('ERR_CHANNEL_CLOSED', `the channel was given up: ${reason}`))
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (isGone(this.#stream) || this.#stream.writeStatus !== 'writable') throw this.#closedError()
    try {
      this.#stream.send(bytes)
    } catch (error) {
      throw this.#closedError(error)
    }
    this.#meter.sent.bytes += bytes.length
    this.#meter.sent.messages += 1
    while (this.#stream.writeBufferLength > transportLimits.sendBufferBytes) {
      await this.#room()
      if (isGone(this.#stream)) throw this.#closedError()
    }
  }

  /** Resolves when the stream has sent something or is gone; gives the stream up when neither happens. */
  #room(): Promise<void> {
    const stream = this.#stream
    return new Promise((resolve) => {
      const names = ['drain', 'idle', 'close'] as const
      let cancel: Cancel | null = null
      const done = (): void => {
        cancel?.()
        for (const name of names) stream.removeEventListener(name, done)
        // The stream goes on sending in a microtask after `drain`: look at its buffer after that.
        setImmediate(resolve)
      }
      for (const name of names) stream.addEventListener(name, done)
      cancel = this.#clock.after(transportLimits.sendStallMs, () => {
        this.abort(`the peer took nothing for ${transportLimits.sendStallMs} ms`)
        done()
      })
    })
  }

  #onBytes(bytes: Uint8Array): void {
    // Also what comes too late to be read has crossed the wire.
    this.#meter.received.bytes += bytes.length
    if (this.#ended) return
    let frames: Uint8Array[]
    try {
      frames = this.#reader.push(bytes)
    } catch (error) {
      this.#failure = error as Error
      this.#end()
      this.#stream.abort(error as Error)
      return
    }
    this.#meter.received.messages += frames.length
    for (const frame of frames) {
      this.#queue.push(frame)
      // An empty frame costs memory too.
      this.#queuedBytes += frame.length + 64
    }
    if (frames.length > 0) this.#wake()
    if (this.#queuedBytes > transportLimits.queuedBytes && this.#stream.readStatus === 'readable') {
      this.#stream.pause()
    }
  }

  /** The remote will send no more; what it sent before and is held back by a pause still counts. */
  #onRemoteEnd(): void {
    this.#remoteEnded = true
    if (this.#stream.readBufferLength === 0) this.close()
  }

  #end(): void {
    this.#ended = true
    this.#wake()
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const frame = this.#queue.shift()
        if (frame !== undefined) {
          this.#queuedBytes -= frame.length + 64
          if (this.#queuedBytes <= transportLimits.queuedBytes / 2 && this.#stream.readStatus === 'paused') {
            this.#stream.resume()
            if (this.#remoteEnded) this.#onRemoteEnd()
          }
          yield frame
        } else if (this.#failure !== null) {
          throw this.#failure
        } else if (this.#ended) {
          return
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
        }
      }
    } finally {
      // A consumer that stops reading must not leave the sender waiting.
      if (!this.#ended) this.close()
    }
  }

  #closedError(cause?: unknown): Error {
    return transportProblems.error('ERR_CHANNEL_CLOSED', `the ${this.#stream.protocol} channel is closed`, {
      cause,
    })
  }
}

function isGone(stream: Stream): boolean {
  return stream.status === 'closed' || stream.status === 'aborted' || stream.status === 'reset'
}
