/**
 * Where an incoming body comes from: a message that carried it whole, or the channel of its exchange. What the
 * resources `incoming-body` and `future-trailers` stand on.
 */
import { StreamFailure, type ByteSource } from '../bytes.ts'
import type { GuestChannel } from '../line.ts'
import { isHttpErrorCode, type HttpErrorCode } from './error-code.ts'
import type { FlatFields, FromGuest, FromNode } from './wire.ts'

/** How a body ended: with its trailers, or not well. */
export type BodyEnd = { readonly trailers: FlatFields | null } | { readonly code: HttpErrorCode }

export interface BodyFeed {
  /** Asked for once. */
  source(): ByteSource
  /** How it ended; null where it has not. */
  end(): BodyEnd | null
  /** Whether `end` has something to say. */
  ready(): boolean
  /** Nobody reads on; its end is still of interest. */
  discard(): void
  /** Nobody wants anything of it any more. May be called twice. */
  release(): void
}

const nothing = new Uint8Array(0)

/** A body in memory. */
export class WholeFeed implements BodyFeed, ByteSource {
  #rest: Uint8Array | null
  readonly #end: BodyEnd

  constructor(bytes: Uint8Array | null, trailers: FlatFields | null) {
    this.#rest = bytes
    this.#end = { trailers }
  }

  source(): ByteSource {
    return this
  }

  read(maxBytes: number): Uint8Array | null {
    const rest = this.#rest
    if (rest === null || rest.length === 0) return null
    if (maxBytes <= 0) return nothing
    if (rest.length <= maxBytes) {
      this.#rest = null
      return rest
    }
    this.#rest = rest.subarray(maxBytes)
    return rest.subarray(0, maxBytes)
  }

  ready(): boolean {
    return true
  }

  close(): void {
    this.#rest = null
  }

  end(): BodyEnd {
    return this.#end
  }

  discard(): void {
    this.#rest = null
  }

  release(): void {
    this.#rest = null
  }
}

/** A body that comes through a channel, and its end as a message. */
export class ChannelFeed implements BodyFeed {
  readonly #channel: GuestChannel
  readonly #released: () => void
  #end: BodyEnd | null = null
  #isDiscarded = false
  #hasFailed = false
  #isReleased = false

  /** @param released told once, when nobody wants anything of it any more */
  constructor(channel: GuestChannel, released: () => void) {
    this.#channel = channel
    this.#released = released
  }

  source(): ByteSource {
    const { source } = this.#channel
    return {
      read: (maxBytes) => this.#read(maxBytes),
      ready: () => source.ready(),
      close: () => this.discard(),
    }
  }

  #read(maxBytes: number): Uint8Array | null {
    if (this.#isDiscarded) return null
    const bytes = this.#readChannel(maxBytes)
    // A channel that is closed ends its bytes as if all were there: only the message says whether they were.
    if (bytes !== null) return bytes
    const end = this.end()
    if (end === null || !('code' in end) || this.#hasFailed) return null
    this.#hasFailed = true
    throw new StreamFailure(`the body broke off (${end.code.tag})`, end.code)
  }

  #readChannel(maxBytes: number): Uint8Array | null {
    try {
      return this.#channel.source.read(maxBytes)
    } catch (error) {
      this.#hasFailed = true
      throw error
    }
  }

  end(): BodyEnd | null {
    if (this.#end !== null) return this.#end
    const message = this.#channel.receive() as FromNode | undefined
    if (message?.t === 'end') this.#end = { trailers: message.trailers }
    else if (message?.t === 'failed') this.#end = { code: checked(message.code) }
    else if (message !== undefined || this.#channel.isClosed)
      this.#end = { code: { tag: 'connection-terminated' } }
    return this.#end
  }

  ready(): boolean {
    return this.#end !== null || this.#channel.ready()
  }

  discard(): void {
    if (this.#isDiscarded) return
    this.#isDiscarded = true
    this.#channel.source.close()
    if (this.end() === null) this.#channel.send({ t: 'discard' } satisfies FromGuest)
  }

  release(): void {
    if (this.#isReleased) return
    this.discard()
    this.#isReleased = true
    this.#released()
  }
}

function checked(code: unknown): HttpErrorCode {
  return isHttpErrorCode(code) ? code : { tag: 'HTTP-protocol-error' }
}
