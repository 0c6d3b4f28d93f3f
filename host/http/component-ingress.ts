/**
 * The way into an app that exports `wasi:http/incoming-handler`: one invocation for each request. Request and
 * response cross whole where they are small; else the invocation's channel carries what streams.
 */
import { messageOf } from '../../core/index.ts'
import type { HostChannel, Invocation, Sandbox } from '../engine/index.ts'
import {
  httpPartName,
  type FlatFields,
  type FromGuest,
  type FromNode,
  type HttpErrorCode,
  type IncomingAnswer,
  type IncomingCall,
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
    handle: (request) => new IncomingExchange(app, request, sandbox.invoke(invocationOf(request))).response,
  }
}

function invocationOf(request: HttpRequest): Parameters<Sandbox['invoke']>[0] {
  const { method, path, scheme, authority, headers, body } = request
  const call: IncomingCall = {
    method,
    path,
    scheme,
    authority,
    headers,
    body: isStreamed(body) ? 'streamed' : body,
  }
  return { part: httpPartName, name: 'handle', args: [call] }
}

type ResponseEnd = { readonly trailers: FlatFields | null } | 'broken'

class IncomingExchange {
  readonly response: Promise<HttpResponse>
  readonly #app: string
  readonly #body: HttpRequest['body']
  readonly #channel: HostChannel
  #resolve!: (response: HttpResponse) => void
  #reject!: (error: unknown) => void
  /** How the streamed response ended; null while it goes on. */
  #end: ResponseEnd | null = null
  #wakeEnd: (() => void) | null = null
  #isDiscarded = false

  constructor(app: string, request: HttpRequest, { result, channel }: Invocation) {
    this.#app = app
    this.#body = request.body
    this.#channel = channel
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    result.then(
      (value) => this.#answered(value as IncomingAnswer),
      (error: unknown) => this.#failed(error),
    )
    void this.#listen()
  }

  #answered(answer: IncomingAnswer): void {
    if (answer.t === 'streamed') return
    this.#channel.close()
    if (answer.t === 'response') {
      const { status, headers, body, trailers } = answer
      return this.#resolve({ status, headers, body: body as Uint8Array | null, trailers: () => trailers })
    }
    this.#reject(
      answer.t === 'error'
        ? errorOf(this.#app, answer.code)
        : httpProblems.error('ERR_HTTP_NO_RESPONSE', `${this.#app}: ${answer.why}`),
    )
  }

  #failed(error: unknown): void {
    this.#reject(error)
    this.#finish('broken')
    this.#channel.close()
  }

  async #listen(): Promise<void> {
    for (;;) {
      const message = (await this.#channel.receive()) as FromGuest | null
      if (message === null) return this.#finish('broken')
      switch (message.t) {
        case 'want':
          if (isStreamed(this.#body)) void this.#sendRequest(this.#body)
          break
        case 'discard':
          this.#isDiscarded = true
          break
        case 'response':
          this.#resolve(this.#streamed(message))
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

  #streamed({ status, headers }: WholeResponse): HttpResponse {
    return {
      status,
      headers,
      body: this.#bytes(),
      trailers: () => (typeof this.#end === 'object' ? (this.#end?.trailers ?? null) : null),
    }
  }

  async *#bytes(): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#channel.incoming
      // The bytes end as well where the guest died: whether it had finished, only its word says.
      if (this.#end === null) await new Promise<void>((resolve) => (this.#wakeEnd = resolve))
      if (this.#end === 'broken') {
        throw httpProblems.error('ERR_HTTP_RESPONSE', `${this.#app} broke off in the middle of its response`)
      }
    } finally {
      this.#channel.close()
    }
  }

  /** To the guest, at the pace at which it reads. */
  async #sendRequest(body: StreamedBody): Promise<void> {
    const channel = this.#channel
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
