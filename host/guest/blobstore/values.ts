/**
 * The two resources of wasi:blobstore/types: an object on its way in, and one on its way out. Both are channels; the
 * streams that the guest sees are the channels' own, so that neither side ever holds more than a window.
 */
import { StreamFailure, type ByteSink, type ByteSource } from '../bytes.ts'
import { dispose } from '../io/index.ts'
import type { GuestChannel } from '../line.ts'
import type { PartContext } from '../part.ts'
import { WitError } from '../wit-error.ts'
import { blobstoreId, type WireAnswer, type WriteRequest } from './wire.ts'

/** Most bytes that a guest gets in one piece; more has to be read as a stream. */
const maxSyncBytes = 16 * 1024 * 1024
const readBytes = 1024 * 1024

/** Sleeps until the node has answered. @throws WitError with what it says */
function answerOf(channel: GuestChannel, { line }: PartContext): number {
  for (;;) {
    const answer = channel.receive() as WireAnswer | undefined
    if (answer?.ok) return answer.sizeBytes
    if (answer !== undefined) throw new WitError(answer.error)
    if (channel.isClosed) throw new WitError('the node closed the object')
    line.wait([channel])
  }
}

export class OutgoingValue {
  readonly #context: PartContext
  readonly #release: () => void
  #channel: GuestChannel | null = null
  #body: 'none' | 'open' | 'closed' = 'none'
  #hasTarget = false
  #isGone = false

  protected constructor(context: PartContext) {
    this.#release = context.hold()
    this.#context = context
  }

  static in(context: PartContext): OutgoingValue {
    return new this(context)
  }

  /** @throws WitError the second time */
  outgoingValueWriteBody(): object {
    if (this.#body !== 'none') throw new WitError(undefined)
    const { sink } = this.#open()
    const closing: ByteSink = {
      capacity: () => sink.capacity(),
      write: (bytes) => sink.write(bytes),
      flush: () => sink.flush(),
      ready: () => sink.ready(),
      close: () => {
        sink.close()
        this.#body = 'closed'
      },
    }
    const stream = this.#context.io.outputStream(closing)
    this.#body = 'open'
    return stream
  }

  /** @throws WitError where it may not, or has another place already */
  writeTo(container: string, object: string): void {
    if (this.#hasTarget) throw new WitError('the value is being written to an object already')
    this.#ask({ do: 'target', container, object })
    this.#hasTarget = true
  }

  static finish(value: OutgoingValue): void {
    value.#checkBody('finished')
    try {
      if (!value.#hasTarget) return
      value.#open().sink.close()
      value.#ask({ do: 'finish' })
    } finally {
      value.#leave()
    }
  }

  [dispose](): void {
    if (this.#isGone) return
    this.#checkBody('dropped')
    this.#leave('the guest dropped the value without finishing it')
  }

  #checkBody(what: string): void {
    if (this.#body === 'open') throw new Error(`a guest has ${what} an outgoing-value before its stream`)
  }

  #ask(request: WriteRequest): void {
    const channel = this.#open()
    channel.send(request)
    answerOf(channel, this.#context)
  }

  #open(): GuestChannel {
    if (this.#isGone) throw new Error('a guest used an outgoing-value that it has finished')
    return (this.#channel ??= this.#context.line.open(blobstoreId, 'write', []))
  }

  #leave(failure?: string): void {
    this.#isGone = true
    this.#channel?.close(failure)
    this.#release()
  }
}

export class IncomingValue {
  readonly #context: PartContext
  readonly #channel: GuestChannel
  readonly #sizeBytes: number
  readonly #release: () => void
  #isGone = false

  private constructor(context: PartContext, channel: GuestChannel, sizeBytes: number) {
    this.#release = context.hold()
    this.#context = context
    this.#channel = channel
    this.#sizeBytes = sizeBytes
  }

  /** @throws WitError where there is no such object or part */
  static open(
    context: PartContext,
    container: string,
    object: string,
    start: bigint,
    end: bigint,
  ): IncomingValue {
    const channel = context.line.open(blobstoreId, 'read', [container, object, start, end])
    try {
      return new IncomingValue(context, channel, answerOf(channel, context))
    } catch (error) {
      channel.close()
      throw error
    }
  }

  size(): bigint {
    return BigInt(this.#sizeBytes)
  }

  static incomingValueConsumeSync(value: IncomingValue): Uint8Array {
    value.#consume()
    try {
      if (value.#sizeBytes > maxSyncBytes) {
        throw new WitError(`more than ${maxSyncBytes} bytes are read as a stream (consume-async)`)
      }
      return value.#readAll()
    } finally {
      value.#channel.close()
    }
  }

  static incomingValueConsumeAsync(value: IncomingValue): object {
    value.#consume()
    const channel = value.#channel
    const source: ByteSource = {
      read: (maxBytes) => channel.source.read(maxBytes),
      ready: () => channel.source.ready(),
      close: () => {
        channel.source.close()
        channel.close()
      },
    }
    return value.#context.io.inputStream(source)
  }

  [dispose](): void {
    if (this.#isGone) return
    this.#consume()
    this.#channel.close()
  }

  #consume(): void {
    if (this.#isGone) throw new Error('a guest used an incoming-value that it has consumed')
    this.#isGone = true
    this.#release()
  }

  #readAll(): Uint8Array {
    const whole = new Uint8Array(this.#sizeBytes)
    const { source } = this.#channel
    for (let at = 0; ;) {
      let piece: Uint8Array | null
      try {
        piece = source.read(readBytes)
      } catch (error) {
        throw error instanceof StreamFailure ? new WitError(error.message) : error
      }
      if (piece === null) {
        if (at < whole.length) throw new WitError('the object ended early')
        return whole
      }
      if (piece.length === 0) this.#context.line.wait([source])
      whole.set(piece, at)
      at += piece.length
    }
  }
}
