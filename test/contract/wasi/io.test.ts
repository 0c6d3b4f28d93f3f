/**
 * wasi:io 0.2 as its WIT says it, function by function: `io/streams.wit`, `poll.wit` and `error.wit` of WebAssembly/WASI.
 * What needs a peer that is slow, full or broken runs against ours alone: the shim has no such stream to be had.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ByteSink, ByteSource } from '../../../host/guest/bytes.ts'
import { Bench, drop, failingSource, outcome, ours, subjects, text, utf8, type Resource } from './subjects.ts'

const closed = { err: { tag: 'closed' } }

function readAll(stream: Resource, length: bigint): Uint8Array {
  const pieces: Uint8Array[] = []
  for (;;) {
    const got = outcome(() => stream['blockingRead']!(length))
    if ('err' in got) {
      expect(got).toEqual(closed)
      return new Uint8Array(Buffer.concat(pieces))
    }
    pieces.push(got.ok as Uint8Array)
  }
}

describe.each(subjects)('an input stream of $name', (subject) => {
  const only = it.skipIf(subject !== ours)

  it('gives its bytes in order, at most as many as were asked for, then is closed every time', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.bigInt(1n, 400n), (content, length) => {
        const stream = subject.input(content)
        expect(readAll(stream, length)).toEqual(content)
        expect(outcome(() => stream['blockingRead']!(length))).toEqual(closed)
      }),
      { numRuns: 20 },
    )
  })

  it('gives no more than was asked for', () => {
    const stream = subject.input(utf8('abcdef'))
    expect(text(stream['blockingRead']!(2n))).toBe('ab')
    expect(text(stream['blockingRead']!(3n))).toBe('cde')
  })

  it('takes a length that no memory could hold', () => {
    expect(text(subject.input(utf8('abc'))['blockingRead']!(0xffff_ffff_ffffn))).toBe('abc')
  })

  // The shim returns the bytes.
  only('skips what it would have read, and says how much that was', () => {
    const stream = subject.input(utf8('abcdef'))
    expect(stream['blockingSkip']!(4n)).toBe(4n)
    expect(text(stream['blockingRead']!(9n))).toBe('ef')
    expect(outcome(() => stream['blockingSkip']!(1n))).toEqual(closed)
  })

  it('has a pollable that is ready when there are bytes, and when it has ended', () => {
    const stream = subject.input(utf8('a'))
    const pollable = stream['subscribe']!() as Resource
    pollable['block']!()
    expect(pollable['ready']!()).toBe(true)
    drop(pollable)
    readAll(stream, 10n)
    const afterwards = stream['subscribe']!() as Resource
    afterwards['block']!()
    expect(afterwards['ready']!()).toBe(true)
    drop(afterwards)
  })
})

describe.each(subjects)('an output stream of $name', (subject) => {
  const only = it.skipIf(subject !== ours)

  it('takes what check-write allows', () => {
    const { stream, written } = subject.output()
    expect(stream['checkWrite']!()).toBeGreaterThan(0n)
    stream['write']!(utf8('hello'))
    stream['blockingFlush']!()
    expect(text(written())).toBe('hello')
  })

  it('writes and flushes in one', () => {
    const { stream, written } = subject.output()
    stream['blockingWriteAndFlush']!(utf8('hello '))
    stream['blockingWriteAndFlush']!(utf8('world'))
    expect(text(written())).toBe('hello world')
  })

  it('takes 4096 bytes at once when it may block', () => {
    const { stream, written } = subject.output()
    stream['blockingWriteAndFlush']!(new Uint8Array(4_096).fill(7))
    expect(written()).toEqual(new Uint8Array(4_096).fill(7))
  })

  // The shim writes them.
  only('traps at one more', () => {
    const { stream } = subject.output()
    expect(() => outcome(() => stream['blockingWriteAndFlush']!(new Uint8Array(4_097)))).toThrow(/4096/)
    expect(() => outcome(() => stream['blockingWriteZeroesAndFlush']!(4_097n))).toThrow(/4096/)
  })

  it('writes zeroes', () => {
    const { stream, written } = subject.output()
    stream['blockingWriteZeroesAndFlush']!(5n)
    expect(written()).toEqual(new Uint8Array(5))
  })

  // The shim says that it moved none.
  only('splices from an input stream, no more than was asked for, and as long as there is something', () => {
    const { stream, written } = subject.output()
    const source = subject.input(utf8('abcdef'))
    expect(stream['blockingSplice']!(source, 4n)).toBe(4n)
    expect(stream['blockingSplice']!(source, 4n)).toBe(2n)
    expect(outcome(() => stream['blockingSplice']!(source, 4n))).toEqual(closed)
    stream['blockingFlush']!()
    expect(text(written())).toBe('abcdef')
  })

  it('has a pollable that is ready when something may be written', () => {
    const { stream } = subject.output()
    const pollable = stream['subscribe']!() as Resource
    pollable['block']!()
    expect(pollable['ready']!()).toBe(true)
    expect(stream['checkWrite']!()).toBeGreaterThan(0n)
    drop(pollable)
  })

  it('keeps what was written in its order, in whatever pieces', () => {
    const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 8 })
    fc.assert(
      fc.property(pieces, (parts) => {
        const { stream, written } = subject.output()
        for (const part of parts) stream['blockingWriteAndFlush']!(part)
        expect(written()).toEqual(new Uint8Array(Buffer.concat(parts)))
      }),
      { numRuns: 15 },
    )
  })
})

describe.each(subjects)('poll of $name', (subject) => {
  const { poll } = subject.open()('wasi:io/poll')
  const { subscribeDuration } = subject.open()('wasi:clocks/monotonic-clock')

  it('returns the places of all that are ready, at least one', () => {
    const [late, due, other] = [3_600_000_000_000n, 0n, 0n].map((ns) => subscribeDuration!(ns) as Resource)
    due!['block']!()
    other!['block']!()
    expect(Array.from(poll!([due, late, other]) as Uint32Array)).toEqual([0, 2])
  })

  it('waits for the first', () => {
    const pollables = [3_600_000_000_000n, 5_000_000n].map((ns) => subscribeDuration!(ns) as Resource)
    expect(Array.from(poll!(pollables) as Uint32Array)).toEqual([1])
  })

  it('traps for an empty list', () => {
    expect(() => poll!([])).toThrow()
  })

  it('takes the same pollable twice', () => {
    const due = subscribeDuration!(0n) as Resource
    due['block']!()
    expect(Array.from(poll!([due, due]) as Uint32Array)).toEqual([0, 1])
  })
})

/** What a peer does that is slow, full or broken. */
describe('a stream of ours', () => {
  const slow = (pieces: (string | null)[]): ByteSource => ({
    read(maxBytes) {
      const [first] = pieces
      if (first === undefined || first === null) return first === null ? null : new Uint8Array()
      pieces[0] = first.slice(maxBytes)
      if (pieces[0] === '') pieces.shift()
      return utf8(first.slice(0, maxBytes))
    },
    ready: () => pieces.length > 0,
    close() {},
  })

  it('reads nothing where nothing is there, and waits only where it may block', () => {
    const bench = new Bench()
    const pieces: (string | null)[] = []
    const stream = bench.input(slow(pieces))
    expect(stream['read']!(10n)).toEqual(new Uint8Array())
    expect(stream['skip']!(10n)).toBe(0n)
    expect(bench.sleeps).toBe(0)
    bench.arrive(() => pieces.push('late'))
    expect(text(stream['blockingRead']!(10n))).toBe('late')
    expect(bench.sleeps).toBe(1)
  })

  it('reads no bytes where none were asked for, at once, and is closed where it has ended', () => {
    const bench = new Bench()
    const pieces: (string | null)[] = ['x']
    const stream = bench.input(slow(pieces))
    expect(stream['read']!(0n)).toEqual(new Uint8Array())
    pieces.splice(0, 1)
    expect(stream['blockingRead']!(0n)).toEqual(new Uint8Array())
    pieces.push(null)
    expect(outcome(() => stream['read']!(0n))).toEqual(closed)
    expect(bench.sleeps).toBe(0)
  })

  it('tells a failure once with its reason, and is closed from then on', () => {
    const stream = new Bench().input(failingSource('the cable is cut'))
    const first = outcome(() => stream['read']!(1n)) as { err: { tag: string; val: Resource } }
    expect(first.err.tag).toBe('last-operation-failed')
    expect(first.err.val['toDebugString']!()).toBe('the cable is cut')
    expect(outcome(() => stream['read']!(1n))).toEqual(closed)
    expect(outcome(() => stream['blockingSkip']!(1n))).toEqual(closed)
  })

  /** Takes `room` bytes until somebody makes more, and nothing while it is flushed. */
  class Narrow implements ByteSink {
    taken = ''
    room: number | null = 4
    isFlushing = false
    readonly capacity = (): number | null => (this.isFlushing ? 0 : this.room)
    readonly ready = (): boolean => this.capacity() !== 0
    write(bytes: Uint8Array): void {
      this.taken += text(bytes)
      this.room = (this.room ?? 0) - bytes.length
    }
    flush(): void {
      this.isFlushing = this.taken !== ''
    }
    close(): void {}
  }
  const narrow = (): { bench: Bench; sink: Narrow; stream: Resource } => {
    const [bench, sink] = [new Bench(), new Narrow()]
    return { bench, sink, stream: bench.output(sink) }
  }

  it('traps where more is written than check-write allowed, or without having asked', () => {
    const { stream } = narrow()
    expect(() => stream['write']!(utf8('a'))).toThrow(/check-write/)
    expect(stream['checkWrite']!()).toBe(4n)
    expect(() => stream['write']!(utf8('abcde'))).toThrow(/check-write/)
    expect(() => stream['writeZeroes']!(5n)).toThrow(/check-write/)
  })

  it('uses a permit up piece by piece', () => {
    const { stream, sink } = narrow()
    stream['checkWrite']!()
    stream['write']!(utf8('abc'))
    stream['write']!(utf8('d'))
    expect(() => stream['write']!(utf8('e'))).toThrow(/check-write/)
    expect(stream['checkWrite']!()).toBe(0n)
    expect(sink.taken).toBe('abcd')
  })

  it('takes nothing while it is flushed, and its pollable is ready when that is done', () => {
    const { bench, stream, sink } = narrow()
    stream['checkWrite']!()
    stream['write']!(utf8('ab'))
    stream['flush']!()
    expect(stream['checkWrite']!()).toBe(0n)
    const pollable = stream['subscribe']!() as Resource
    expect(pollable['ready']!()).toBe(false)
    bench.arrive(() => (sink.isFlushing = false))
    pollable['block']!()
    expect(stream['checkWrite']!()).toBe(2n)
  })

  it('blocks until all is written and flushed', () => {
    const { bench, stream, sink } = narrow()
    bench.arrive(() => (sink.room = 4))
    bench.arrive(() => (sink.room = 4))
    bench.arrive(() => (sink.isFlushing = false))
    stream['blockingWriteAndFlush']!(utf8('0123456789'))
    expect([sink.taken, bench.sleeps]).toEqual(['0123456789', 3])
  })

  it('is closed without writing where it has closed since the permit', () => {
    const { stream, sink } = narrow()
    expect(stream['checkWrite']!()).toBe(4n)
    sink.room = null
    for (const name of ['checkWrite', 'flush', 'blockingFlush'])
      expect(outcome(() => stream[name]!())).toEqual(closed)
    expect(outcome(() => stream['blockingWriteAndFlush']!(utf8('x')))).toEqual(closed)
    expect(outcome(() => stream['blockingWriteZeroesAndFlush']!(1n))).toEqual(closed)
    expect(sink.taken).toBe('')
  })

  it('write itself says closed, and does not trap, where the permit was still good', () => {
    const { stream, sink } = narrow()
    stream['checkWrite']!()
    sink.room = null
    expect(outcome(() => stream['write']!(utf8('x')))).toEqual(closed)
    expect(outcome(() => stream['writeZeroes']!(1n))).toEqual(closed)
  })

  it('splices the least of what is allowed, asked for and there', () => {
    const room = fc.nat({ max: 6 })
    fc.assert(
      fc.property(room, room, room, (capacity, asked, there) => {
        const { bench, stream, sink } = narrow()
        sink.room = capacity
        const source = bench.input(slow(there === 0 ? [] : ['x'.repeat(there)]))
        expect(stream['splice']!(source, BigInt(asked))).toBe(BigInt(Math.min(capacity, asked, there)))
        expect(bench.sleeps).toBe(0)
      }),
    )
  })

  it('blocking-splice waits for room, then for bytes', () => {
    const { bench, stream, sink } = narrow()
    sink.room = 0
    const pieces: (string | null)[] = []
    bench.arrive(() => (sink.room = 3))
    bench.arrive(() => pieces.push('abcdef'))
    expect(stream['blockingSplice']!(bench.input(slow(pieces)), 9n)).toBe(3n)
    expect([sink.taken, bench.sleeps]).toEqual(['abc', 2])
  })

  it('gives back every handle when it is dropped, and its pollables', () => {
    const { bench, stream } = narrow()
    const input = bench.input(slow([]))
    const pollables = [stream, input].map((each) => each['subscribe']!() as Resource)
    expect(bench.held).toBe(4)
    for (const each of [...pollables, stream, input]) drop(each)
    expect(bench.held).toBe(0)
  })

  it('has pollables that cannot be used once they were dropped', () => {
    const { bench, stream } = narrow()
    const pollable = stream['subscribe']!() as Resource
    drop(pollable)
    expect(() => pollable['ready']!()).toThrow(/dropped/)
    expect(() => bench.interface('wasi:io/poll')['poll']!([pollable])).toThrow(/dropped/)
  })
})
