/**
 * The way into an app that exports `selvedge:edge/http-handler`: a record in, a record out, bodies whole. For guests
 * of a few kilobytes, which would spend more on streams than on their work.
 */
import { WitError, type Sandbox } from '../engine/index.ts'
import {
  isStreamed,
  type HttpRequest,
  type HttpResponse,
  type Ingress,
  type StreamedBody,
} from './contract.ts'
import { httpProblems } from './problems.ts'

export const httpHandlerId = 'selvedge:edge/http-handler@0.1.0'
const target = `${httpHandlerId}#handle`

/** WIT's `http-response`, as jco lifts it. */
interface ResponseRecord {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array
}

const noBody = new Uint8Array(0)
const noTrailers = (): null => null

/** @param maxBodyBytes of a request's body */
export function recordIngress(app: string, sandbox: Pick<Sandbox, 'call'>, maxBodyBytes: number): Ingress {
  return {
    handle(request: HttpRequest): Promise<HttpResponse> {
      const { body } = request
      if (!isStreamed(body)) return asked(app, sandbox, request, body ?? noBody)
      return collected(body, maxBodyBytes).then((whole) => asked(app, sandbox, request, whole))
    },
  }
}

function asked(
  app: string,
  sandbox: Pick<Sandbox, 'call'>,
  request: HttpRequest,
  body: Uint8Array,
): Promise<HttpResponse> {
  const record = {
    method: request.method,
    path: request.path,
    authority: request.authority ?? '',
    headers: pairs(request.headers),
    body,
  }
  const { hops } = request
  return sandbox.call(target, [record], hops === undefined ? hops : { hops }).then(
    (response) => responseOf(response as ResponseRecord),
    (error: unknown) => {
      if (!(error instanceof WitError)) throw error
      const why = typeof error.payload === 'string' ? error.payload.slice(0, 500) : 'it does not say why'
      throw httpProblems.error('ERR_HTTP_APP', `${app} answered with an error: ${why}`)
    },
  )
}

function responseOf({ status, headers, body }: ResponseRecord): HttpResponse {
  const flat: string[] = []
  for (const [name, value] of headers) flat.push(name, value)
  return { status, headers: flat, body, trailers: noTrailers }
}

function pairs(flat: HttpRequest['headers']): [string, string][] {
  const list: [string, string][] = []
  for (let at = 0; at < flat.length; at += 2) list.push([flat[at]!, flat[at + 1]!])
  return list
}

async function collected(body: StreamedBody, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = (): Error =>
    httpProblems.error('ERR_HTTP_BODY_SIZE', `the app takes bodies of up to ${maxBytes} bytes`)
  if (body.sizeBytes !== null && body.sizeBytes > maxBytes) throw tooLarge()
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of body.chunks) {
    size += piece.length
    if (size > maxBytes) throw tooLarge()
    pieces.push(piece)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
