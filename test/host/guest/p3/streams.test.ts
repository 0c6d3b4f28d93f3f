import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StreamFailure, type ByteSink, type ByteSource } from '../../../../host/guest/bytes.ts'
import { drain, okay, streamFrom, type GuestStream } from '../../../../host/guest/p3/streams.ts'
import { Readiness } from '../../../../host/guest/readiness.ts'
import { FakeClock } from '../../fake-clock.ts'

/** Pieces come when the test says so. */
class Pieces implements ByteSource {
  readonly pieces: (Uint8Array | StreamFailure)[] = []
  isEnded = false
  isClosed = false

  read(maxBytes: number): Uint8Array | null {
    const first = this.pieces.shift()
    if (first instanceof StreamFailure) {
      this.isEnded = true
      throw first
    }
    if (first === undefined) return this.isEnded ? null : new Uint8Array()
    if (first.length > maxBytes) this.pieces.unshift(first.subarray(maxBytes))
    return first.subarray(0, maxBytes)
  }

  ready(): boolean {
    return this.pieces.length > 0 || this.isEnded
  }

  close(): void {
    this.isClosed = true
  }
}

/** Takes so many bytes in each turn. */
class Narrow implements ByteSink {
  readonly taken: number[] = []
  room: number | null = 0
  isClosed = false

  capacity(): number | null {
    return this.room
  }

  write(bytes: Uint8Array): void {
    if (this.room === null || bytes.length > this.room)
      throw new Error('more was written than there was room for')
    this.taken.push(...bytes)
    this.room -= bytes.length
  }

  flush(): void {}

  ready(): boolean {
    return this.room !== 0
  }

  close(): void {
    this.isClosed = true
  }
}

/** A guest that has written all of `bytes`; what it is asked for at once is noted. */
function guestStream(bytes: readonly number[]): GuestStream & { isDropped: boolean } {
  let at = 0
  return {
    isDropped: false,
    read({ count }) {
      const value = bytes.slice(at, at + count)
      at += value.length
      return Promise.resolve(value.length === 0 ? { done: true } : { value, done: false })
    },
    [Symbol.asyncIterator]() {
      return {
        next: () => Promise.resolve({ done: true, value: undefined }),
        return: () => {
          this.isDropped = true
          return Promise.resolve({ done: true, value: undefined })
        },
      }
    },
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const codeOf = ({ code }: StreamFailure): unknown => code

describe('a source as a stream', () => {
  test('gives all bytes in order, whenever they come, and then ends well', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 })), async (pieces) => {
        const source = new Pieces()
        const readiness = new Readiness(new FakeClock())
        const [stream, ended] = streamFrom(source, readiness, codeOf)
        const read = (async () => {
          const all: number[] = []
          for await (const bytes of stream) all.push(...bytes)
          return all
        })()
        for (const piece of pieces) {
          source.pieces.push(piece)
          readiness.check()
          await turn()
        }
        source.isEnded = true
        readiness.check()
        expect(await read).toEqual(pieces.flatMap((piece) => [...piece]))
        expect(await ended).toEqual(okay)
        expect(source.isClosed).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  test('that fails ends, and its future says why', async () => {
    const source = new Pieces()
    source.pieces.push(Uint8Array.of(1), new StreamFailure('lost', 'pipe'))
    const [stream, ended] = streamFrom(source, new Readiness(new FakeClock()), codeOf)
    const all: Uint8Array[] = []
    for await (const bytes of stream) all.push(bytes)
    expect(all).toEqual([Uint8Array.of(1)])
    expect(await ended).toEqual({ tag: 'err', val: 'pipe' })
  })

  test('that the guest drops is closed, and has ended well', async () => {
    const source = new Pieces()
    const [stream, ended] = streamFrom(source, new Readiness(new FakeClock()), codeOf)
    await stream[Symbol.asyncIterator]().return?.()
    expect(source.isClosed).toBe(true)
    expect(await ended).toEqual(okay)
  })
})

describe("a guest's stream into a sink", () => {
  test('never writes more than there is room for, and waits for more', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(255), { maxLength: 200 }),
        fc.integer({ min: 1, max: 50 }),
        async (bytes, room) => {
          const sink = new Narrow()
          const readiness = new Readiness(new FakeClock())
          const drained = drain(guestStream(bytes), sink, readiness)
          for (let turns = 0; turns <= bytes.length / room + 1; turns += 1) {
            sink.room = room
            readiness.check()
            await turn()
          }
          await drained
          expect(sink.taken).toEqual(bytes)
          expect(sink.isClosed).toBe(true)
        },
      ),
      { numRuns: 30 },
    )
  })

  test('is dropped when the sink takes no more, so that the guest stops writing', async () => {
    const sink = new Narrow()
    sink.room = null
    const stream = guestStream([1, 2, 3])
    await expect(drain(stream, sink, new Readiness(new FakeClock()))).rejects.toThrow(StreamFailure)
    expect(stream.isDropped).toBe(true)
    expect(sink.isClosed).toBe(true)
  })
})

describe('waiting without sleeping', () => {
  test('ends at once for what is ready, at its time for a timer, and when asked to look for the rest', async () => {
    const clock = new FakeClock()
    const readiness = new Readiness(clock)
    const woken: string[] = []
    let isThere = false
    const dueAtMs = clock.monotonicMs() + 500
    void readiness.whenReady({ ready: () => true }).then(() => woken.push('ready'))
    void readiness.whenReady({ ready: () => isThere }).then(() => woken.push('host'))
    void readiness
      .whenReady({ dueAtMs, ready: () => clock.monotonicMs() >= dueAtMs })
      .then(() => woken.push('timer'))
    await turn()
    expect(woken).toEqual(['ready'])
    isThere = true
    readiness.check()
    await turn()
    expect(woken).toEqual(['ready', 'host'])
    await clock.advance(499)
    await turn()
    expect(woken).toEqual(['ready', 'host'])
    await clock.advance(1)
    await turn()
    expect(woken).toEqual(['ready', 'host', 'timer'])
  })
})
