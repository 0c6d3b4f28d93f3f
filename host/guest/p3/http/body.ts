/**
 * The bodies of wasi:http 0.3, and what follows them.
 *
 * A body is either the guest's (a stream that it writes, and a future of trailers) or one that the node receives.
 * The two meet where a guest consumes a message that a guest made: then both are passed through as they are.
 */
import { StreamFailure, type ByteSink } from '../../bytes.ts'
import type { BodyFeed } from '../../http/body-feed.ts'
import { isHttpErrorCode, type HttpErrorCode } from '../../http/error-code.ts'
import { FieldList } from '../../http/field-list.ts'
import type { FlatFields } from '../../http/wire.ts'
import type { Waiting } from '../world.ts'
import { drain, drop, empty, okay, streamFrom, type GuestStream, type WitResult } from '../streams.ts'
import type { Fields } from './fields.ts'

export type Trailers = WitResult<Fields | undefined, HttpErrorCode>
export type Transmission = WitResult<undefined, HttpErrorCode>
/** How a guest's body ended: with its trailers, or so that the message is not complete. */
export type SentBody = WitResult<FlatFields | null, HttpErrorCode>

export interface GuestBody {
  readonly kind: 'guest'
  readonly contents: GuestStream | undefined
  /** Its `then` reads the guest's future, which a guest that gets its body back still needs unread. */
  readonly trailers: PromiseLike<Trailers>
  /** Tells the guest how sending it went; only the first counts. */
  readonly settle: (result: Transmission) => void
}

export interface ReceivedBody {
  readonly kind: 'received'
  readonly feed: BodyFeed
}

export type Body = GuestBody | ReceivedBody

/** @returns the body, and the future that `request.new` and `response.new` give to the guest */
export function guestBody(
  contents: GuestStream | undefined,
  trailers: PromiseLike<Trailers>,
): [GuestBody, Promise<Transmission>] {
  let settle!: (result: Transmission) => void
  const sent = new Promise<Transmission>((resolve) => {
    settle = resolve
  })
  return [{ kind: 'guest', contents, trailers, settle }, sent]
}

export interface Consumer {
  readonly waiting: Waiting
  /** Makes the resource that the guest gets. */
  trailers(list: FieldList): Fields
}

/** `consume-body`: the stream, and the future of what follows it. */
export function consume(body: Body, consumer: Consumer): [AsyncIterable<unknown>, PromiseLike<Trailers>] {
  if (body.kind === 'guest') {
    body.settle(okay)
    // The guest's own ends, handed back: its future is still unread.
    return [(body.contents as AsyncIterable<unknown> | undefined) ?? empty, body.trailers]
  }
  const { feed } = body
  const [stream, ended] = streamFrom(feed.source(), consumer.waiting, codeOf)
  return [stream, trailersOf(feed, ended, consumer)]
}

/** "The future will only resolve after the stream is reported as closed." */
async function trailersOf(
  feed: BodyFeed,
  ended: Promise<Transmission>,
  { waiting, trailers }: Consumer,
): Promise<Trailers> {
  const result = await ended
  if (result.tag === 'ok') await waiting.whenReady(feed)
  const end = feed.end()
  feed.release()
  if (result.tag === 'err') return result
  if (end === null || 'code' in end)
    return { tag: 'err', val: end === null ? { tag: 'HTTP-response-incomplete' } : end.code }
  return {
    tag: 'ok',
    val: end.trailers === null ? undefined : trailers(new FieldList([...end.trailers])),
  }
}

/**
 * Sends a guest's body and tells the guest how that went.
 * @param promisedBytes what `content-length` says; null where the headers do not say
 */
export async function sendBody(
  body: GuestBody,
  sink: ByteSink,
  waiting: Waiting,
  promisedBytes: number | null,
): Promise<SentBody> {
  const { contents, settle } = body
  // From the beginning: a guest may write its trailers before it ends its contents, and wait for them to be taken.
  const trailers = readTrailers(body)
  let result: SentBody | null = null
  if (contents !== undefined) {
    const counted = new CountedSink(sink, promisedBytes)
    try {
      await drain(contents, counted, waiting)
      // The other side would take what comes next for the rest of this body.
      if (promisedBytes !== null && counted.bytes < promisedBytes)
        result = { tag: 'err', val: sizeOf(counted.bytes) }
    } catch (error) {
      if (!(error instanceof StreamFailure)) throw error
      result = { tag: 'err', val: codeOf(error) }
    }
  }
  result ??= flat(await trailers)
  settle(result.tag === 'ok' ? okay : result)
  return result
}

function flat(trailers: Trailers): SentBody {
  if (trailers.tag === 'err') return trailers
  const fields = trailers.val
  if (fields === undefined) return { tag: 'ok', val: null }
  fields.surrender()
  return { tag: 'ok', val: fields.list.flat }
}

/** @returns what the guest says; whoever does not wait for it need not mind how that ends */
function readTrailers({ trailers }: GuestBody): Promise<Trailers> {
  const read = Promise.resolve(trailers)
  read.catch(() => undefined)
  return read
}

/** The message will not be sent. What the guest still writes is taken and thrown away, for it may wait for that. */
export function abandon(body: GuestBody, code: HttpErrorCode): void {
  const { contents, settle } = body
  if (contents !== undefined) drop(contents)
  void readTrailers(body).then(flat, () => undefined)
  settle({ tag: 'err', val: code })
}

/** Stops a guest that writes more than its `content-length`: the rest would pass for another message. */
class CountedSink implements ByteSink {
  readonly #sink: ByteSink
  readonly #mostBytes: number
  bytes = 0

  constructor(sink: ByteSink, promisedBytes: number | null) {
    this.#sink = sink
    this.#mostBytes = promisedBytes ?? Infinity
  }

  capacity(): number | null {
    return this.#sink.capacity()
  }

  write(bytes: Uint8Array): void {
    this.bytes += bytes.length
    if (this.bytes > this.#mostBytes)
      throw new StreamFailure('a body is longer than its content-length', sizeOf(this.bytes))
    this.#sink.write(bytes)
  }

  flush(): void {
    this.#sink.flush()
  }

  ready(): boolean {
    return this.#sink.ready()
  }

  close(): void {
    this.#sink.close()
  }
}

const sizeOf = (bytes: number): HttpErrorCode => ({ tag: 'HTTP-request-body-size', val: BigInt(bytes) })

/** A failure of the node's side carries its error-code; anything else is the connection's end. */
export function codeOf({ code, message }: StreamFailure): HttpErrorCode {
  if (isHttpErrorCode(code)) return code
  return code === 'pipe' ? { tag: 'connection-terminated' } : { tag: 'internal-error', val: message }
}
