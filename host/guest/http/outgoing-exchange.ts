/**
 * One outgoing request and its response, over one channel. The channel is closed when the guest is done with
 * both: neither writes the one nor can get anything more of the other.
 */
import type { ByteSink } from '../bytes.ts'
import type { GuestChannel } from '../line.ts'
import type { BodyContent, BodyRoute } from './body-content.ts'
import { ChannelFeed, WholeFeed, type BodyFeed } from './body-feed.ts'
import { isHttpErrorCode, type HttpErrorCode } from './error-code.ts'
import type { FlatFields, FromGuest, FromNode } from './wire.ts'

export type Outcome =
  | { readonly status: number; readonly headers: FlatFields; readonly feed: BodyFeed }
  | { readonly code: HttpErrorCode }

export class OutgoingExchange implements BodyRoute {
  readonly #channel: GuestChannel
  #content: BodyContent | null
  #outcome: Outcome | null = null
  #isResponseDone = false

  /** @param content of a body that is still being written; null where it went with the head */
  constructor(channel: GuestChannel, content: BodyContent | null) {
    this.#channel = channel
    this.#content = content
    content?.connect(this)
    content?.stream()
  }

  open(): ByteSink {
    return this.#channel.sink
  }

  finished(trailers: FlatFields | null): void {
    this.#send({ t: 'end', trailers })
    this.#requestDone()
  }

  aborted(): void {
    this.#send({ t: 'abort' })
    this.#requestDone()
  }

  ready(): boolean {
    return this.#outcome !== null || this.#channel.ready()
  }

  /** null where nothing is known yet. */
  outcome(): Outcome | null {
    this.#outcome ??= this.#read()
    return this.#outcome
  }

  /** The guest wants no response. */
  forgetResponse(): void {
    if (this.#isResponseDone) return
    this.#isResponseDone = true
    // Without anybody to read the answer the rest of the request is not worth sending.
    this.#content?.disconnect()
    this.#channel.close('the guest dropped the response')
  }

  #read(): Outcome | null {
    const message = this.#channel.receive() as FromNode | undefined
    if (message === undefined && !this.#channel.isClosed) return null
    if (message?.t === 'response') {
      const { status, headers, body, trailers } = message
      if (body === 'streamed') {
        return { status, headers, feed: new ChannelFeed(this.#channel, () => this.#responseDone()) }
      }
      this.#responseDone()
      return { status, headers, feed: new WholeFeed(body, trailers) }
    }
    this.#responseDone()
    const code = message?.t === 'error' && isHttpErrorCode(message.code) ? message.code : null
    return { code: code ?? { tag: 'connection-terminated' } }
  }

  #responseDone(): void {
    this.#isResponseDone = true
    this.#closeWhenDone()
  }

  #requestDone(): void {
    this.#content = null
    this.#closeWhenDone()
  }

  #closeWhenDone(): void {
    if (this.#isResponseDone && this.#content === null) this.#channel.close()
  }

  #send(message: FromGuest): void {
    this.#channel.send(message)
  }
}
