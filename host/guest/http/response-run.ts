/**
 * One incoming request on its way through the guest: holds the answer back until the guest has finished it or
 * goes to sleep, so that a small one costs a single message, and sees that every exchange has an end.
 */
import type { ByteSink } from '../bytes.ts'
import type { GuestChannel } from '../line.ts'
import type { BodyContent, BodyRoute } from './body-content.ts'
import { isHttpErrorCode, type HttpErrorCode } from './error-code.ts'
import { httpGuestLimits } from './limits.ts'
import type { OutgoingResponse, Responder } from './outgoing-response.ts'
import type { FlatFields, FromGuest, IncomingAnswer } from './wire.ts'

export class ResponseRun implements Responder, BodyRoute {
  readonly #open: () => GuestChannel
  #channel: GuestChannel | null = null
  #response: OutgoingResponse | null = null
  #content: BodyContent | null = null
  #refusal: HttpErrorCode | null = null

  /** @param open the invocation's channel */
  constructor(open: () => GuestChannel) {
    this.#open = open
  }

  /** The invocation's channel, opened when it is first needed. */
  get channel(): GuestChannel {
    this.#channel ??= this.#open()
    return this.#channel
  }

  respond(response: OutgoingResponse): void {
    this.#response = response
    this.#content = response.content
    this.#content?.connect(this)
  }

  refuse(code: HttpErrorCode): void {
    this.#refusal = bounded(code)
  }

  /** The guest is about to wait: what it has said goes out first. */
  beforeSleep(): void {
    this.#content?.stream()
  }

  open(): ByteSink | null {
    const response = this.#response
    if (response === null) return null
    this.#send({
      t: 'response',
      status: response.statusCode(),
      headers: response.list.flat,
      body: 'streamed',
      trailers: null,
    })
    return this.channel.sink
  }

  finished(trailers: FlatFields | null): void {
    this.#send({ t: 'end', trailers })
  }

  aborted(): void {
    if (this.#content?.isStreaming === true) this.#send({ t: 'abort' })
  }

  /** The guest's handler has returned. @returns what the node is told */
  settle(): IncomingAnswer {
    const answer = this.#answer()
    // Whatever the guest still holds of this exchange, it can do nothing more with it.
    this.#content?.disconnect()
    this.#channel?.close()
    return answer
  }

  #answer(): IncomingAnswer {
    if (this.#refusal !== null) return { t: 'error', code: this.#refusal }
    const response = this.#response
    if (response === null) return { t: 'none', why: 'the app returned without an answer' }
    const content = this.#content
    if (content?.isStreaming === true) {
      if (content.state === 'open') this.#send({ t: 'abort' })
      return { t: 'streamed' }
    }
    const t = 'response'
    const status = response.statusCode()
    const headers = response.list.flat
    if (content === null) return { t, status, headers, body: null, trailers: null }
    if (content.state !== 'finished')
      return { t: 'none', why: 'the app did not finish the body of its answer' }
    const { trailers } = content
    const body = content.text()
    if (body !== null) return { t: 'text', status, headers, body, trailers }
    return { t, status, headers, body: content.whole(), trailers }
  }

  #send(message: FromGuest): void {
    this.channel.send(message)
  }
}

/** What a guest says went wrong, in a size that a log takes. */
function bounded(code: HttpErrorCode): HttpErrorCode {
  if (!isHttpErrorCode(code)) return { tag: 'internal-error', val: undefined }
  if (code.tag !== 'internal-error' || code.val === undefined) return code
  return { tag: code.tag, val: code.val.slice(0, httpGuestLimits.messageChars) }
}
