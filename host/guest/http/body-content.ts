/**
 * What a guest writes into an outgoing body. It is kept until somebody can take it, so that a small body goes out
 * with its head in one message; beyond that, or when the guest goes to sleep, it flows through the channel.
 */
import { StreamFailure, type ByteSink } from '../bytes.ts'
import type { HttpErrorCode } from './error-code.ts'
import { bytesOf, latin1Of } from './field-list.ts'
import { httpGuestLimits } from './limits.ts'
import type { HttpWorld } from './resource.ts'
import type { FlatFields } from './wire.ts'

/** Where a body goes that does not stay whole. */
export interface BodyRoute {
  /** Sends the head. @returns where the bytes go from now on; null where they can go nowhere yet */
  open(): ByteSink | null
  /** All bytes were written. */
  finished(trailers: FlatFields | null): void
  /** There will be no more bytes, and some are missing. */
  aborted(): void
}

type State = 'open' | 'finished' | 'aborted'

export class BodyContent implements ByteSink {
  readonly #world: HttpWorld
  /** Which error a wrong length is. */
  readonly #sizeTag: 'HTTP-request-body-size' | 'HTTP-response-body-size'
  readonly #declaredBytes: number | null
  #route: BodyRoute | null = null
  #sink: ByteSink | null = null
  /** All that is kept, one character a byte, while that is little; then null, and the rest in pieces. */
  #text: string | null = ''
  #pieces: Uint8Array[] = []
  #kept = 0
  #written = 0
  #state: State = 'open'
  #trailers: FlatFields | null = null
  #failure: StreamFailure | null = null
  #isRouteGone = false

  constructor(world: HttpWorld, sizeTag: BodyContent['sizeTag'], declaredBytes: number | null) {
    this.#world = world
    this.#sizeTag = sizeTag
    this.#declaredBytes = declaredBytes
  }

  get sizeTag(): 'HTTP-request-body-size' | 'HTTP-response-body-size' {
    return this.#sizeTag
  }

  get state(): State {
    return this.#state
  }

  get trailers(): FlatFields | null {
    return this.#trailers
  }

  get isStreaming(): boolean {
    return this.#sink !== null
  }

  /** From now on it has somewhere to go. */
  connect(route: BodyRoute): void {
    this.#route = route
  }

  /** Nobody wants it any more: a guest that writes on is told that the stream is closed. */
  disconnect(): void {
    this.#isRouteGone = true
    this.#forget()
  }

  /** Hands on what is kept, and all that follows. @returns whether that is possible */
  stream(): boolean {
    if (this.#sink !== null) return true
    const sink = this.#isRouteGone ? null : (this.#route?.open() ?? null)
    if (sink === null) return false
    this.#sink = sink
    this.#toPieces()
    for (const piece of this.#pieces) if (sink.capacity() !== null) sink.write(piece)
    this.#forget()
    if (this.#state === 'finished') {
      sink.close()
      this.#route?.finished(this.#trailers)
    }
    return true
  }

  /** All that was written, of a short body that does not stream; null where it is longer, or empty. */
  text(): string | null {
    const text = this.#text
    if (text === null || text === '') return null
    this.#forget()
    return text
  }

  /** All that was written, of a body that does not stream; null where it is empty. */
  whole(): Uint8Array | null {
    this.#toPieces()
    const pieces = this.#pieces
    const size = this.#kept
    this.#forget()
    if (size === 0) return null
    if (pieces.length === 1) return pieces[0]!
    const bytes = new Uint8Array(size)
    let at = 0
    for (const piece of pieces) {
      bytes.set(piece, at)
      at += piece.length
    }
    return bytes
  }

  /** @returns the error where fewer or more bytes were written than the headers declare; null where it is complete */
  finish(trailers: FlatFields | null): HttpErrorCode | null {
    if (this.#declaredBytes !== null && this.#written !== this.#declaredBytes) {
      this.abort()
      return this.#sizeError()
    }
    this.#trailers = trailers
    this.#state = 'finished'
    if (this.#sink === null) return null
    this.#sink.close()
    this.#route?.finished(trailers)
    return null
  }

  abort(): void {
    if (this.#state !== 'open') return
    this.#state = 'aborted'
    this.#forget()
    this.#route?.aborted()
  }

  capacity(): number | null {
    const failure = this.#failure
    if (failure !== null) {
      this.#failure = null
      this.abort()
      throw failure
    }
    if (this.#isRouteGone || this.#state !== 'open') return null
    if (this.#sink !== null) return this.#sink.capacity()
    const room = httpGuestLimits.wholeBodyBytes - this.#kept
    if (room > 0) return room
    return this.stream() ? this.#sink!.capacity() : 0
  }

  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#written += bytes.length
    if (this.#declaredBytes !== null && this.#written > this.#declaredBytes) {
      this.#failure = new StreamFailure('more was written than the content-length says', this.#sizeError())
      return
    }
    if (this.#sink !== null) return this.#sink.write(bytes)
    this.#world.spend(bytes.length)
    this.#kept += bytes.length
    if (this.#text !== null && this.#kept <= httpGuestLimits.textBodyBytes) {
      this.#text += latin1Of(bytes)
      return
    }
    this.#toPieces()
    this.#pieces.push(bytes.slice())
  }

  #toPieces(): void {
    const text = this.#text
    if (text !== null && text !== '') this.#pieces.push(bytesOf(text))
    this.#text = null
  }

  flush(): void {
    this.#sink?.flush()
  }

  ready(): boolean {
    if (this.#failure !== null || this.#isRouteGone || this.#state !== 'open') return true
    if (this.#sink !== null) return this.#sink.ready()
    return this.#kept < httpGuestLimits.wholeBodyBytes || this.stream()
  }

  /** The stream is dropped; whether the body is complete, its `finish` says. */
  close(): void {}

  #forget(): void {
    this.#world.giveBack(this.#kept)
    this.#kept = 0
    this.#text = null
    if (this.#pieces.length > 0) this.#pieces = []
  }

  #sizeError(): HttpErrorCode {
    return { tag: this.#sizeTag, val: BigInt(this.#written) }
  }
}
