/**
 * Between WIT's `stream<u8>` as jco's glue has it and the byte sources and sinks that every sandbox has
 * (`host/guest/bytes.ts`).
 *
 * The glue takes a stream from its host as an async iterable of chunks, and hands one over as an object with
 * `read({ count })`. A future goes to it as a promise; a `result` inside a future is `{ tag, val }`.
 */
import { StreamFailure, type ByteSink, type ByteSource } from '../bytes.ts'
import type { Waiting } from './world.ts'

/** A `stream<T>` of the guest's, as the glue hands it to its host. */
export interface GuestStream {
  /** For `stream<u8>` the value is a list of bytes, or one byte where one was asked for. */
  read(options: { readonly count: number }): Promise<{ readonly value?: unknown; readonly done?: boolean }>
  /** Drops the readable end: the guest's writes end. */
  [Symbol.asyncIterator](): AsyncIterator<unknown>
}

/** WIT's `result` where it is not the outcome of a function. */
export type WitResult<Ok, Failure> =
  | { readonly tag: 'ok'; readonly val: Ok }
  | { readonly tag: 'err'; readonly val: Failure }

export const okay: WitResult<undefined, never> = { tag: 'ok', val: undefined }

/** A stream that has ended before it began, for what cannot be read. */
export const empty: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
}

/** Most bytes that cross in one read, in either direction. The glue keeps them as a list for a moment. */
const chunkBytes = 64 * 1024

/**
 * A source as the guest reads it.
 * @param codeOf what the future says of a failure
 * @returns the stream, and the future that tells how it ended: well also where the guest drops the stream
 */
export function streamFrom<Code>(
  source: ByteSource,
  waiting: Waiting,
  codeOf: (failure: StreamFailure) => Code,
): [AsyncIterable<Uint8Array>, Promise<WitResult<undefined, Code>>] {
  let settle!: (result: WitResult<undefined, Code>) => void
  const ended = new Promise<WitResult<undefined, Code>>((resolve) => {
    settle = resolve
  })
  const end = (result: WitResult<undefined, Code>): IteratorResult<Uint8Array, undefined> => {
    source.close()
    settle(result)
    return { done: true, value: undefined }
  }
  const iterator: AsyncIterator<Uint8Array, undefined> = {
    async next() {
      for (;;) {
        let bytes: Uint8Array | null
        try {
          bytes = source.read(chunkBytes)
        } catch (error) {
          if (!(error instanceof StreamFailure)) throw error
          return end({ tag: 'err', val: codeOf(error) })
        }
        if (bytes === null) return end(okay)
        if (bytes.length > 0) return { done: false, value: bytes }
        await waiting.whenReady(source)
      }
    },
    return: () => Promise.resolve(end(okay)),
  }
  return [{ [Symbol.asyncIterator]: () => iterator }, ended]
}

/**
 * Takes all that the guest writes, at the sink's pace, and flushes it.
 * @throws StreamFailure where the sink fails or takes no more; the guest's stream is dropped then
 */
export async function drain(stream: GuestStream, sink: ByteSink, waiting: Waiting): Promise<void> {
  try {
    for (;;) {
      const room = await capacityOf(sink, waiting)
      const bytes = await readBytes(stream, Math.min(room, chunkBytes))
      if (bytes === null) break
      sink.write(bytes)
      // A guest that waits for an answer has no way to flush: what it wrote must not lie here.
      sink.flush()
    }
    await capacityOf(sink, waiting)
  } catch (error) {
    drop(stream)
    throw error
  } finally {
    sink.close()
  }
}

/** The next bytes of the guest's; null at the end. */
export async function readBytes(stream: GuestStream, most: number): Promise<Uint8Array | null> {
  const { value, done } = await stream.read({ count: most })
  if (value instanceof Uint8Array) return value
  if (typeof value === 'number') return Uint8Array.of(value)
  if (Array.isArray(value)) return Uint8Array.from(value as number[])
  if (done === true) return null
  throw new TypeError('a stream of bytes gave something else')
}

/** The host wants no more of it; what is already under way arrives nowhere. */
export function drop(stream: GuestStream): void {
  void stream[Symbol.asyncIterator]()
    .return?.()
    .catch(() => undefined)
}

async function capacityOf(sink: ByteSink, waiting: Waiting): Promise<number> {
  for (;;) {
    // Also where it is ready: what was written goes out before the guest is waited for.
    await waiting.whenReady(sink)
    const capacity = sink.capacity()
    if (capacity === null) throw new StreamFailure('the other side takes no more', 'pipe')
    if (capacity > 0) return capacity
  }
}
