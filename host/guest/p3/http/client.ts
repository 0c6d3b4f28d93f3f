/** `wasi:http/client` 0.3: a request goes to the node through a channel, and its response comes back through it. */
import { isHttpErrorCode, type HttpErrorCode, type PlainErrorTag } from '../../http/error-code.ts'
import { ChannelFeed, WholeFeed } from '../../http/body-feed.ts'
import { contentLengthOf, FieldList } from '../../http/field-list.ts'
import { methodText, schemeText } from '../../http/method.ts'
import { outgoingChannelName } from '../../http/outgoing-handler.ts'
import type { HttpWorld } from '../../http/resource.ts'
import { isAuthority } from '../../http/syntax.ts'
import {
  outgoingHandlerId,
  type FromGuest,
  type FromNode,
  type OutgoingCall,
  type WholeResponse,
} from '../../http/wire.ts'
import type { GuestChannel } from '../../line.ts'
import { WitError } from '../../wit-error.ts'
import type { Waiting } from '../world.ts'
import { abandon, sendBody, type GuestBody, type ReceivedBody, type SentBody } from './body.ts'
import { ResponseMessage, type RequestMessage } from './message.ts'

/** @throws WitError error-code */
export async function sendRequest(
  world: HttpWorld,
  waiting: Waiting,
  request: RequestMessage,
): Promise<ResponseMessage> {
  const body = request.takeBody()
  if (body.kind === 'received') return forward(world, waiting, request, body)
  let call: OutgoingCall
  try {
    call = callOf(request, body.contents !== undefined)
  } catch (error) {
    if (error instanceof WitError) abandon(body, error.payload as HttpErrorCode)
    throw error
  }
  return exchange(world, waiting, call, body)
}

async function exchange(
  world: HttpWorld,
  waiting: Waiting,
  head: OutgoingCall,
  body: GuestBody,
): Promise<ResponseMessage> {
  let call = head
  if (head.body !== 'streamed') {
    // Without contents the trailers are all that is still to come.
    const sent = await sendBody({ ...body, settle: () => undefined }, noSink, waiting, null)
    if (sent.tag === 'err') {
      body.settle(sent)
      throw new WitError(sent.val)
    }
    call = { ...head, trailers: sent.val }
  }
  const channel = world.context.line.open(outgoingHandlerId, outgoingChannelName, [call])
  const open = new OpenExchange(channel)
  const streamed = call.body === 'streamed' ? stream(body, channel, waiting, call) : null
  const isSent = (): void => open.requestIsSent()
  void streamed?.then(isSent, isSent)
  if (streamed === null) open.requestIsSent()
  try {
    const response = await answerOf(channel, waiting, streamed)
    if (streamed === null) body.settle({ tag: 'ok', val: undefined })
    return responseOf(world, response, open)
  } catch (error) {
    if (error instanceof WitError) body.settle({ tag: 'err', val: error.payload as HttpErrorCode })
    open.close()
    throw error
  }
}

/** Bytes through the channel, their end as a message. */
async function stream(
  body: GuestBody,
  channel: GuestChannel,
  waiting: Waiting,
  call: OutgoingCall,
): Promise<SentBody> {
  const promised = contentLengthOf(new FieldList([...call.headers])) ?? null
  const sent = await sendBody(body, channel.sink, waiting, promised)
  const message: FromGuest = sent.tag === 'ok' ? { t: 'end', trailers: sent.val } : { t: 'abort' }
  channel.send(message)
  return sent
}

/**
 * The node's answer, or why there is none. A body that breaks off before it takes the answer with it.
 * @throws WitError
 */
async function answerOf(
  channel: GuestChannel,
  waiting: Waiting,
  streamed: Promise<SentBody> | null,
): Promise<WholeResponse> {
  const answered: Promise<HttpErrorCode | undefined> = waiting.whenReady(channel).then(() => undefined)
  const broken = streamed?.then((sent) => (sent.tag === 'ok' ? answered : sent.val)) ?? answered
  const code = await Promise.race([answered, broken])
  const message = channel.receive() as FromNode | undefined
  if (message?.t === 'response') return message
  if (code !== undefined) throw new WitError(code)
  if (message?.t === 'error' && isHttpErrorCode(message.code)) throw new WitError(message.code)
  throw new WitError({ tag: 'connection-terminated' } satisfies HttpErrorCode)
}

function responseOf(world: HttpWorld, head: WholeResponse, open: OpenExchange): ResponseMessage {
  const feed =
    head.body === 'streamed'
      ? new ChannelFeed(open.channel, () => open.responseIsRead())
      : new WholeFeed(head.body, head.trailers)
  if (head.body !== 'streamed') open.responseIsRead()
  const response = new ResponseMessage(world, new FieldList([...head.headers]), { kind: 'received', feed })
  response.setStatusCode(head.status)
  return response
}

/** Its channel is closed when both directions are done with it. */
class OpenExchange {
  readonly channel: GuestChannel
  #isSent = false
  #isRead = false

  constructor(channel: GuestChannel) {
    this.channel = channel
  }

  requestIsSent(): void {
    this.#isSent = true
    if (this.#isRead) this.close()
  }

  responseIsRead(): void {
    this.#isRead = true
    if (this.#isSent) this.close()
  }

  close(): void {
    this.channel.close()
  }
}

/** A request that the guest received and sends on: its body goes through the guest's thread, and not its memory. */
function forward(
  world: HttpWorld,
  waiting: Waiting,
  request: RequestMessage,
  { feed }: ReceivedBody,
): Promise<ResponseMessage> {
  const source = feed.source()
  const contents = {
    async read({ count }: { readonly count: number }): Promise<{ value?: unknown; done: boolean }> {
      for (;;) {
        const bytes = source.read(count)
        if (bytes === null) return { done: true }
        if (bytes.length > 0) return { value: bytes, done: false }
        await waiting.whenReady(source)
      }
    },
    [Symbol.asyncIterator]: () => ({
      next: () => contents.read({ count: 1 }) as Promise<IteratorResult<unknown>>,
      return: () => {
        source.close()
        return Promise.resolve({ done: true as const, value: undefined })
      },
    }),
  }
  const trailers = Promise.resolve({ tag: 'ok' as const, val: undefined })
  const body: GuestBody = { kind: 'guest', contents, trailers, settle: () => feed.release() }
  return exchange(world, waiting, callOf(request, true), body)
}

function callOf(request: RequestMessage, isStreamed: boolean): OutgoingCall {
  const scheme = schemeText(request.getScheme() ?? { tag: 'HTTPS' })
  if (scheme === null) throw refusal('HTTP-protocol-error')
  const authority = request.getAuthority()
  if (authority === undefined || !isAuthority(authority)) throw refusal('HTTP-request-URI-invalid')
  const method = methodText(request.getMethod())
  // A tunnel is no exchange of messages.
  if (method === 'CONNECT') throw refusal('HTTP-request-method-invalid')
  if (contentLengthOf(request.list) === undefined) throw refusal('HTTP-protocol-error')
  const path = request.getPathWithQuery() ?? ''
  const { connect, firstByte, betweenBytes } = request.timeouts
  return {
    method,
    scheme,
    authority,
    path: path.startsWith('/') ? path : `/${path}`,
    headers: request.list.flat,
    body: isStreamed ? 'streamed' : null,
    trailers: null,
    connectTimeoutMs: msOf(connect),
    firstByteTimeoutMs: msOf(firstByte),
    betweenBytesTimeoutMs: msOf(betweenBytes),
  }
}

const noSink = { capacity: () => null, write() {}, flush() {}, ready: () => true, close() {} }

function refusal(tag: PlainErrorTag): WitError {
  return new WitError({ tag } satisfies HttpErrorCode)
}

/** Nanoseconds to whole ms, at least one. */
function msOf(duration: bigint | undefined): number | null {
  return duration === undefined ? null : Math.max(1, Number((duration + 999_999n) / 1_000_000n))
}
