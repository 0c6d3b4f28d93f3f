/** A request over HTTP on its way to an app of another node, and the response back: bodies at the pace of their readers. */
import type { CallAnswer, CallBody, CallStream, OutgoingCall } from '../../mesh/index.ts'
import type { FlatFields } from '../guest/http/index.ts'
import { isStreamed, type HttpRequest, type HttpResponse, type StreamedBody } from '../http/index.ts'
import { callRules } from './contract.ts'
import {
  packHttpAnswer,
  packHttpRequest,
  packTrailers,
  readHttpAnswer,
  readTrailers,
  type HttpRequestHead,
} from './heads.ts'

/** A request that may be sent more than once: as long as nobody has read of its body. */
export class SentRequest {
  readonly head: Uint8Array
  readonly body: CallBody
  #isTouched = false

  /** @throws ERR_CBOR for a head that is no text */
  constructor(app: string, request: HttpRequest) {
    this.head = packHttpRequest(app, request)
    this.body = isStreamed(request.body) ? this.#sent(request.body) : request.body
  }

  get isReplayable(): boolean {
    return !this.#isTouched
  }

  call(deadlineMs: number, hops: number, signal: AbortSignal): OutgoingCall {
    return { head: this.head, body: this.body, deadlineMs, hops, signal }
  }

  #sent(body: StreamedBody): CallStream {
    const chunks: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => {
        this.#isTouched = true
        return body.chunks[Symbol.asyncIterator]()
      },
    }
    return { chunks, trailer: () => packTrailers(body.trailers()) }
  }
}

/** @throws ERR_CALL_MALFORMED */
export function responseFrom({ head, body }: CallAnswer): HttpResponse {
  const { status, headers, trailers } = readHttpAnswer(head)
  if (body === null || body instanceof Uint8Array) {
    return { status, headers, body, trailers: () => trailers ?? null }
  }
  return {
    status,
    headers,
    body: body.chunks,
    trailers: () => readTrailers(body.trailer()) ?? trailers ?? null,
  }
}

/** The request as the app's own node hands it in. @param signal aborts when nobody waits for the response any more */
export function requestFrom(
  head: HttpRequestHead,
  body: CallBody,
  signal: AbortSignal,
  hops?: number,
): HttpRequest {
  const { method, path, scheme, authority, headers, size } = head
  return {
    method,
    path,
    scheme,
    authority,
    headers,
    body: body === null || body instanceof Uint8Array ? body : arriving(body, size ?? null),
    hops: hops === undefined ? hops : Math.min(hops, callRules.hops),
    whenLeft(left) {
      if (signal.aborted) left()
      else signal.addEventListener('abort', left, { once: true })
    },
  }
}

function arriving(body: CallStream, sizeBytes: number | null): StreamedBody {
  return { chunks: body.chunks, sizeBytes, trailers: () => readTrailers(body.trailer()) }
}

export function answerOf(response: HttpResponse): CallAnswer {
  const { body } = response
  if (body === null || body instanceof Uint8Array || typeof body === 'string') {
    const bytes = typeof body === 'string' ? new Uint8Array(Buffer.from(body, 'latin1')) : body
    return { head: packHttpAnswer(response, response.trailers()), body: bytes }
  }
  const trailer = (): Uint8Array | null => packTrailers(response.trailers())
  return { head: packHttpAnswer(response, null), body: { chunks: body, trailer } }
}

/** @param sticky of the release: `header:NAME` or `cookie:NAME` */
export function keyOf(sticky: string | undefined, headers: FlatFields): string | null {
  if (sticky === undefined) return null
  const colon = sticky.indexOf(':')
  const name = sticky.slice(colon + 1)
  if (sticky.startsWith('header:')) return valueOf(headers, name.toLowerCase())
  const cookies = valueOf(headers, 'cookie') ?? ''
  for (const cookie of cookies.split(';')) {
    const [given, ...value] = cookie.split('=')
    if (given?.trim() === name) return value.join('=').trim()
  }
  return null
}

export function valueOf(headers: FlatFields, name: string): string | null {
  for (let at = 0; at < headers.length; at += 2) {
    const given = headers[at] as string
    if (given.length === name.length && given.toLowerCase() === name) return headers[at + 1] as string
  }
  return null
}
