/** A channel over a virtual connection: frames whole and in order, back-pressure both ways, an end that both see. */
import type { Clock } from '../../core/index.ts'
import { transportLimits, transportProblems, type Channel } from '../../mesh/transport/index.ts'
import { frameOverheadBytes, type SimConnection } from './sim-connection.ts'

/** Sent and not yet read on the other side; beyond it the sender waits. As the real one's two buffers together. */
const windowBytes = transportLimits.queuedBytes + transportLimits.sendBufferBytes

export class SimChannel implements Channel {
  readonly messages: AsyncIterable<Uint8Array>
  readonly closed: Promise<void>
  readonly protocol: string
  readonly #clock: Clock
  readonly #connection: SimConnection
  readonly #side: 0 | 1
  readonly #maxFrameBytes: number
  readonly #queue: Uint8Array[] = []
  #twin: SimChannel | null = null
  /** Sent and not yet read. */
  #outstandingBytes = 0
  /** Neither sends nor reads any more. */
  #isOver = false
  #failure: Error | null = null
  #wakeReader: () => void = () => {}
  readonly #waiting: (() => void)[] = []
  #resolveClosed: () => void = () => {}

  constructor(clock: Clock, connection: SimConnection, side: 0 | 1, protocol: string, maxFrameBytes: number) {
    this.#clock = clock
    this.#connection = connection
    this.#side = side
    this.protocol = protocol
    this.#maxFrameBytes = maxFrameBytes
    this.messages = { [Symbol.asyncIterator]: () => this.#read() }
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    connection.channels[side].add(this)
  }

  /** Both ends know each other. */
  join(twin: SimChannel): void {
    this.#twin = twin
  }

  async send(frame: Uint8Array): Promise<void> {
    if (frame.length > this.#maxFrameBytes) {
      throw transportProblems.error(
        'ERR_FRAME_TOO_LARGE',
        `a message of ${frame.length} bytes is over the limit of ${this.#maxFrameBytes}`,
      )
    }
    if (this.#isOver) throw this.#closedError()
    const bytes = frame.slice()
    this.#outstandingBytes += cost(bytes)
    const sizeBytes = bytes.length + frameOverheadBytes
    this.#connection.ends[this.#side].count(this.protocol, sizeBytes)
    this.#connection.carry(this.#side, this, sizeBytes, () => this.#twin?.receive(bytes))
    while (this.#outstandingBytes > windowBytes) {
      await this.#room()
      if (this.#isOver) throw this.#closedError()
    }
  }

  close(): void {
    if (this.#isOver) return
    this.#end()
    this.#connection.carry(this.#side, this, 0, () => {
      this.#resolveClosed()
      this.#twin?.remoteEnded()
    })
  }

  /** A frame is there. */
  receive(frame: Uint8Array): void {
    this.#connection.ends[this.#side].countReceived(this.protocol, frame.length + frameOverheadBytes)
    if (this.#isOver) return this.#twin?.taken(frame)
    if (frame.length > this.#maxFrameBytes) {
      this.#failure = transportProblems.error(
        'ERR_FRAME_TOO_LARGE',
        `the peer announced a message of ${frame.length} bytes, the limit is ${this.#maxFrameBytes}`,
      )
      return this.close()
    }
    this.#queue.push(frame)
    this.#wakeReader()
  }

  /** The other side has read a frame, or thrown it away. */
  taken(frame: Uint8Array): void {
    this.#outstandingBytes -= cost(frame)
    if (this.#outstandingBytes <= windowBytes) for (const wake of this.#waiting.splice(0)) wake()
  }

  /** What came before it can still be read. */
  remoteEnded(): void {
    this.#end()
    this.#resolveClosed()
  }

  /** The connection is gone. */
  lost(): void {
    this.#end()
    this.#resolveClosed()
  }

  #end(): void {
    this.#isOver = true
    this.#connection.channels[this.#side].delete(this)
    this.#wakeReader()
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** Resolves when the other side has read something, or the channel is over; ends it when neither happens. */
  #room(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(transportLimits.sendStallMs, () => {
        this.close()
        resolve()
      })
      this.#waiting.push(() => {
        cancel()
        resolve()
      })
    })
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const frame = this.#queue.shift()
        if (frame !== undefined) {
          this.#twin?.taken(frame)
          yield frame
        } else if (this.#failure !== null) {
          throw this.#failure
        } else if (this.#isOver) {
          return
        } else {
          await new Promise<void>((resolve) => {
            this.#wakeReader = resolve
          })
        }
      }
    } finally {
      this.close()
    }
  }

  #closedError(): Error {
    return transportProblems.error('ERR_CHANNEL_CLOSED', `the ${this.protocol} channel is closed`)
  }
}

/** An empty frame costs memory too. */
function cost(frame: Uint8Array): number {
  return frame.length + 64
}
