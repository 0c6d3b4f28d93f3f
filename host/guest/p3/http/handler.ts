/** The node calls a guest's `wasi:http/handler` 0.3: request in, response out, both with bodies that may stream. */
import { ChannelFeed, WholeFeed, type BodyFeed } from '../../http/body-feed.ts'
import { isHttpErrorCode } from '../../http/error-code.ts'
import { contentLengthOf, FieldList } from '../../http/field-list.ts'
import { methodOf, schemeOf } from '../../http/method.ts'
import type { HttpWorld } from '../../http/resource.ts'
import type { FromGuest, IncomingAnswer, IncomingCall } from '../../http/wire.ts'
import type { GuestChannel } from '../../line.ts'
import type { GuestExports } from '../../part.ts'
import type { Waiting } from '../world.ts'
import { sendBody } from './body.ts'
import { RequestMessage, ResponseMessage } from './message.ts'

export type OpenChannel = () => GuestChannel

/** Whether the guest has one: a component may export that of 0.2 instead. */
export function hasHandler(exports: GuestExports): boolean {
  return handlerOf(exports) !== null
}

type Handle = (request: RequestMessage) => Promise<unknown>

function handlerOf(exports: GuestExports): Handle | null {
  const name = Object.keys(exports).find((each) => /^wasi:http\/handler@0\.3\.\d+$/.test(each))
  const functions = name === undefined ? undefined : exports[name]
  if (typeof functions !== 'object') return null
  return (functions['handle'] as Handle | undefined) ?? null
}

/** Resolves when the response is complete. @throws what ends the guest */
export async function handleRequest(
  world: HttpWorld,
  waiting: Waiting,
  exports: GuestExports,
  call: IncomingCall,
  channel: OpenChannel,
): Promise<IncomingAnswer> {
  const handle = handlerOf(exports)
  if (handle === null) throw new Error('the guest exports no wasi:http/handler')
  let isOpen = false
  const open = (): GuestChannel => {
    isOpen = true
    return channel()
  }
  const feed: BodyFeed =
    call.body === 'streamed' ? new ChannelFeed(open(), () => undefined) : new WholeFeed(call.body, null)
  try {
    return await answer(world, waiting, handle, requestOf(world, call, feed), open)
  } finally {
    feed.release()
    if (isOpen) channel().close()
  }
}

function requestOf(world: HttpWorld, call: IncomingCall, feed: BodyFeed): RequestMessage {
  const request = new RequestMessage(world, new FieldList([...call.headers]), { kind: 'received', feed })
  request.setReceived(methodOf(call.method), schemeOf(call.scheme), call.authority, call.path)
  return request
}

async function answer(
  world: HttpWorld,
  waiting: Waiting,
  handle: Handle,
  request: RequestMessage,
  open: OpenChannel,
): Promise<IncomingAnswer> {
  let response: unknown
  try {
    response = await handle(request)
  } catch (error) {
    // The glue throws a class of its own for a declared error; only its payload tells it from a trap.
    const payload: unknown = error instanceof Error && 'payload' in error ? error.payload : undefined
    if (!isHttpErrorCode(payload)) throw error
    return { t: 'error', code: payload }
  }
  if (!(response instanceof ResponseMessage)) throw new Error('a handler answered with something else')
  const head = { t: 'response', status: response.getStatusCode(), headers: response.list.flat } as const
  const promised = contentLengthOf(response.list) ?? null
  const body = response.takeBody()
  if (body.kind === 'received') return passOn(body.feed, waiting, head, open)
  if (body.contents === undefined) {
    const sent = await sendBody(body, noSink, waiting, null)
    if (sent.tag === 'err') return { t: 'error', code: sent.val }
    return { ...head, body: null, trailers: sent.val }
  }
  const channel = open()
  channel.send({ ...head, body: 'streamed', trailers: null } satisfies FromGuest)
  const sent = await sendBody(body, channel.sink, waiting, promised)
  channel.send((sent.tag === 'ok' ? { t: 'end', trailers: sent.val } : { t: 'abort' }) satisfies FromGuest)
  return { t: 'streamed' }
}

/** A response that the guest got from elsewhere and hands on unread. */
async function passOn(
  feed: BodyFeed,
  waiting: Waiting,
  head: { readonly t: 'response'; readonly status: number; readonly headers: readonly string[] },
  open: OpenChannel,
): Promise<IncomingAnswer> {
  const channel = open()
  channel.send({ ...head, body: 'streamed', trailers: null } satisfies FromGuest)
  const sent = await pump(feed, channel, waiting)
  channel.send(sent)
  feed.release()
  return { t: 'streamed' }
}

const pieceBytes = 64 * 1024

async function pump(feed: BodyFeed, { sink }: GuestChannel, waiting: Waiting): Promise<FromGuest> {
  const source = feed.source()
  try {
    for (;;) {
      await waiting.whenReady(sink)
      const room = sink.capacity()
      if (room === null) return { t: 'abort' }
      const bytes = source.read(Math.min(room, pieceBytes))
      if (bytes === null) break
      if (bytes.length === 0) await waiting.whenReady(source)
      else sink.write(bytes)
    }
  } catch {
    return { t: 'abort' }
  } finally {
    sink.close()
  }
  await waiting.whenReady(feed)
  const end = feed.end()
  return end === null || 'code' in end ? { t: 'abort' } : { t: 'end', trailers: end.trailers }
}

const noSink = { capacity: () => null, write() {}, flush() {}, ready: () => true, close() {} }
