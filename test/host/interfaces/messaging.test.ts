import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock, systemRandom } from '../../../core/index.ts'
import {
  bindInterfaces,
  grantedInterfaces,
  noTopics,
  type AppContext,
} from '../../../host/interfaces/index.ts'
import {
  localTopics,
  messageLimits,
  messageProblems,
  type Message,
  type NewMessage,
  type RequestTerms,
  type Topics,
} from '../../../host/messages/index.ts'
import { heldMessageBytes, messagingProducerId, messagingRequestId } from '../../../host/guest/index.ts'
import { appContext } from './app-context.ts'
import { scriptRunner, type ScriptRunner } from './guest-script.ts'

let runner: ScriptRunner
beforeAll(async () => {
  runner = await scriptRunner()
})
afterAll(() => runner.close())

const names = `
  const { Message, Client } = imports['wasi:messaging/types']
  const { send } = imports['wasi:messaging/producer']
`

/** As an app that may publish to one topic. */
async function asGuest(
  script: string,
  overrides: Partial<AppContext> = {},
): Promise<{ value: unknown; sent: NewMessage[] }> {
  const sent: NewMessage[] = []
  const publish = async (message: NewMessage): Promise<string> => {
    sent.push(message)
    return 'id'
  }
  const context = appContext({
    publishes: new Set(['shop/door']),
    topics: () => ({ ...noTopics, publish }),
    ...overrides,
  })
  const value = await runner.run(names + script, bindInterfaces(['publish:shop/door'], context))
  return { value, sent }
}

describe('wasi:messaging/producer', () => {
  it('sends a message with all that is said of it, its key among the metadata', async () => {
    const { value, sent } = await asGuest(`
      const client = Client.connect('whatever')
      const m = new Message(utf8('open'))
      m.setContentType('text/plain')
      m.addMetadata('key', 'door-1')
      m.addMetadata('a', '1')
      m.addMetadata('a', '2')
      m.addMetadata('b', '3')
      m.removeMetadata('b')
      const seen = [m.topic(), m.contentType(), text(m.data()), m.metadata()]
      send(client, 'shop/door', m)
      return [...seen, payload(() => client.disconnect()), payload(() => send(client, 'shop/door', new Message(utf8('x'))))]`)
    const metadata = [
      ['key', 'door-1'],
      ['a', '2'],
    ]
    expect(value).toEqual([
      undefined,
      'text/plain',
      'open',
      metadata,
      { ok: undefined },
      { err: { tag: 'connection', val: 'the client was disconnected' } },
    ])
    expect(sent).toEqual([
      {
        topic: 'shop/door',
        body: new Uint8Array(Buffer.from('open')),
        contentType: 'text/plain',
        metadata,
        key: 'door-1',
      },
    ])
  })

  it('is denied a topic that was not granted, whatever its name', async () => {
    const { value, sent } = await asGuest(`
      const client = Client.connect('')
      return ['shop/till', '', 'shop', 'shop/door/', '../door'].map((topic) =>
        payload(() => send(client, topic, new Message(utf8('x')))).err.tag)`)
    expect(value).toEqual(Array.from({ length: 5 }, () => 'permission-denied'))
    expect(sent).toEqual([])
  })

  it('is denied also to a sandbox whose half was made to say something else', async () => {
    const [bound] = bindInterfaces(
      ['publish:shop/door'],
      appContext({ publishes: new Set(['shop/door']) }),
    ).filter(({ id }) => id === messagingProducerId)
    const send = bound?.functions['send']
    if (send?.mode !== 'call') throw new Error('send is no call')
    const thrown: unknown = await (
      send.run(['secret', undefined, new Uint8Array(1), undefined]) as Promise<unknown>
    ).catch((error) => error)
    expect(thrown).toMatchObject({ payload: { tag: 'permission-denied' } })
    for (const args of [
      [],
      ['shop/door', 1, new Uint8Array(1)],
      ['shop/door', undefined, 'text'],
      ['shop/door', undefined, new Uint8Array(1), [['a']]],
    ])
      await expect(send.run(args)).rejects.toThrow(TypeError)
  })

  it('is not there at all without a grant, but messages are', () => {
    expect(grantedInterfaces([]).filter((id) => id.startsWith('wasi:messaging'))).toEqual([
      'wasi:messaging/types@0.2.0-draft',
      'wasi:messaging/request-reply@0.2.0-draft',
    ])
  })

  it('tells in words what the node cannot take, and the guest lives on', async () => {
    const topics = localTopics(systemClock, systemRandom)
    const { value } = await asGuest(
      `
      const client = Client.connect('')
      const say = (size) => payload(() => send(client, 'shop/door', new Message(new Uint8Array(size))))
      return [say(${messageLimits.bodyBytes + 1}).err.tag, say(${messageLimits.bodyBytes}), say(1)]`,
      { topics: () => topics },
    )
    expect(value).toEqual(['other', { ok: undefined }, { ok: undefined }])
    const full = await asGuest(
      `return payload(() => send(Client.connect(''), 'shop/door', new Message(utf8('x'))))`,
      {
        topics: () => ({
          ...noTopics,
          publish: async () =>
            Promise.reject(messageProblems.error('ERR_MESSAGES_FULL', 'the journal is full')),
        }),
      },
    )
    expect(full.value).toEqual({ err: { tag: 'other', val: 'the journal is full' } })
  })

  it('gives the sandbox back a handle and room for each message that is sent or dropped', async () => {
    const { value, sent } = await asGuest(`
      const client = Client.connect('')
      for (let n = 0; n < 100; n += 1) {
        send(client, 'shop/door', new Message(new Uint8Array(200_000)))
        drop(new Message(new Uint8Array(200_000)))
        drop(Client.connect(''))
      }
      return 'done'`)
    expect(value).toBe('done')
    expect(sent.length).toBe(100)
  })

  it('ends a guest that hoards messages', async () => {
    const hoard = `const all = []
      for (let n = 0; n < 20; n += 1) all.push(new Message(new Uint8Array(${heldMessageBytes / 10})))
      return all.length`
    await expect(asGuest(hoard)).rejects.toThrow(/messages of more than/)
  })
})

describe('wasi:messaging/request-reply', () => {
  const asks = `
    const { request, reply, RequestOptions } = imports['wasi:messaging/request-reply']
    const client = Client.connect('')
    const options = (timeoutMs, replies) => {
      const made = new RequestOptions()
      if (timeoutMs !== undefined) made.setTimeoutMs(timeoutMs)
      if (replies !== undefined) made.setExpectedReplies(replies)
      return made
    }
    const ask = (topic, body, how) =>
      payload(() => request(client, topic, new Message(utf8(body)), how).map((one) => [one.topic(), one.contentType(), text(one.data())]))
  `
  interface Asked {
    readonly message: Parameters<Topics['request']>[0]
    readonly terms: RequestTerms
  }

  /** As an app that may ask on one topic, of others that answer so. */
  async function asking(script: string, answer: (asked: Asked) => Promise<readonly string[]>) {
    const asked: Asked[] = []
    const topics = {
      ...noTopics,
      request: async (message: Asked['message'], terms: RequestTerms): Promise<Message[]> => {
        asked.push({ message, terms })
        const bodies = await answer({ message, terms })
        return bodies.map((body, at) => ({
          id: String(at),
          topic: 'selvedge/reply/r1',
          key: null,
          contentType: 'text/plain',
          metadata: [],
          body: new Uint8Array(Buffer.from(body)),
          origin: 'b',
          timeMs: 0,
        }))
      },
    }
    const { value } = await asGuest(asks + script, { topics: () => topics })
    return { value, asked }
  }

  it('asks with what is said of the message, and gets the replies without where they came by', async () => {
    const { value, asked } = await asking(
      `
      const m = new Message(utf8('how much?'))
      m.setContentType('text/plain')
      m.addMetadata('a', '1')
      const first = request(client, 'shop/door', m, options(2000, 2)).map((one) => text(one.data()))
      return [first, text(m.data()), ask('shop/door', 'again')]`,
      async ({ terms }) => ['one', 'two'].slice(0, terms.replies),
    )
    expect(value).toEqual([['one', 'two'], 'how much?', { ok: [[undefined, 'text/plain', 'one']] }])
    expect(asked).toMatchObject([
      {
        message: { topic: 'shop/door', contentType: 'text/plain', metadata: [['a', '1']] },
        terms: { app: 'test-app', timeoutMs: 2_000, replies: 2 },
      },
      { terms: { replies: 1 } },
    ])
    expect(asked[0]?.message).not.toHaveProperty('key')
    expect(asked[1]?.terms.timeoutMs).toBeLessThanOrEqual(messageLimits.requestMs)
  })

  it('is denied a topic that was not granted, and tells late from nobody', async () => {
    const problems = ['ERR_REQUEST_TIMEOUT', 'ERR_REQUEST_UNHEARD', 'ERR_REQUESTS_FULL'] as const
    let at = 0
    const { value, asked } = await asking(
      `return [ask('shop/till', 'x'), ask('shop/door', '1'), ask('shop/door', '2'), ask('shop/door', '3')]`,
      async () => {
        throw messageProblems.error(problems[at++] ?? 'ERR_MESSAGE_INVALID', 'so it is')
      },
    )
    expect(value).toEqual([
      { err: { tag: 'permission-denied', val: 'the release may not publish to this topic' } },
      { err: { tag: 'timeout' } },
      { err: { tag: 'connection', val: 'so it is' } },
      { err: { tag: 'other', val: 'so it is' } },
    ])
    expect(asked).toHaveLength(3)
  })

  it('replies to nothing where nothing was asked', async () => {
    const { value } = await asking(
      `return payload(() => reply(new Message(utf8('x')), new Message(utf8('y'))))`,
      async () => [],
    )
    expect(value).toEqual({ ok: undefined })
  })

  it('asks and replies in less than what is left of its own time, to do something about what comes of it', async () => {
    const said: unknown[] = []
    const topics = {
      ...noTopics,
      request: async (_: unknown, { timeoutMs }: RequestTerms): Promise<Message[]> => {
        said.push(timeoutMs)
        return []
      },
      reply: async (...[, , terms]: Parameters<Topics['reply']>) => void said.push(terms?.timeoutMs),
    }
    const context = appContext({ publishes: new Set(['shop/door']), topics: () => topics })
    const [bound] = bindInterfaces(['publish:shop/door'], context).filter(
      ({ id }) => id === messagingRequestId,
    )
    const caller = {
      remainingMs: () => 500,
      hopsLeft: () => undefined,
      gone: new AbortController().signal,
    }
    const { request, reply } = bound?.functions ?? {}
    if (request?.mode !== 'call' || reply?.mode !== 'call') throw new Error('they are no calls')
    await request.run(['shop/door', undefined, new Uint8Array(1), undefined, 30_000], caller)
    await reply.run(['r', undefined, new Uint8Array(1)], caller)
    expect(said).toEqual([450, 450])
  })

  it('takes from the sandbox’s half only what it should say', async () => {
    const [bound] = bindInterfaces([], appContext()).filter(({ id }) => id === messagingRequestId)
    const reply = bound?.functions['reply']
    if (reply?.mode !== 'call') throw new Error('reply is no call')
    for (const args of [[], [1, undefined, new Uint8Array(1)], ['r', undefined, 'text']])
      await expect(reply.run(args)).rejects.toThrow(TypeError)
  })
})

describe('topics of a program that runs by itself', () => {
  it('are its own, and gone with it', async () => {
    const topics = localTopics(systemClock, systemRandom)
    const seen: string[] = []
    await topics.subscribe('own', ['light'], async ({ body }) => void seen.push(Buffer.from(body).toString()))
    await topics.publish({ topic: 'light', body: new Uint8Array(Buffer.from('1')) })
    await expect.poll(() => seen).toEqual(['1'])
  })
})
