import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock, systemRandom } from '../../../core/index.ts'
import { bindInterfaces, grantedInterfaces, type AppContext } from '../../../host/interfaces/index.ts'
import { localTopics, messageLimits, messageProblems, type NewMessage } from '../../../host/messages/index.ts'
import { heldMessageBytes, messagingProducerId } from '../../../host/guest/index.ts'
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
  const context = appContext({ publishes: new Set(['shop/door']), topics: () => ({ publish }), ...overrides })
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

describe('topics of a program that runs by itself', () => {
  it('are its own, and gone with it', async () => {
    const topics = localTopics(systemClock, systemRandom)
    const seen: string[] = []
    await topics.subscribe('own', ['light'], async ({ body }) => void seen.push(Buffer.from(body).toString()))
    await topics.publish({ topic: 'light', body: new Uint8Array(Buffer.from('1')) })
    await expect.poll(() => seen).toEqual(['1'])
  })
})
