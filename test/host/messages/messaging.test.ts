/** Messages of one node and between nodes, in virtual time: what is promised of them, and where the promise ends. */
import { describe, expect, it } from 'vitest'
import { memoryFolder, type SelvedgeError } from '../../../core/index.ts'
import { messageLimits, type Message } from '../../../host/messages/index.ts'
import { AgeClock } from '../../../host/messages/age-clock.ts'
import { SeededRandom, VirtualClock } from '../../sim/index.ts'
import { bytesOf, Post, textOf, usualSettings } from './post.ts'

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (error as SelvedgeError).code,
  )

async function harbor(seed = 1, settings = usualSettings): Promise<Post> {
  return new Post(new SeededRandom(seed), settings)
}

describe('a message', () => {
  it('reaches subscriptions of its own node and of others, whole and with whose it is', async () => {
    const post = await harbor()
    const a = await post.node('a', ['light'])
    const b = await post.node('b', ['light', 'door'])
    const c = await post.node('c', ['door'])
    const message = {
      topic: 'light',
      key: 'lamp',
      contentType: 'text/plain',
      metadata: [['unit', 'lx']] as const,
      body: bytesOf('312'),
    }
    const id = await post.clock.finish(a.publish(message), 10_000)
    await post.clock.run(10_000)
    const expected = { ...message, id, origin: 'a', timeMs: expect.any(Number) as number }
    expect(a.handed).toEqual([expected])
    expect(b.handed).toEqual([expected])
    expect(c.handed).toEqual([])
    const report = await post.clock.finish(a.messaging.report(), 1_000)
    expect(report.counts).toMatchObject({ published: 1, delivered: 1, handled: 1 })
    expect(report.journals.out.items).toBe(0)
  })

  it.each([['before'], ['after']])(
    'of which a listener failed %s it went is not kept for it, nor what it never saw',
    async (order) => {
      const post = await harbor()
      const a = await post.node('a', [])
      let fail!: () => void
      const stuck = new Promise<void>((_, reject) => (fail = () => reject(new Error('it reads no more'))))
      stuck.catch(() => {})
      const cancel = await post.clock.finish(
        a.messaging.listen(['light'], () => stuck),
        1_000,
      )
      for (let count = 0; count < messageLimits.handled + 4; count += 1)
        await post.clock.finish(a.publish({ topic: 'light', body: bytesOf('x') }), 1_000)
      const held = async (): Promise<number> =>
        (await post.clock.finish(a.messaging.report(), 1_000)).journals.in.items
      expect(await held()).toBe(messageLimits.handled + 4)
      for (const step of order === 'before' ? [fail, cancel] : [cancel, fail]) {
        step()
        await post.clock.run(100)
      }
      await post.clock.run(1_000)
      expect(await held()).toBe(0)
    },
  )

  it('is refused where it is no message, and nothing of it is kept', async () => {
    const post = await harbor()
    const a = await post.node('a', ['light'])
    const body = bytesOf('x')
    const wrong: [Parameters<typeof a.publish>[0], string][] = [
      [{ topic: 'Light', body }, 'ERR_MESSAGE_TOPIC'],
      [{ topic: '', body }, 'ERR_MESSAGE_TOPIC'],
      [{ topic: 'a//b', body }, 'ERR_MESSAGE_TOPIC'],
      [{ topic: 'light', body: new Uint8Array(messageLimits.bodyBytes + 1) }, 'ERR_MESSAGE_TOO_LARGE'],
      [{ topic: 'light', body, key: 'k'.repeat(messageLimits.keyChars + 1) }, 'ERR_MESSAGE_TOO_LARGE'],
      [
        { topic: 'light', body, metadata: [['a', 'v'.repeat(messageLimits.metadataChars)]] },
        'ERR_MESSAGE_TOO_LARGE',
      ],
      [{ topic: 'light', body, key: '\ud800' }, 'ERR_MESSAGE_INVALID'],
      [{ topic: 'light', body, id: 'a b' }, 'ERR_MESSAGE_INVALID'],
    ]
    for (const [message, code] of wrong)
      expect([message.topic, await post.clock.finish(codeOf(a.publish(message)), 1_000)]).toEqual([
        message.topic,
        code,
      ])
    expect(
      await post.clock.finish(codeOf(a.messaging.subscribe('app/x', ['NO'], async () => {})), 1_000),
    ).toBe('ERR_MESSAGE_TOPIC')
    const largest = { topic: 'light', body: new Uint8Array(messageLimits.bodyBytes).fill(1) }
    await post.clock.finish(a.publish(largest), 1_000)
    await post.clock.run(1_000)
    expect(a.handed.map(({ body: { length } }) => length)).toEqual([messageLimits.bodyBytes])
  })

  it('that is published again under its id is taken for published', async () => {
    const post = await harbor()
    const a = await post.node('a')
    const b = await post.node('b', ['light'])
    for (let at = 0; at < 3; at++)
      await post.clock.finish(a.publish({ topic: 'light', body: bytesOf('1'), id: 'same' }), 1_000)
    await post.clock.run(10_000)
    await post.clock.finish(a.publish({ topic: 'light', body: bytesOf('1'), id: 'same' }), 1_000)
    await post.clock.run(10_000)
    expect(b.handed.map(textOf)).toEqual(['1'])
  })

  it('waits for a node that is away, and for a handler that fails, and keeps the order of its key meanwhile', async () => {
    const post = await harbor(2)
    const a = await post.node('a')
    const b = await post.node('b', ['light'])
    b.kill()
    for (const text of ['1', '2', '3'])
      await post.clock.finish(a.publish({ topic: 'light', key: 'k', body: bytesOf(text) }), 1_000)
    await post.clock.run(60_000)
    const waiting = await post.clock.finish(a.messaging.report(), 1_000)
    expect(waiting.waiting).toMatchObject([{ for: 'b', kind: 'node', state: 'away', waiting: 3 }])
    await post.clock.finish(b.start(), 10_000)
    let fails = 2
    const seen: string[] = []
    await post.clock.finish(
      b.messaging.subscribe('app/test', ['light'], async (message: Message) => {
        if (textOf(message) === '2' && fails-- > 0) throw new Error('not now')
        seen.push(textOf(message))
      }),
      1_000,
    )
    await post.clock.run(400_000)
    expect([...b.handed.map(textOf), ...seen]).toEqual(['1', '2', '3'])
  })

  it('that comes while nobody reads its subscription waits for who does, over a restart', async () => {
    const post = await harbor(3)
    const a = await post.node('a')
    const b = await post.node('b')
    const cancel = await post.clock.finish(
      b.messaging.subscribe('app/late', ['door'], async () => {}),
      1_000,
    )
    cancel()
    ;(b.topics as string[]).push('door')
    await post.clock.finish(a.publish({ topic: 'door', body: bytesOf('open') }), 1_000)
    await post.clock.run(20_000)
    expect((await post.clock.finish(b.messaging.report(), 1_000)).waiting).toMatchObject([
      { for: 'app/late', state: 'waiting', waiting: 1 },
    ])
    b.kill()
    await post.clock.finish(b.start(), 10_000)
    const seen: string[] = []
    await post.clock.finish(
      b.messaging.subscribe('app/late', ['door'], async (message) => void seen.push(textOf(message))),
      1_000,
    )
    await post.clock.run(5_000)
    expect(seen).toEqual(['open'])
  })
})

describe('the end of the promise', () => {
  it('comes for a node that is away longer than messages are kept, whatever the wall clock says', async () => {
    const post = await harbor(4, { ...usualSettings, keepMs: 3_600_000 })
    const a = await post.node('a')
    const b = await post.node('b', ['light'])
    b.kill()
    await post.clock.finish(a.publish({ topic: 'light', body: bytesOf('1') }), 1_000)
    // 1970, then 2035.
    post.clock.shiftWall(-Date.UTC(2026, 0, 1))
    await post.clock.run(1_200_000)
    post.clock.shiftWall(Date.UTC(2035, 0, 1))
    await post.clock.run(1_200_000)
    expect((await post.clock.finish(a.messaging.report(), 1_000)).counts.expired).toBe(0)
    // The time that the node is off counts for nothing; what it ran before does.
    a.kill()
    await post.clock.run(86_400_000)
    await post.clock.finish(a.start(), 10_000)
    await post.clock.run(300_000)
    expect((await post.clock.finish(a.messaging.report(), 1_000)).counts.expired).toBe(0)
    await post.clock.run(2_000_000)
    const { counts, journals } = await post.clock.finish(a.messaging.report(), 1_000)
    expect(counts.expired).toBe(1)
    expect(journals.out.items).toBe(0)
  })

  it('is a refusal where the journal is full, and the oldest where its owner wants that', async () => {
    const full = await harbor(5, { ...usualSettings, items: 5 })
    const [a, b] = [await full.node('a'), await full.node('b', ['light'])]
    b.kill()
    const publish = (text: string): Promise<string> =>
      full.clock.finish(codeOf(a.publish({ topic: 'light', body: bytesOf(text) })), 1_000)
    const outcomes = []
    for (const text of ['1', '2', '3', '4', '5', '6']) outcomes.push(await publish(text))
    expect(outcomes).toEqual(['done', 'done', 'done', 'done', 'done', 'ERR_MESSAGES_FULL'])
    await full.clock.finish(b.start(), 10_000)
    await full.clock.run(400_000)
    expect(b.handed.map(textOf).sort()).toEqual(['1', '2', '3', '4', '5'])
    expect(await publish('7')).toBe('done')

    const dropping = await harbor(6, { ...usualSettings, items: 5, whenFull: 'drop-oldest' })
    const [c, d] = [await dropping.node('c'), await dropping.node('d', ['light'])]
    d.kill()
    await dropping.clock.run(30_000)
    for (let at = 1; at <= 8; at++)
      await dropping.clock.finish(c.publish({ topic: 'light', body: bytesOf(`${at}`) }), 1_000)
    expect((await dropping.clock.finish(c.messaging.report(), 1_000)).journals.out).toMatchObject({
      items: 5,
      dropped: 3,
    })
    await dropping.clock.finish(d.start(), 10_000)
    await dropping.clock.run(400_000)
    expect(d.handed.map(textOf).sort()).toEqual(['4', '5', '6', '7', '8'])
  })

  it('does not come for a receiver without room: it is asked again, and nothing is lost', async () => {
    const post = await harbor(7, { ...usualSettings, items: 20 })
    const a = await post.node('a')
    const b = await post.node('b')
    ;(b.topics as string[]).push('light')
    const cancel = await post.clock.finish(
      b.messaging.subscribe('app/slow', ['light'], async () => {}),
      1_000,
    )
    cancel()
    for (let at = 0; at < 20; at++)
      await post.clock.finish(a.publish({ topic: 'light', body: bytesOf(`${at}`) }), 1_000)
    await post.clock.run(60_000)
    for (let at = 20; at < 30; at++)
      await post.clock.finish(a.publish({ topic: 'light', body: bytesOf(`${at}`) }), 1_000)
    await post.clock.run(60_000)
    // What is left free is for others.
    const { items } = (await post.clock.finish(b.messaging.report(), 1_000)).journals.in
    expect(items).toBeGreaterThan(10)
    expect(items).toBeLessThan(20)
    const seen: string[] = []
    await post.clock.finish(
      b.messaging.subscribe('app/slow', ['light'], async (message) => void seen.push(textOf(message))),
      1_000,
    )
    await post.clock.run(60_000)
    expect(seen.length).toBe(30)
    expect(new Set(seen).size).toBe(30)
  })

  it('is not a node whose releases do not let the message come from there, yet', async () => {
    const post = await harbor(8)
    const a = await post.node('a')
    const b = await post.node('b', ['light'])
    post.withheld.add('light')
    await post.clock.finish(a.publish({ topic: 'light', body: bytesOf('1') }), 1_000)
    await post.clock.run(20_000)
    expect(b.handed).toEqual([])
    expect((await post.clock.finish(b.messaging.report(), 1_000)).counts.refused).toBe(1)
    post.withheld.clear()
    await post.clock.run(60_000)
    expect(b.handed.map(textOf)).toEqual(['1'])
  })
})

const replayed = {
  id: 'm1',
  topic: 'light',
  key: null,
  contentType: null,
  metadata: [],
  body: bytesOf('1'),
  timeMs: 1,
}

describe('a peer that means harm', () => {
  it('that sends the same again and again is told that it is there, and nobody sees it twice', async () => {
    const post = await harbor(9)
    const b = await post.node('b', ['light'])
    for (let at = 0; at < 50; at++) {
      const { verdicts } = await post.clock.finish(
        b.messaging.receive('mallory', [replayed, replayed]),
        10_000,
      )
      expect(verdicts).toEqual(['taken', 'taken'])
    }
    await post.clock.run(10_000)
    expect(b.handed.map(textOf)).toEqual(['1'])
    expect(b.messaging.figures().journals.in).toMatchObject({ items: 0, duplicates: 99 })
  })

  it('cannot take the place of another’s message by its id', async () => {
    const post = await harbor(10)
    const [a, b] = [await post.node('a'), await post.node('b', ['light'])]
    const forged = { ...replayed, body: bytesOf('forged') }
    await post.clock.finish(b.messaging.receive('mallory', [forged]), 10_000)
    await post.clock.finish(a.publish({ topic: 'light', body: bytesOf('true'), id: 'm1' }), 1_000)
    await post.clock.run(10_000)
    expect(b.handed.map((message) => [message.origin, textOf(message)])).toEqual([
      ['mallory', 'forged'],
      ['a', 'true'],
    ])
  })

  it('fills nobody’s memory: what has no room is told so', async () => {
    const post = await harbor(11, { ...usualSettings, items: 30 })
    const b = await post.node('b')
    const cancel = await post.clock.finish(
      b.messaging.subscribe('app/slow', ['light'], async () => {}),
      1_000,
    )
    cancel()
    for (let at = 0; at < 20; at++) {
      const batch = Array.from({ length: 10 }, (_, n) => ({ ...replayed, id: `${at}-${n}` }))
      const { verdicts } = await post.clock.finish(b.messaging.receive('mallory', batch), 10_000)
      expect(new Set(verdicts)).toEqual(new Set([at < 2 ? 'taken' : 'later']))
    }
    expect(b.messaging.figures().journals.in.items).toBe(20)
  })
})

describe('a node that sends without end', () => {
  const fullOf = async (whenFull: 'refuse' | 'drop-oldest') => {
    const post = await harbor(12, { ...usualSettings, items: 30, whenFull })
    const b = await post.node('b')
    const cancel = await post.clock.finish(
      b.messaging.subscribe('app/slow', ['light'], async () => {}),
      1_000,
    )
    cancel()
    const receive = (node: string, ids: readonly string[]) =>
      post.clock.finish(
        b.messaging.receive(
          node,
          ids.map((id) => ({ ...replayed, id })),
        ),
        10_000,
      )
    const first = await receive('quiet', ['first'])
    for (let at = 0; at < 20; at++) {
      await receive(
        'noisy',
        Array.from({ length: 5 }, (_, n) => `${at}-${n}`),
      )
    }
    return { post, b, first, later: await receive('quiet', ['second', 'third']) }
  }

  it.each(['refuse', 'drop-oldest'] as const)('takes no other’s room, %s', async (whenFull) => {
    const { post, b, first, later } = await fullOf(whenFull)
    expect([...first.verdicts, ...later.verdicts]).toEqual(['taken', 'taken', 'taken'])
    const seen: string[] = []
    await post.clock.finish(
      b.messaging.subscribe('app/slow', ['light'], async ({ origin }) => void seen.push(origin)),
      1_000,
    )
    await post.clock.run(60_000)
    expect(seen.filter((origin) => origin === 'quiet')).toHaveLength(3)
  })
})

describe('the age of a node', () => {
  it('grows while it runs, is kept now and then, and starts anew where its file is damaged', async () => {
    const clock = new VirtualClock()
    const folder = memoryFolder()
    const first = await AgeClock.open(folder, clock)
    clock.advance(5_000)
    await first.save()
    expect(await folder.list()).toEqual([])
    clock.advance(600_000)
    await first.save()
    const second = await AgeClock.open(folder, clock)
    expect(second.now()).toBe(605_000)
    clock.advance(1_000)
    await second.save(true)
    expect((await AgeClock.open(folder, clock)).now()).toBe(606_000)
    await folder.write('age.json', bytesOf('{"v":1,"ms":-4}'))
    expect((await AgeClock.open(folder, clock)).now()).toBe(0)
  })
})
