import { describe, expect, it } from 'vitest'
import type { TopicMessage, TopicMessages } from '../../../host/triggers/index.ts'
import { runTrigger } from './context.ts'

const message: TopicMessage = {
  id: 'm1',
  topic: 'shop/door',
  key: 'door-1',
  contentType: 'text/plain',
  metadata: [['key', 'door-1']],
  body: new Uint8Array([1, 2]),
  origin: 'lobby-1',
  timeMs: 5,
}

interface Subscribed {
  readonly name: string
  readonly topics: readonly string[]
  readonly handle: (message: TopicMessage) => Promise<void>
  readonly options: unknown
}

function run(failures = 0) {
  const subscribed: Subscribed[] = []
  let left = failures
  const topics: TopicMessages = {
    async subscribe(name, wanted, handle, options) {
      if (left-- > 0) throw new Error('the disk is full')
      const entry = { name, topics: wanted, handle, options }
      subscribed.push(entry)
      return () => void subscribed.splice(subscribed.indexOf(entry), 1)
    },
  }
  const trigger = runTrigger({ kind: 'message', topic: 'shop/door' }, ['subscribe:shop/door'], { topics })
  return { trigger, subscribed }
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the message trigger', () => {
  it('subscribes by app and topic, and hands over each message with its key, known again by origin and id', async () => {
    const { trigger, subscribed } = run()
    await settled()
    expect(subscribed).toMatchObject([{ name: 'app/app/shop/door', topics: ['shop/door'] }])
    await subscribed[0]?.handle(message)
    expect(trigger.events).toMatchObject([{ unique: 'lobby-1 m1', key: 'lobby-1 door-1' }])
    expect(trigger.args(3)).toEqual([
      {
        topic: 'shop/door',
        contentType: 'text/plain',
        data: new Uint8Array([1, 2]),
        metadata: [['key', 'door-1']],
      },
    ])
    await subscribed[0]?.handle({ ...message, key: null, contentType: null })
    expect(trigger.events[1]).not.toHaveProperty('key')
    trigger.stop()
    expect(subscribed).toEqual([])
  })

  it('hands a request over with where it is replied to, for as long as somebody waits', async () => {
    const { trigger, subscribed } = run()
    await settled()
    expect(subscribed).toMatchObject([{ options: { takesRequests: true } }])
    const request = { replyTo: 'selvedge/reply/r1', untilMs: 700 }
    await subscribed[0]?.handle({ ...message, request })
    expect(trigger.events).toMatchObject([{ untilMs: 700, payload: { replyTo: request.replyTo } }])
    expect(trigger.events[0]).not.toHaveProperty('unique')
    expect(trigger.args()).toMatchObject([{ replyTo: request.replyTo }])
  })

  it('is delivered at least once where nothing else is written', () => {
    expect(run().trigger.planned.terms.promise).toBe('at-least-once')
  })

  it('says so where it cannot subscribe, and tries again', async () => {
    const { trigger, subscribed } = run(1)
    await settled()
    expect(trigger.problems).toMatchObject([{ code: 'ERR_TRIGGER_SOURCE' }])
    await trigger.clock.advance(5_000)
    await settled()
    expect(subscribed).toHaveLength(1)
    expect(
      runTrigger({ kind: 'message', topic: 'shop/door' }, ['subscribe:shop/door']).problems,
    ).toMatchObject([{ code: 'ERR_TRIGGER_SOURCE' }])
  })

  it('needs the grant of its topic, and a topic', () => {
    expect(() => runTrigger({ kind: 'message', topic: 'shop/door' }, ['subscribe:shop'])).toThrow(
      /subscribe:shop\/door/,
    )
    expect(() => runTrigger({ kind: 'message', topic: 'NO' }, [])).toThrow(/topic/)
  })
})
