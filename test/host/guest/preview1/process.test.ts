/** Arguments, clocks, chance, streams, polls and the end, call by call. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StreamFailure } from '../../../../host/guest/bytes.ts'
import { errno, Exit, Guest, sourceOf } from './kit.ts'

describe('what a guest is started with', () => {
  it('arguments and variables arrive as strings that end in NUL', () => {
    const guest = new Guest()
    const [count, size] = [guest.room(4), guest.room(4)]
    for (const [kind, texts] of [
      ['args', ['guest', 'one two']],
      ['environ', ['NAME=välue']],
    ] as const) {
      expect(guest.call(`${kind}_sizes_get`, count, size)).toBe(errno.success)
      expect(guest.u32(count)).toBe(texts.length)
      const bytes = guest.u32(size)
      const [pointers, buffer] = [guest.room(texts.length * 4), guest.room(bytes)]
      expect(guest.call(`${kind}_get`, pointers, buffer)).toBe(errno.success)
      expect(guest.read(buffer, bytes)).toBe(`${texts.join('\0')}\0`)
      const second = texts[1] === undefined ? 0 : guest.u32(pointers + 4)
      if (second > 0) expect(guest.read(second, texts[1]!.length)).toBe(texts[1])
    }
  })

  it('a string with a NUL inside is refused before the guest is made', () => {
    expect(() => new Guest({ args: ['a\0b'] })).toThrow(/NUL/)
    expect(() => new Guest({ args: Array.from({ length: 65_537 }, () => 'x') })).toThrow(/65537/)
  })
})

describe('clocks and chance', () => {
  it('two clocks run, and the others are refused', () => {
    const guest = new Guest()
    const time = guest.room(8)
    guest.nowMs = 12.5
    expect(guest.call('clock_time_get', 1, 0n, time)).toBe(errno.success)
    expect(guest.u64(time)).toBe(12_500_000n)
    guest.nowMs = 0
    expect(guest.call('clock_time_get', 0, 0n, time)).toBe(errno.success)
    expect(guest.u64(time)).toBe(1_700_000_000_000_000_000n)
    for (const id of [0, 1]) {
      expect(guest.call('clock_res_get', id, time)).toBe(errno.success)
      expect(guest.u64(time)).toBeGreaterThan(0n)
    }
    expect(guest.call('clock_time_get', 2, 0n, time)).toBe(errno.inval)
    expect(guest.call('clock_res_get', 7, time)).toBe(errno.inval)
  })

  it('random bytes come in pieces that the host can give, to the last', () => {
    const asked: number[] = []
    const guest = new Guest({ random: (length) => (asked.push(length), new Uint8Array(length).fill(9)) })
    guest.memory.grow(3)
    expect(guest.call('random_get', 1_000, 150_001)).toBe(errno.success)
    expect(Math.max(...asked)).toBe(65_536)
    const given = new Uint8Array(guest.memory.buffer, 1_000, 150_002)
    expect([given[0], given[150_000], given[150_001]]).toEqual([9, 9, 0])
    expect(guest.call('random_get', 1_000, 0)).toBe(errno.success)
  })
})

describe('the end', () => {
  it('proc_exit ends with its code, unsigned', () => {
    expect(() => new Guest().call('proc_exit', 33)).toThrow(Exit)
    try {
      new Guest().call('proc_exit', -1)
    } catch (error) {
      expect((error as Exit).code).toBe(4_294_967_295)
    }
  })

  it('a signal that ends a process ends it as a shell reports it; a harmless one does nothing', () => {
    const guest = new Guest()
    expect(() => guest.call('proc_raise', 6)).toThrow('exit 134')
    expect(guest.call('proc_raise', 16)).toBe(errno.success)
    expect(guest.call('proc_raise', 18)).toBe(errno.notsup)
    expect(guest.call('proc_raise', 31)).toBe(errno.inval)
    expect(guest.call('sched_yield')).toBe(errno.success)
  })

  it('closing gives back the streams', () => {
    const stdin = sourceOf([])
    const guest = new Guest({ stdin })
    guest.preview1.close()
    expect(stdin.closed()).toBe(true)
    expect(guest.call('fd_close', 0)).toBe(errno.badf)
  })
})

describe('standard streams', () => {
  it('what is written arrives whole, however little room there is at a time', () => {
    const guest = new Guest()
    const done = guest.room(4)
    const buffers = guest.pieces(guest.text('hello '), guest.text(''), guest.text('world'))
    expect(guest.call('fd_write', 1, ...buffers, done)).toBe(errno.success)
    expect(guest.u32(done)).toBe(11)
    expect(guest.written[1]).toBe('hello world')
  })

  it('a reader waits for the first bytes and takes no more than are there', () => {
    const guest = new Guest({ stdin: sourceOf(['', 'abc', '', 'de']), wait: () => {} })
    const [buffer, done] = [guest.room(16), guest.room(4)]
    const buffers = guest.pieces([buffer, 2], [buffer + 2, 10])
    expect(guest.call('fd_read', 0, ...buffers, done)).toBe(errno.success)
    expect(guest.read(buffer, guest.u32(done))).toBe('abc')
    expect(guest.call('fd_read', 0, ...buffers, done)).toBe(errno.success)
    expect(guest.read(buffer, guest.u32(done))).toBe('de')
    expect(guest.call('fd_read', 0, ...buffers, done)).toBe(errno.success)
    expect(guest.u32(done)).toBe(0)
  })

  it('a reader that does not wait is told to come again', () => {
    const guest = new Guest({ stdin: sourceOf(['', 'abc']) })
    const [buffer, done] = [guest.room(16), guest.room(4)]
    expect(guest.call('fd_fdstat_set_flags', 0, 4)).toBe(errno.success)
    expect(guest.call('fd_read', 0, ...guest.pieces([buffer, 8]), done)).toBe(errno.again)
    expect(guest.call('fd_read', 0, ...guest.pieces([buffer, 8]), done)).toBe(errno.success)
  })

  it('an end and a failure of the other side are errors of the call', () => {
    const failing = sourceOf([])
    failing.read = () => {
      throw new StreamFailure('gone')
    }
    const guest = new Guest({ stdin: failing, stdout: new Guest().sink(1, () => null) })
    const done = guest.room(4)
    expect(guest.call('fd_read', 0, ...guest.pieces(guest.text('xx')), done)).toBe(errno.io)
    expect(guest.call('fd_write', 1, ...guest.pieces(guest.text('xx')), done)).toBe(errno.pipe)
    expect(guest.call('fd_write', 0, ...guest.pieces(guest.text('xx')), done)).toBe(errno.badf)
  })

  it('are terminals only where they are, and have no offsets', () => {
    const guest = new Guest()
    const stat = guest.room(64)
    for (const [fd, type] of [
      [0, 0],
      [1, 2],
      [2, 0],
    ] as const) {
      expect(guest.call('fd_fdstat_get', fd, stat)).toBe(errno.success)
      expect(guest.view.getUint8(stat)).toBe(type)
      expect(guest.call('fd_filestat_get', fd, stat)).toBe(errno.success)
      expect(guest.view.getUint8(stat + 16)).toBe(type)
      expect(guest.call('fd_seek', fd, 0n, 0, stat)).toBe(errno.spipe)
      expect(guest.call('fd_advise', fd, 0n, 1n, 0)).toBe(errno.badf)
    }
  })

  it('no descriptor is a socket', () => {
    const guest = new Guest()
    for (const name of ['sock_accept', 'sock_recv', 'sock_send', 'sock_shutdown']) {
      expect(guest.call(name, 1, 0, 0, 0, 0, 0)).toBe(errno.notsock)
      expect(guest.call(name, 77, 0, 0, 0, 0, 0)).toBe(errno.badf)
    }
  })
})

describe('poll_oneoff', () => {
  const clock = (guest: Guest, at: number, userdata: bigint, timeout: bigint, id = 1, flags = 0): void => {
    guest.view.setBigUint64(at, userdata, true)
    guest.view.setUint8(at + 8, 0)
    guest.view.setUint32(at + 16, id, true)
    guest.view.setBigUint64(at + 24, timeout, true)
    guest.view.setUint16(at + 40, flags, true)
  }
  const stream = (guest: Guest, at: number, userdata: bigint, type: number, fd: number): void => {
    guest.view.setBigUint64(at, userdata, true)
    guest.view.setUint8(at + 8, type)
    guest.view.setUint32(at + 16, fd, true)
  }

  it('sleeps until the first of its clocks, and reports that one', () => {
    const guest = new Guest()
    const [subs, events, done] = [guest.room(144), guest.room(96), guest.room(4)]
    clock(guest, subs, 1n, 9_000_000n)
    clock(guest, subs + 48, 2n, 5_000_000n)
    clock(guest, subs + 96, 3n, 1_700_000_001_007_000_000n, 0, 1)
    expect(guest.call('poll_oneoff', subs, events, 3, done)).toBe(errno.success)
    expect(guest.nowMs).toBe(1_005)
    expect([guest.u32(done), guest.u64(events), guest.view.getUint8(events + 10)]).toEqual([1, 2n, 0])
    expect(guest.call('poll_oneoff', subs + 96, events, 1, done)).toBe(errno.success)
    expect(guest.nowMs).toBeCloseTo(1_007, 0)
  })

  it('sees what has arrived also where a clock is due already, so that asking again and again is enough', () => {
    const arriving: string[] = []
    const source = sourceOf(arriving)
    let has = false
    const guest = new Guest({ stdin: { ...source, ready: () => has }, look: () => void (has = true) })
    const [subs, events, done] = [guest.room(96), guest.room(64), guest.room(4)]
    stream(guest, subs, 1n, 1, 0)
    clock(guest, subs + 48, 2n, 0n)
    expect(guest.call('poll_oneoff', subs, events, 2, done)).toBe(errno.success)
    expect([guest.u32(done), guest.u64(events), guest.u64(events + 32)]).toEqual([2, 1n, 2n])
  })

  it('a stream that is ready needs no sleep; one that is not waits with the clock', () => {
    const guest = new Guest({ stdin: sourceOf(['', 'x']) })
    const [subs, events, done] = [guest.room(144), guest.room(96), guest.room(4)]
    stream(guest, subs, 1n, 1, 0)
    clock(guest, subs + 48, 2n, 1_000_000n)
    stream(guest, subs + 96, 3n, 2, 1)
    expect(guest.call('poll_oneoff', subs, events, 3, done)).toBe(errno.success)
    expect([guest.u32(done), guest.u64(events), guest.waits.length]).toEqual([1, 3n, 0])
    expect(guest.call('poll_oneoff', subs, events, 2, done)).toBe(errno.success)
    expect([guest.u32(done), guest.u64(events), guest.waits.length]).toEqual([1, 2n, 1])
  })

  it('a wrong subscription is an event with its error, and none at all an error of the call', () => {
    const guest = new Guest()
    const [subs, events, done] = [guest.room(96), guest.room(64), guest.room(4)]
    clock(guest, subs, 1n, 1n)
    clock(guest, subs + 48, 2n, 1n, 3)
    expect(guest.call('poll_oneoff', subs, events, 2, done)).toBe(errno.success)
    expect([guest.u32(done), guest.u64(events)]).toEqual([1, 2n])
    expect(guest.view.getUint16(events + 8, true)).toBe(errno.inval)
    expect(guest.call('poll_oneoff', subs, events, 0, done)).toBe(errno.inval)
    expect(guest.call('poll_oneoff', subs, events, 5_000, done)).toBe(errno.inval)
  })

  it('a descriptor that is not open, or not for that, is an error of the call', () => {
    const guest = new Guest()
    const [subs, events, done] = [guest.room(96), guest.room(64), guest.room(4)]
    clock(guest, subs, 1n, 1n)
    for (const [type, fd] of [
      [1, 50],
      [2, 50],
      [2, 0],
      [1, 1],
    ] as const) {
      stream(guest, subs + 48, 2n, type, fd)
      expect(guest.call('poll_oneoff', subs, events, 2, done)).toBe(errno.badf)
    }
  })
})

describe('whatever numbers a guest passes', () => {
  const number = fc.oneof(
    fc.integer({ min: -2, max: 8 }),
    fc.integer(),
    fc.constantFrom(65_530, 65_536, -1, 0x7fffffff, -0x80000000),
  )
  const big = fc.oneof(
    fc.bigInt({ min: -2n, max: 70n }),
    fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  )
  /** Parameters as the witx has them: i for i32, I for i64. */
  const signatures = {
    args_get: 'ii',
    environ_sizes_get: 'ii',
    clock_time_get: 'iIi',
    random_get: 'ii',
    fd_advise: 'iIIi',
    fd_allocate: 'iII',
    fd_close: 'i',
    fd_fdstat_set_rights: 'iII',
    fd_filestat_set_times: 'iIIi',
    fd_pread: 'iiiIi',
    fd_prestat_dir_name: 'iii',
    fd_pwrite: 'iiiIi',
    fd_read: 'iiii',
    fd_readdir: 'iiiIi',
    fd_renumber: 'ii',
    fd_seek: 'iIii',
    fd_write: 'iiii',
    path_filestat_set_times: 'iiiiIIi',
    path_link: 'iiiiiii',
    path_open: 'iiiiiIIii',
    path_readlink: 'iiiiii',
    path_rename: 'iiiiii',
    path_symlink: 'iiiii',
    poll_oneoff: 'iiii',
  } as const
  const anyCall = fc
    .constantFrom(...(Object.keys(signatures) as (keyof typeof signatures)[]))
    .chain((name) =>
      fc.tuple(
        fc.constant(name),
        fc.tuple(...[...signatures[name]].map((kind) => (kind === 'i' ? number : big))),
      ),
    )

  it('every call answers with an errno and leaves no other way', () => {
    fc.assert(
      fc.property(fc.array(anyCall, { maxLength: 30 }), (calls) => {
        const guest = new Guest({
          stdin: sourceOf(['some', 'thing']),
          wait: () => {
            throw new Exit(0)
          },
        })
        for (const [name, args] of calls) {
          try {
            const result = guest.call(name, ...args)
            expect(Number.isInteger(result) && Number(result) >= 0 && Number(result) <= 76).toBe(true)
          } catch (error) {
            expect(error).toBeInstanceOf(Exit)
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})
