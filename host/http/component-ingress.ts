/**
 * The way into an app that exports `wasi:http/incoming-handler`: one invocation for each request. Request and
 * response cross whole where they are small; else the invocation's channel carries what streams.
 */
import { messageOf } from '../../core/index.ts'
import type { HostChannel, InvocationRequest, Sandbox } from '../engine/index.ts'
import {
  httpPartName,
  packCall,
  unpackAnswer,
  type FlatFields,
  type FromGuest,
  type FromNode,
  type HttpErrorCode,
  type WholeResponse,
} from '../guest/http/index.ts'
import {
  isStreamed,
  type HttpRequest,
  type HttpResponse,
  type Ingress,
  type StreamedBody,
} from './contract.ts'
import { httpProblems } from './problems.ts'

/** The same of WASI 0.3, which the sandbox's part serves in its place. */
export const asyncHandlerId = 'wasi:http/handler@0.3.0'

/** @param sandbox of which only `invoke` is used: a pool is one too */
export function componentIngress(app: string, sandbox: Pick<Sandbox, 'invoke'>): Ingress {
  return {
    handle: (request) =>
      new Promise((resolve, reject) => {
        sandbox.invoke(new IncomingExchange(app, request, resolve, reject))
      }),
  }
}

function callOf({ method, path, scheme, authority, headers, body }: HttpRequest): unknown[] {
  return packCall({ method, path, scheme, authority, headers, body: isStreamed(body) ? 'streamed' : body })
}

const noTrailers = (): null => null

type ResponseEnd = { readonly trailers: FlatFields | null } | 'broken'

class IncomingExchange implements InvocationRequest {
  readonly part = httpPartName
  readonly name = 'handle'
  readonly args: readonly unknown[]
  readonly hops: number | undefined
  readonly #app: string
  readonly #body: HttpRequest['body']
  /** null until the guest uses it: an answer that comes whole needs none. */
  #channel: HostChannel | null = null
  readonly #resolve: (response: HttpResponse) => void
  readonly #reject: (error: unknown) => void
  /** How the streamed response ended; null while it goes on. */
  #end: ResponseEnd | null = null
  #wakeEnd: (() => void) | null = null
  #isDiscarded = false

  constructor(
    app: string,
    request: HttpRequest,
    resolve: (response: HttpResponse) => void,
    reject: (error: unknown) => void,
  ) {
    this.#app = app
    this.#body = request.body
    this.#resolve = resolve
    this.#reject = reject
    this.args = callOf(request)
    this.hops = request.hops
  }

  used(channel: HostChannel): void {
    this.#channel = channel
    void this.#listen(channel)
  }

  answered(value: unknown): void {
    let answer: ReturnType<typeof unpackAnswer>
    try {
      answer = unpackAnswer(value)
    } catch (error) {
      return this.failed(httpProblems.error('ERR_HTTP_RESPONSE', `${this.#app}: ${messageOf(error)}`))
    }
    if (answer.t === 'streamed') return
    this.#channel?.close()
    if (answer.t === 'response') {
      const { status, headers, body, trailers } = answer
      return this.#resolve({
        status,
        headers,
        body,
        trailers: trailers === null ? noTrailers : () => trailers,
      })
    }
    this.#reject(
      answer.t === 'error'
        ? errorOf(this.#app, answer.code)
        : httpProblems.error('ERR_HTTP_NO_RESPONSE', `${this.#app}: ${answer.why}`),
    )
  }

  failed(error: unknown): void {
    this.#reject(error)
    this.#finish('broken')
    this.#channel?.close()
  }

  async #listen(channel: HostChannel): Promise<void> {
    for (;;) {
      const message = (await channel.receive()) as FromGuest | null
      if (message === null) return this.#finish('broken')
      switch (message.t) {
        case 'want':
          if (isStreamed(this.#body)) void this.#sendRequest(this.#body, channel)
          break
        case 'discard':
          this.#isDiscarded = true
          break
        case 'response':
          this.#resolve(this.#streamed(message, channel))
          break
        case 'end':
          this.#finish({ trailers: message.trailers })
          break
        case 'abort':
          this.#finish('broken')
          break
      }
    }
  }

  #finish(end: ResponseEnd): void {
    if (this.#end !== null) return
    this.#end = end
    this.#wakeEnd?.()
  }

  #streamed({ status, headers }: WholeResponse, channel: HostChannel): HttpResponse {
    return {
      status,
      headers,
      body: this.#bytes(channel),
      trailers: () => (typeof this.#end === 'object' ? (this.#end?.trailers ?? null) : null),
    }
  }

  /** Whoever stops reading, even before the first piece, ends the guest's writing at once. */
  #bytes(channel: HostChannel): AsyncIterable<Uint8Array> {
    const pieces = this.#pieces(channel)
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => pieces.next(),
        return() {
          channel.close()
          return pieces.return(undefined)
        },
      }),
    }
  }

  async *#pieces(channel: HostChannel): AsyncGenerator<Uint8Array> {
    try {
      yield* channel.incoming
      // The bytes end as well where the guest died: whether it had finished, only its word says.
      if (this.#end === null) await new Promise<void>((resolve) => (this.#wakeEnd = resolve))
      if (this.#end === 'broken') {
        throw httpProblems.error('ERR_HTTP_RESPONSE', `${this.#app} broke off in the middle of its response`)
      }
    } finally {
      channel.close()
    }
  }

  /** To the guest, at the pace at which it reads. */
  async #sendRequest(body: StreamedBody, channel: HostChannel): Promise<void> {
    try {
      for await (const piece of body.chunks) {
        // Thrown away for a guest that wants only what comes after the body.
        if (!this.#isDiscarded) await channel.write(piece)
      }
      channel.end()
      channel.send({ t: 'end', trailers: body.trailers() } satisfies FromNode)
    } catch (error) {
      // A write fails where the guest is gone or has answered already.
      if (channel.signal.aborted) return
      const code = codeOf(error)
      channel.end({ message: messageOf(error), code })
      channel.send({ t: 'failed', code } satisfies FromNode)
      this.#reject(error)
    }
  }
}

/** Why the guest's body ended early. */
function codeOf(error: unknown): HttpErrorCode {
  const tooLarge = (error as { code?: unknown }).code === 'ERR_HTTP_BODY_SIZE'
  return tooLarge ? { tag: 'HTTP-request-body-size', val: undefined } : { tag: 'connection-terminated' }
}

function errorOf(app: string, code: HttpErrorCode): Error {
  const detail = code.tag === 'internal-error' && code.val !== undefined ? `: ${code.val}` : ''
  if (code.tag === 'HTTP-request-body-size') {
    return httpProblems.error('ERR_HTTP_BODY_SIZE', `${app} does not take a body of that size`)
  }
  return httpProblems.error('ERR_HTTP_APP', `${app} answered with ${code.tag}${detail}`)
}
