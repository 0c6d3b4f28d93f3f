/** `wasi:http/outgoing-handler`: checks that a request can be sent, and hands it to the node. */
import { WitError } from '../wit-error.ts'
import type { HttpErrorCode, PlainErrorTag } from './error-code.ts'
import { contentLengthOf } from './field-list.ts'
import { FutureIncomingResponse } from './incoming-response.ts'
import { methodText, schemeText } from './method.ts'
import { OutgoingExchange } from './outgoing-exchange.ts'
import type { OutgoingRequest } from './outgoing-request.ts'
import type { RequestOptions } from './request-options.ts'
import type { HttpWorld } from './resource.ts'
import { outgoingHandlerId, type OutgoingCall } from './wire.ts'

/** What the channel is opened as. */
export const outgoingChannelName = 'request'

/** @throws WitError error-code for a request that cannot be sent, whoever answered it */
export function handleOutgoing(
  world: HttpWorld,
  request: OutgoingRequest,
  options: RequestOptions | undefined,
): FutureIncomingResponse {
  options?.surrender()
  // Children of it may live on: it has only changed hands.
  if (!request.leave()) throw new Error('a guest sent a request that it has sent already')
  const content = request.content
  let call: OutgoingCall
  try {
    call = callOf(request, options)
  } catch (error) {
    content?.disconnect()
    throw error
  }
  const channel = world.context.line.open(outgoingHandlerId, outgoingChannelName, [call])
  const exchange = new OutgoingExchange(channel, call.body === 'streamed' ? content : null)
  return new FutureIncomingResponse(world, exchange)
}

function callOf(request: OutgoingRequest, options: RequestOptions | undefined): OutgoingCall {
  const scheme = schemeText(request.scheme() ?? { tag: 'HTTPS' })
  if (scheme === null) throw refusal('HTTP-protocol-error')
  const authority = request.authority()
  if (authority === undefined) throw refusal('HTTP-request-URI-invalid')
  const method = methodText(request.method())
  // A tunnel is no exchange of messages.
  if (method === 'CONNECT') throw refusal('HTTP-request-method-invalid')
  if (contentLengthOf(request.list) === undefined) throw refusal('HTTP-protocol-error')
  const { content } = request
  if (content?.state === 'aborted') throw new WitError(unfinished)
  const isStreamed = content?.state === 'open'
  return {
    method,
    scheme,
    authority,
    path: withSlash(request.pathWithQuery() ?? ''),
    headers: request.list.flat,
    body: isStreamed ? 'streamed' : (content?.whole() ?? null),
    trailers: isStreamed ? null : (content?.trailers ?? null),
    connectTimeoutMs: msOf(options?.connectTimeout()),
    firstByteTimeoutMs: msOf(options?.firstByteTimeout()),
    betweenBytesTimeoutMs: msOf(options?.betweenBytesTimeout()),
  }
}

const unfinished: HttpErrorCode = {
  tag: 'internal-error',
  val: 'the body was dropped before it was finished',
}

function refusal(tag: PlainErrorTag): WitError {
  return new WitError({ tag } satisfies HttpErrorCode)
}

function withSlash(path: string): string {
  return path.startsWith('/') ? path : `/${path}`
}

/** Nanoseconds to whole ms, at least one. */
function msOf(duration: bigint | undefined): number | null {
  if (duration === undefined) return null
  return Math.max(1, Number((duration + 999_999n) / 1_000_000n))
}
