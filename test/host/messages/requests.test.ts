/** Requests and replies between nodes in virtual time: who may answer, how often, and until when. */
import { describe, expect, it, vi } from 'vitest'
import type { Cancel, SelvedgeError } from '../../../core/index.ts'
import {
  messageLimits as limits,
  messageProblems,
  type Message,
  type RequestTerms,
} from '../../../host/messages/index.ts'
import { readRequest, requestMessage } from '../../../host/messages/request-wire.ts'
import { NotStarted } from '../../../mesh/index.ts'
import { SeededRandom } from '../../sim/index.ts'
import { bytesOf, Post, textOf, type PostNode } from './post.ts'

const terms: RequestTerms = { app: 'till', timeoutMs: 5_000, replies: 1 }

const outcomeOf = (work: Promise<readonly Message[]>): Promise<string> =>
  work.then(
    (replies) => replies.map((reply) => `${reply.origin}: ${textOf(reply)}`).join(', '),
    (error: unknown) => (error as SelvedgeError).code,
  )

/** An app of the node that hears the topic and does this with each request. */
function answering(node: PostNode, answer: (message: Message) => Promise<void>): Promise<Cancel> {
  return node.messaging.subscribe('app/answers', ['price'], answer, { takesRequests: true })
}

const replying =
  (node: PostNode, text: string, times = 1) =>
  async ({ request }: Message): Promise<void> => {
    for (let at = 0; at < times; at += 1)
      await node.messaging.reply(request?.replyTo ?? '', { body: bytesOf(text) })
  }

/** A request is known by who asked, and where that one awaits replies. */
const topicIn = (replyTo = ''): string => replyTo.split(' ')[1] ?? ''

async function two(answer: (b: PostNode) => (message: Message) => Promise<void>, seed = 1) {
  const post = new Post(new SeededRandom(seed))
  const a = await post.node('a')
  const b = await post.node('b', ['price'])
  await post.clock.finish(answering(b, answer(b)), 1_000)
  const ask = (more: Partial<RequestTerms> = {}, text = 'of the red one') =>
    post.clock.finish(
      outcomeOf(a.messaging.request({ topic: 'price', body: bytesOf(text) }, { ...terms, ...more })),
      600_000,
    )
  return { post, a, b, ask }
}

describe('a request', () => {
  it('is answered by another node, and neither it nor the reply was on any disk', async () => {
    const seen: Message[] = []
    const { a, b, ask } = await two((node) => async (message) => {
      seen.push(message)
      await replying(node, `12 for ${textOf(message)}`)(message)
    })
    expect(await ask()).toBe('b: 12 for of the red one')
    expect(seen).toMatchObject([{ origin: 'a', topic: 'price', metadata: [] }])
    expect(b.handed).toEqual([])
    expect(a.messaging.figures()).toMatchObject({
      counts: { requests: 1, unanswered: 0, published: 0 },
      journals: { out: { items: 0 }, in: { items: 0 } },
    })
    expect(b.messaging.figures()).toMatchObject({
      counts: { replies: 1, received: 0 },
      journals: { in: { items: 0 } },
    })
  })

  it('is answered by an app of its own node', async () => {
    const post = new Post(new SeededRandom(2))
    const a = await post.node('a')
    await post.clock.finish(answering(a, replying(a, '12')), 1_000)
    const asked = a.messaging.request({ topic: 'price', body: bytesOf('?') }, terms)
    expect(await post.clock.finish(outcomeOf(asked), 10_000)).toBe('a: 12')
  })

  it('says at once that nobody is there who could answer it', async () => {
    const post = new Post(new SeededRandom(3))
    const a = await post.node('a')
    const from = post.clock.monotonicMs()
    const ask = () =>
      post.clock.finish(outcomeOf(a.messaging.request({ topic: 'price', body: bytesOf('?') }, terms)), 60_000)
    expect(await ask()).toBe('ERR_REQUEST_UNHEARD')
    expect(post.clock.monotonicMs()).toBe(from)
    // One that hears the topic and takes no requests, as a bridge: it does not make anybody wait.
    const b = await post.node('b', ['price'])
    expect(await ask()).toBe('ERR_REQUEST_UNHEARD')
    expect(post.clock.monotonicMs() - from).toBeLessThan(1_500)
    await post.clock.run(5_000)
    expect(b.handed).toEqual([])
  })

  it('names the nodes that are not reached', async () => {
    const { post, a, b } = await two((node) => replying(node, '12'))
    b.kill()
    await post.clock.run(10_000)
    const asked = a.messaging.request({ topic: 'price', body: bytesOf('?') }, { ...terms, timeoutMs: 60_000 })
    const error = await post.clock.finish(
      asked.then(
        () => null,
        (thrown: unknown) => thrown as SelvedgeError,
      ),
      60_000,
    )
    expect(error).toMatchObject({
      code: 'ERR_REQUEST_UNHEARD',
      message: expect.stringMatching(/price: b is not reached/) as unknown,
    })
  })

  it('ends when its time is over, and a reply after that finds nobody', async () => {
    const late: string[] = []
    const { post, ask } = await two((node) => async ({ request }) => {
      await new Promise<void>((resolve) => node.post.clock.after(8_000, resolve))
      const reply = node.messaging.reply(request?.replyTo ?? '', { body: bytesOf('12') })
      late.push(await reply.then(() => 'taken').catch((error: unknown) => (error as SelvedgeError).code))
    })
    const from = post.clock.monotonicMs()
    expect(await ask()).toBe('ERR_REQUEST_TIMEOUT')
    expect(post.clock.monotonicMs() - from).toBeGreaterThanOrEqual(5_000)
    expect(post.clock.monotonicMs() - from).toBeLessThan(5_500)
    await post.clock.run(10_000)
    expect(late).toEqual(['ERR_REQUEST_OVER'])
  })

  it('takes along what is left of its time, whatever the clocks say', async () => {
    const left: number[] = []
    const { ask } = await two((node) => async (message) => {
      left.push((message.request?.untilMs ?? 0) - node.post.clock.monotonicMs())
      await replying(node, '12')(message)
    })
    expect(await ask({ timeoutMs: 3_000 })).toBe('b: 12')
    // Less the time on the way is not known to who has it: it never has more than was given.
    expect(left[0]).toBeGreaterThan(2_000)
    expect(left[0]).toBeLessThanOrEqual(3_000)
  })

  it('waits for as many replies as it wants, of one node or several, and for those that came in time', async () => {
    const { post, a, ask } = await two((node) => replying(node, 'b', 3))
    const c = await post.node('c', ['price'])
    await post.clock.finish(answering(c, replying(c, 'c')), 1_000)
    const all = (await ask({ replies: 4 })).split(', ').sort()
    expect(all).toEqual(['b: b', 'b: b', 'b: b', 'c: c'])
    const from = post.clock.monotonicMs()
    expect((await ask({ replies: 9 })).split(', ')).toHaveLength(4)
    expect(post.clock.monotonicMs() - from).toBeGreaterThanOrEqual(5_000)
    expect(a.messaging.figures().counts).toMatchObject({ requests: 2, unanswered: 0 })
  })

  it('ends with whoever asked, and with its node', async () => {
    const { post, a } = await two(() => async () => {})
    const gone = new AbortController()
    const asked = a.messaging
      .request({ topic: 'price', body: bytesOf('?') }, { ...terms, signal: gone.signal })
      .catch((error: unknown) => (error as Error).message)
    await post.clock.run(500)
    gone.abort(new Error('the instance is gone'))
    expect(await post.clock.finish(asked, 100)).toBe('the instance is gone')
    const other = outcomeOf(a.messaging.request({ topic: 'price', body: bytesOf('?') }, terms))
    await post.clock.run(500)
    await post.clock.finish(a.messaging.stop(), 1_000)
    expect(await post.clock.finish(other, 100)).toBe('ERR_MESSAGES_CLOSED')
  })

  it('is not waited for where whoever asks has given up before', async () => {
    const post = new Post(new SeededRandom(7))
    const a = await post.node('a')
    await post.clock.finish(
      answering(a, async () => {}),
      1_000,
    )
    const signal = AbortSignal.abort(new Error('the instance is gone'))
    const asked = a.messaging
      .request({ topic: 'price', body: bytesOf('?') }, { ...terms, signal })
      .catch((error: unknown) => (error as Error).message)
    expect(await post.clock.finish(asked, 100)).toBe('the instance is gone')
  })

  it.each(['a', 'b'])('finds room at %s however many were answered a moment ago', async (where) => {
    const post = new Post(new SeededRandom(8))
    const a = await post.node('a')
    const node = where === 'a' ? a : await post.node('b', ['price'])
    await post.clock.finish(answering(node, replying(node, '12')), 1_000)
    const from = post.clock.monotonicMs()
    const ask = (): Promise<string> =>
      outcomeOf(a.messaging.request({ topic: 'price', body: bytesOf('?') }, { ...terms, timeoutMs: 300_000 }))
    for (let at = 0; at <= limits.answerableOfNode; at += 1)
      expect(await post.clock.finish(ask(), 600_000)).toBe(`${where}: 12`)
    expect(post.clock.monotonicMs() - from).toBeLessThan(290_000)
  })

  it('is one of a bounded number, of all apps and of each', async () => {
    const { post, a, ask } = await two(() => async () => {})
    const asked = (app: string, count: number): Promise<string>[] =>
      Array.from({ length: count }, () =>
        outcomeOf(a.messaging.request({ topic: 'price', body: bytesOf('?') }, { ...terms, app })),
      )
    const waiting = asked('till', limits.requestsOfApp)
    expect(await ask()).toBe('ERR_REQUESTS_FULL')
    for (let at = 1; at < limits.requests / limits.requestsOfApp; at += 1)
      waiting.push(...asked(`app-${at}`, limits.requestsOfApp))
    expect(await ask({ app: 'another' })).toBe('ERR_REQUESTS_FULL')
    const ends = await post.clock.finish(Promise.all(waiting), 60_000)
    expect(new Set(ends)).toEqual(new Set(['ERR_REQUEST_TIMEOUT']))
    expect(await ask({ app: 'another' })).toBe('ERR_REQUEST_TIMEOUT')
  })

  it('is one of many at once that are all answered', async () => {
    const { post, a } = await two((node) => replying(node, '12'))
    const asked = Array.from({ length: limits.requestsOfApp }, () =>
      outcomeOf(a.messaging.request({ topic: 'price', body: bytesOf('?') }, { ...terms, timeoutMs: 60_000 })),
    )
    const ends = await post.clock.finish(Promise.all(asked), 120_000)
    expect(new Set(ends)).toEqual(new Set(['b: 12']))
  })

  it('is sent again to a node that is there, and had no channel for it just then', async () => {
    const { a, ask } = await two((node) => replying(node, '12'))
    expect(await ask()).toBe('b: 12')
    const deliver = a.exchange.deliver.bind(a.exchange)
    let tries = 0
    a.exchange.deliver = async (...sent) => {
      tries += 1
      if (tries < 3) throw new NotStarted(messageProblems.error('ERR_MESSAGES_CLOSED', 'no channel'), false)
      return deliver(...sent)
    }
    expect(await ask()).toBe('b: 12')
    expect(tries).toBe(3)
  })

  it('leaves the channel that it went by to the next, though its reply overtakes the word that it was taken', async () => {
    const { a, ask } = await two((node) => replying(node, '12'))
    const opened = vi.spyOn(a.transport, 'open')
    for (let at = 0; at < 20; at += 1) expect(await ask()).toBe('b: 12')
    expect(opened.mock.calls.length).toBeLessThanOrEqual(2)
  })

  it('is refused where it is no message', async () => {
    const { post, a } = await two(() => async () => {})
    const pairs = Array.from({ length: limits.metadataEntries }, (_, at) => [`n${at}`, ''] as const)
    const wrong: [Parameters<typeof a.messaging.request>[0], string][] = [
      [{ topic: 'Price', body: bytesOf('?') }, 'ERR_MESSAGE_TOPIC'],
      [{ topic: 'price', body: new Uint8Array(limits.bodyBytes + 1) }, 'ERR_MESSAGE_TOO_LARGE'],
      [{ topic: 'price', body: bytesOf('?'), metadata: pairs }, 'ERR_MESSAGE_TOO_LARGE'],
      [{ topic: 'price', body: bytesOf('?'), metadata: [['selvedge:reply-to', 'x']] }, 'ERR_MESSAGE_INVALID'],
    ]
    for (const [message, code] of wrong)
      expect(await post.clock.finish(outcomeOf(a.messaging.request(message, terms)), 1_000)).toBe(code)
  })
})

describe('a reply', () => {
  it('counts only of a node that was asked, once for each id', async () => {
    const { post, a, b } = await two((node) => replying(node, '12'))
    const c = await post.node('c')
    let topic = ''
    const answers = await post.clock.finish(
      b.messaging.subscribe(
        'app/answers',
        ['price'],
        async ({ request }) => {
          topic = topicIn(request?.replyTo)
        },
        { takesRequests: true },
      ),
      1_000,
    )
    const asked = outcomeOf(
      a.messaging.request({ topic: 'price', body: bytesOf('?') }, { ...terms, replies: 3 }),
    )
    await post.clock.run(1_000)
    const wire = { id: 'r1', topic, key: null, contentType: null, metadata: [], timeMs: 0 }
    const deliver = async (from: PostNode, id: string, body: string): Promise<string> => {
      const reply = { ...wire, id, body: bytesOf(body) }
      const { verdicts } = await post.clock.finish(from.exchange.deliver('a', [reply]), 5_000)
      return verdicts.join()
    }
    expect(await deliver(c, 'r1', 'of a stranger')).toBe('unwanted')
    expect(await deliver(b, 'r1', 'twelve')).toBe('taken')
    expect(await deliver(b, 'r1', 'twelve')).toBe('taken')
    expect(await post.clock.finish(asked, 10_000)).toBe('b: twelve')
    expect(await deliver(b, 'r2', 'too late')).toBe('unwanted')
    answers()
  })

  it('goes to who asked, though another that was asked as well asks by the same name', async () => {
    const { post, b, ask } = await two((node) => async (message) => {
      await new Promise<void>((resolve) => node.post.clock.after(1_000, resolve))
      await replying(node, `for ${message.origin}`)(message)
    })
    const c = await post.node('c', ['price'])
    const heard: string[] = []
    c.exchange.receiveWith(async (_from, messages) => {
      for (const message of messages) {
        const read = readRequest(message)
        if (read === null) heard.push(textOf(message))
        else if (read !== 'broken')
          void c.exchange.deliver('b', [requestMessage(read.message, read.replyTo, 20_000)])
      }
      return { verdicts: messages.map(() => 'taken' as const), waitMs: 0 }
    })
    expect(await ask()).toBe('b: for a')
    await post.clock.run(5_000)
    expect(heard).toEqual(['for c'])
    expect(b.messaging.figures().counts.replies).toBe(2)
  })

  it('beyond those that were wanted is told that, here and from another node, and changes nothing', async () => {
    const outcomes: string[] = []
    const again =
      (node: PostNode) =>
      async ({ request }: Message): Promise<void> => {
        for (let at = 0; at < 3; at += 1) {
          const reply = node.messaging.reply(request?.replyTo ?? '', { body: bytesOf(`${at}`) })
          outcomes.push(await reply.then(() => 'taken').catch((error: unknown) => (error as Error).message))
        }
        throw new Error('the handler fails behind its reply')
      }
    const { post, b, ask } = await two(again)
    expect(await ask({ replies: 2 })).toBe('b: 0, b: 1')
    await post.clock.run(5_000)
    const asked = b.messaging.request({ topic: 'price', body: bytesOf('?') }, { ...terms, replies: 2 })
    expect(await post.clock.finish(outcomeOf(asked), 10_000)).toBe('b: 0, b: 1')
    await post.clock.run(5_000)
    const late: unknown = expect.stringMatching(
      /^nobody waits for the reply: whoever asked has enough replies, or waits no more/,
    )
    expect(outcomes).toEqual(['taken', 'taken', late, 'taken', 'taken', late])
  })

  it('is given up in the time of whoever replies, and may be tried again', async () => {
    let replyTo = ''
    const { post, a, b } = await two(
      () =>
        async ({ request }) =>
          void (replyTo = request?.replyTo ?? ''),
    )
    const asked = outcomeOf(
      a.messaging.request({ topic: 'price', body: bytesOf('?') }, { ...terms, timeoutMs: 60_000 }),
    )
    await post.clock.run(1_000)
    a.exchange.receiveWith(() => new Promise(() => {}))
    const reply = (timeoutMs: number): Promise<string> =>
      b.messaging.reply(replyTo, { body: bytesOf('12') }, { timeoutMs }).then(
        () => 'taken',
        (error: unknown) => `${(error as SelvedgeError).code}: ${(error as Error).message}`,
      )
    const fromMs = post.clock.monotonicMs()
    expect(await post.clock.finish(reply(500), 60_000)).toBe(
      'ERR_REQUEST_OVER: nobody waits for the reply: it was not taken in time, and may not have arrived',
    )
    expect(post.clock.monotonicMs() - fromMs).toBe(500)
    a.exchange.receiveWith((peer, messages) => a.messaging.receive(peer, messages))
    expect(await post.clock.finish(reply(20_000), 60_000)).toBe('taken')
    expect(await post.clock.finish(asked, 1_000)).toBe('b: 12')
  })

  it('to what was never asked is over', async () => {
    const post = new Post(new SeededRandom(5))
    const a = await post.node('a')
    const replied = a.messaging.reply('selvedge/reply/r000000000000000000000000', { body: bytesOf('x') })
    expect(await post.clock.finish(outcomeOf(replied.then(() => [])), 1_000)).toBe('ERR_REQUEST_OVER')
  })
})

describe('what another node says of a request', () => {
  const wire = {
    id: 'r1',
    topic: 'price',
    key: null,
    contentType: null,
    metadata: [['a', '1']] as [string, string][],
    body: bytesOf('?'),
    timeMs: 0,
  }
  const replyTo = `selvedge/reply/r${'0'.repeat(24)}`

  it('comes back as it was sent, with no more time than anybody may have', () => {
    expect(readRequest(wire)).toBeNull()
    expect(readRequest(requestMessage(wire, replyTo, 1_234.5))).toEqual({
      message: wire,
      replyTo,
      leftMs: 1_234,
    })
    expect(readRequest(requestMessage(wire, replyTo, 999_999_999))).toMatchObject({
      leftMs: limits.requestMostMs,
    })
  })

  it('is refused where it makes no sense, and admitted only from where its topic reaches', async () => {
    const { post, a, b } = await two((node) => replying(node, '12'))
    const left = ['selvedge:left-ms', '10'] as const
    const to = ['selvedge:reply-to', replyTo] as const
    const broken = [[left], [to], [to, ['selvedge:left-ms', '-1']], [['selvedge:reply-to', 'price'], left]]
    for (const metadata of broken as unknown as (typeof wire)['metadata'][]) {
      const sent = a.exchange.deliver('b', [{ ...wire, metadata }])
      expect((await post.clock.finish(sent, 5_000)).verdicts).toEqual(['refused'])
    }
    post.withheld.add('price')
    const sent = a.exchange.deliver('b', [requestMessage(wire, replyTo, 1_000)])
    expect((await post.clock.finish(sent, 5_000)).verdicts).toEqual(['refused'])
    expect(b.messaging.figures().counts).toMatchObject({ replies: 0 })
  })
})
