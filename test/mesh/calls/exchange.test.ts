/** Calls between nodes over the virtual network: what crosses, what is held back, and what is known when it fails. */
import { describe, expect, it } from 'vitest'
import { isSelvedgeError } from '../../../core/index.ts'
import {
  callLimits,
  callsProblems,
  NotStarted,
  type CallHandler,
  type IncomingCall,
  type OutgoingCall,
} from '../../../mesh/calls/index.ts'
import { bytes, CallHarbor, collect, pieces, text } from './harbor.ts'

const ask = (changes: Partial<OutgoingCall> = {}): OutgoingCall => ({
  head: bytes('hello'),
  body: null,
  deadlineMs: 10_000,
  hops: 3,
  ...changes,
})
const echo: CallHandler = async ({ head, body }) => ({ head, body })
const codeOf = (error: unknown): string => (isSelvedgeError(error) ? error.code : String(error))
const failure = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  )

describe('a call', () => {
  it('brings head and small body there and back, and dials a member that is not connected', async () => {
    const harbor = new CallHarbor(1)
    let seen: IncomingCall | null = null
    harbor.node('b', async (call) => {
      seen = call
      return { head: bytes(`got ${text(call.head)}`), body: bytes('back') }
    })
    const a = harbor.node('a')
    const answer = await harbor.finish(a.calls.call('b', ask({ body: bytes('body') })))
    expect(text(answer.head)).toBe('got hello')
    expect(text(answer.body as Uint8Array)).toBe('back')
    expect(seen).toMatchObject({ peer: 'a', hops: 3, body: bytes('body') })
    const { deadlineMs } = seen as unknown as IncomingCall
    expect(deadlineMs).toBeLessThanOrEqual(10_000)
    expect(deadlineMs).toBeGreaterThan(9_900)
  })

  it('uses one channel again for the next call, and as many at once as there are calls, up to a limit', async () => {
    const harbor = new CallHarbor(2)
    let most = 0
    let now = 0
    const b = harbor.node('b', async (call) => {
      now += 1
      most = Math.max(most, now)
      await new Promise<void>((resolve) => harbor.clock.after(100, resolve))
      now -= 1
      return { head: call.head, body: null }
    })
    const a = harbor.node('a')
    for (let at = 0; at < 3; at++) await harbor.finish(a.calls.call('b', ask()))
    expect(most).toBe(1)
    const many = Array.from({ length: callLimits.channelsPerPeer + 20 }, () => a.calls.call('b', ask()))
    await harbor.finish(Promise.all(many))
    expect(most).toBe(callLimits.channelsPerPeer)
    await harbor.clock.run(callLimits.idleMs * 2)
    expect(b.transport.connectionTo('a')?.channels[0].size).toBe(0)
  })

  it('keeps the connection at both ends for as long as it takes, and no longer', async () => {
    const harbor = new CallHarbor(2)
    harbor.node('b', async ({ head }) => {
      await new Promise<void>((resolve) => harbor.clock.after(120_000, resolve))
      return { head, body: null }
    })
    const a = harbor.node('a')
    const answer = a.calls.call('b', ask({ deadlineMs: 150_000 }))
    await harbor.clock.run(1_000)
    expect(new Set(harbor.kept)).toEqual(new Set(['a b', 'b a']))
    await harbor.clock.run(100_000)
    harbor.kept.length = 0
    await harbor.finish(answer)
    expect(new Set(harbor.kept)).toEqual(new Set(['a b', 'b a']))
    await harbor.clock.run(callLimits.idleMs * 2)
    harbor.kept.length = 0
    await harbor.clock.run(60_000)
    expect(harbor.kept).toEqual([])
  })

  it('streams bodies both ways, at the pace of whoever reads, with their trailers', async () => {
    const harbor = new CallHarbor(3)
    const there = pieces(200, 32 * 1024)
    const back = pieces(200, 32 * 1024)
    let received = 0
    harbor.node('b', async ({ head, body }) => {
      if (body === null || body instanceof Uint8Array) throw new Error('not streamed')
      const read = async (): Promise<void> => {
        for await (const piece of body.chunks) received += piece.length
      }
      void read()
      return { head, body: { chunks: back.chunks, trailer: () => bytes('the end') } }
    })
    const a = harbor.node('a')
    const answer = await harbor.finish(
      a.calls.call('b', ask({ body: { chunks: there.chunks, trailer: () => null } })),
    )
    await harbor.clock.run(1_000)
    expect(received).toBe(200 * 32 * 1024)
    // Nobody has read the answer yet: no more than a window of it is under way.
    expect(back.made()).toBeLessThanOrEqual(callLimits.windowBytes / (32 * 1024) + 2)
    const { body } = answer
    if (body === null || body instanceof Uint8Array) throw new Error('not streamed')
    const all = await harbor.finish(collect(body.chunks))
    expect(all.length).toBe(200 * 32 * 1024)
    expect(all[32 * 1024 * 7]).toBe(7)
    expect(text(body.trailer() ?? bytes(''))).toBe('the end')
  })

  it('carries a whole body that is too large for one frame', async () => {
    const harbor = new CallHarbor(4)
    harbor.node('b', async ({ head, body }) => ({
      head,
      body: await collect((body as Exclude<typeof body, Uint8Array | null>).chunks),
    }))
    const a = harbor.node('a')
    const large = new Uint8Array(500_000).fill(7)
    const answer = await harbor.finish(a.calls.call('b', ask({ body: large })))
    const { body } = answer
    if (body === null || body instanceof Uint8Array) throw new Error('not streamed')
    expect(await harbor.finish(collect(body.chunks))).toEqual(large)
  })
})

describe('a call that did not begin', () => {
  it('is told from one that failed', async () => {
    const harbor = new CallHarbor(5)
    let refuses = true
    harbor.node('b', async () => {
      const error = callsProblems.error('ERR_CALL_BUSY', 'not now')
      throw refuses ? new NotStarted(error, true) : error
    })
    const a = harbor.node('a')
    const refused = await harbor.finish(failure(a.calls.call('b', ask())))
    expect(refused).toBeInstanceOf(NotStarted)
    expect(refused).toMatchObject({ code: 'ERR_CALL_BUSY', message: 'not now', isReached: true })
    refuses = false
    const failed = await harbor.finish(failure(a.calls.call('b', ask())))
    expect(failed).not.toBeInstanceOf(NotStarted)
    expect(codeOf(failed)).toBe('ERR_CALL_BUSY')
  })

  it('has not touched its streaming body', async () => {
    const harbor = new CallHarbor(6)
    const body = pieces(3, 10)
    const refuse: CallHandler = async () => {
      throw new NotStarted(callsProblems.error('ERR_CALL_BUSY', 'not now'), true)
    }
    harbor.node('b', refuse)
    const a = harbor.node('a')
    await harbor.finish(
      failure(a.calls.call('b', ask({ body: { chunks: body.chunks, trailer: () => null } }))),
    )
    expect(body.made()).toBe(0)
  })

  it('is one whose node nobody reaches, or that answers no calls', async () => {
    const harbor = new CallHarbor(7)
    const a = harbor.node('a')
    harbor.node('b')
    const unknown = await harbor.finish(failure(a.calls.call('c', ask())))
    expect(unknown).toMatchObject({ code: 'ERR_CALL_UNREACHABLE', isReached: false })
    const silent = await harbor.finish(failure(a.calls.call('b', ask())))
    expect(silent).toMatchObject({ code: 'ERR_CALL_STOPPED', isReached: true })
  })

  it('waits for a channel no longer than leaves time for another node, and has not begun then', async () => {
    const harbor = new CallHarbor(11)
    let begun = 0
    harbor.node('b', () => {
      begun += 1
      return new Promise(() => {})
    })
    const a = harbor.node('a')
    for (let at = 0; at < callLimits.channelsPerPeer; at++)
      void failure(a.calls.call('b', ask({ deadlineMs: 60_000 })))
    await harbor.clock.run(1_000)
    const fromMs = harbor.clock.monotonicMs()
    const tookMs: number[] = []
    for (const deadlineMs of [800, 20_000]) {
      const error = await harbor.finish(failure(a.calls.call('b', ask({ deadlineMs }))))
      expect(error).toMatchObject({
        code: 'ERR_CALL_BUSY',
        message: expect.stringMatching(/no channel/) as unknown,
      })
      expect(error).toBeInstanceOf(NotStarted)
      tookMs.push(Math.round(harbor.clock.monotonicMs() - fromMs))
    }
    expect(tookMs).toEqual([600, 600 + 19_000])
    expect(begun).toBe(callLimits.channelsPerPeer)
  })

  it('is one too many for the node that would answer', async () => {
    const harbor = new CallHarbor(8)
    harbor.node('b', () => new Promise(() => {}))
    const names = Array.from({ length: 9 }, (_, at) => `caller-${at}`)
    const results: Promise<unknown>[] = []
    for (const name of names) {
      const { calls } = harbor.node(name)
      for (let at = 0; at < 60; at++) results.push(failure(calls.call('b', ask({ deadlineMs: 5_000 }))))
    }
    const errors = await harbor.finish(Promise.all(results))
    const busy = errors.filter((error) => codeOf(error) === 'ERR_CALL_BUSY')
    expect(busy).toHaveLength(9 * 60 - callLimits.served)
    expect(busy.every((error) => error instanceof NotStarted)).toBe(true)
  })
})

describe('a call that ends early', () => {
  it('fails at once where the node vanishes, and it is not known whether it began', async () => {
    const harbor = new CallHarbor(9)
    const b = harbor.node('b', () => new Promise(() => {}))
    const a = harbor.node('a')
    const call = failure(a.calls.call('b', ask()))
    await harbor.clock.run(100)
    b.transport.kill()
    const error = await harbor.finish(call, 50)
    expect(codeOf(error)).toBe('ERR_CALL_LOST')
    expect(error).not.toBeInstanceOf(NotStarted)
  })

  it('breaks off its streaming answer where the node vanishes', async () => {
    const harbor = new CallHarbor(10)
    const endless = pieces(Number.MAX_SAFE_INTEGER, 1_000)
    const b = harbor.node('b', async ({ head }) => ({
      head,
      body: { chunks: endless.chunks, trailer: () => null },
    }))
    const a = harbor.node('a')
    const { body } = await harbor.finish(a.calls.call('b', ask()))
    b.transport.kill()
    const read = failure(collect((body as Exclude<typeof body, Uint8Array | null>).chunks))
    expect(codeOf(await harbor.finish(read, 1_000))).toBe('ERR_CALL_LOST')
  })

  it('is given up there when its caller gives it up, and when the reader of its answer leaves', async () => {
    const harbor = new CallHarbor(11)
    const aborted: string[] = []
    let source = pieces(0, 0)
    harbor.node('b', async ({ head, signal }) => {
      signal.addEventListener('abort', () => aborted.push(codeOf(signal.reason)))
      if (text(head) === 'wait') return new Promise(() => {})
      source = pieces(Number.MAX_SAFE_INTEGER, 1_000)
      return { head, body: { chunks: source.chunks, trailer: () => null } }
    })
    const a = harbor.node('a')
    const controller = new AbortController()
    const call = failure(a.calls.call('b', ask({ head: bytes('wait'), signal: controller.signal })))
    await harbor.clock.run(100)
    controller.abort(new Error('nobody waits'))
    expect(String(await harbor.finish(call))).toBe('Error: nobody waits')
    await harbor.clock.run(100)
    expect(aborted).toEqual(['ERR_CALL_GIVEN_UP'])

    const { body } = await harbor.finish(a.calls.call('b', ask()))
    if (body === null || body instanceof Uint8Array) throw new Error('not streamed')
    const reader = body.chunks[Symbol.asyncIterator]()
    await harbor.finish(reader.next())
    await reader.return?.()
    await harbor.clock.run(100)
    const made = source.made()
    await harbor.clock.run(1_000)
    expect(source.made()).toBe(made)
    expect(aborted).toHaveLength(2)
  })

  it('ends at its deadline on both sides', async () => {
    const harbor = new CallHarbor(12)
    let reason: unknown = null
    harbor.node('b', ({ signal }) => {
      signal.addEventListener('abort', () => (reason = signal.reason))
      return new Promise(() => {})
    })
    const a = harbor.node('a')
    const before = harbor.clock.monotonicMs()
    const error = await harbor.finish(failure(a.calls.call('b', ask({ deadlineMs: 500 }))))
    expect(codeOf(error)).toBe('ERR_CALL_DEADLINE')
    expect(harbor.clock.monotonicMs() - before).toBeLessThan(510)
    await harbor.clock.run(10)
    expect(['ERR_CALL_DEADLINE', 'ERR_CALL_GIVEN_UP']).toContain(codeOf(reason))
  })

  it('leaves a channel fit for the next call, or none', async () => {
    const harbor = new CallHarbor(13)
    harbor.node('b', async (call) => {
      // Answers before it has read the body.
      if (text(call.head) === 'early') {
        const { body } = call
        if (body !== null && !(body instanceof Uint8Array)) await body.chunks[Symbol.asyncIterator]().next()
        return { head: bytes('early'), body: null }
      }
      return echo(call)
    })
    const a = harbor.node('a')
    const early = ask({
      head: bytes('early'),
      body: { chunks: pieces(1_000, 60_000).chunks, trailer: () => null },
    })
    for (let at = 0; at < 5; at++) {
      expect(text((await harbor.finish(a.calls.call('b', early))).head)).toBe('early')
      expect(text((await harbor.finish(a.calls.call('b', ask()))).head)).toBe('hello')
    }
  })
})

describe('a hostile peer', () => {
  it('is cut off where it sends what is no call, or more than there is room for', async () => {
    const harbor = new CallHarbor(14)
    const b = harbor.node('b', ({ body }) => {
      if (body !== null && !(body instanceof Uint8Array))
        body.chunks[Symbol.asyncIterator]()
          .next()
          .catch(() => {})
      return new Promise(() => {})
    })
    const rogue = harbor.network.transport('rogue')
    rogue.start()
    await harbor.finish(rogue.dial(b.transport.addresses(), new AbortController().signal))
    const streamed = new Uint8Array([1, 0x84, 0x19, 0x03, 0xe8, 0x01, 0x40, 0xf5])
    const floods: Uint8Array[][] = [
      [new Uint8Array([99])],
      [new Uint8Array([])],
      [new Uint8Array([5, 1, 2, 3])],
      [new Uint8Array([1, 0xff])],
      [streamed, streamed],
      [streamed, ...Array.from({ length: 6 }, () => new Uint8Array(callLimits.pieceBytes + 1).fill(5))],
    ]
    for (const frames of floods) {
      const channel = await harbor.finish(rogue.open('b', '/selvedge/call/1', new AbortController().signal))
      for (const frame of frames) await channel.send(frame).catch(() => {})
      await harbor.finish(channel.closed, 1_000)
    }
    await harbor.clock.run(100)
    expect(b.calls.served).toBe(0)
    expect(harbor.reported).toHaveLength(floods.length)
    expect(harbor.reported.every((told) => told.startsWith('rogue: '))).toBe(true)
  })

  it('is reported where it answers what is no answer, and one that is killed or leaves is not', async () => {
    const harbor = new CallHarbor(15)
    const a = harbor.node('a')
    const rogue = harbor.network.transport('rogue')
    rogue.start()
    rogue.handle('/selvedge/call/1', (_peer, channel) => void channel.send(new Uint8Array([99])))
    expect(codeOf(await harbor.finish(failure(a.calls.call('rogue', ask()))))).toBe('ERR_CALL_LOST')
    expect(harbor.reported).toEqual([expect.stringMatching(/^rogue: /)])
    const b = harbor.node('b', () => new Promise(() => {}))
    const under = failure(a.calls.call('b', ask()))
    await harbor.clock.run(100)
    b.transport.kill()
    expect(codeOf(await harbor.finish(under))).toBe('ERR_CALL_LOST')
    expect(harbor.reported).toHaveLength(1)
  })
})
