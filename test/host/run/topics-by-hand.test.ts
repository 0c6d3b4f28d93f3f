/** The topics of one run by hand: bounded as a node's, by what a node's are bounded by. */
import { expect, it } from 'vitest'
import type { SelvedgeError } from '../../../core/index.ts'
import { localSettings, messageLimits as limits } from '../../../host/messages/index.ts'
import { TopicsByHand } from '../../../host/run/topics-by-hand.ts'

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
const outcomeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'taken',
    (error: unknown) => (error as SelvedgeError).code,
  )

async function asked(): Promise<{ hand: TopicsByHand; reply(body: Uint8Array): Promise<string> }> {
  const hand = new TopicsByHand()
  const replyTo = await hand.ask({ topic: 'price', body: bytes('?') })
  return { hand, reply: (body) => outcomeOf(hand.topics.reply(replyTo, { body })) }
}

it('takes as many replies as an app may want, and keeps them in their order between what is published', async () => {
  const { hand, reply } = await asked()
  await hand.topics.publish({ topic: 'shop/total', body: bytes('first') })
  for (let at = 0; at < limits.replies; at += 1) expect(await reply(bytes(`${at}`))).toBe('taken')
  expect(await reply(bytes('one more'))).toBe('ERR_REQUEST_OVER')
  await hand.topics.publish({ topic: 'shop/total', body: bytes('last') })
  expect(hand.said.map(({ topic, body }) => `${topic ?? ''} ${Buffer.from(body).toString()}`)).toEqual([
    'shop/total first',
    ...Array.from({ length: limits.replies }, (_, at) => ` ${at}`),
    'shop/total last',
  ])
  hand.close()
})

it('takes no more bytes of replies than a node would, and no reply that is too large for one', async () => {
  const { hand, reply } = await asked()
  expect(await reply(new Uint8Array(limits.bodyBytes + 1))).toBe('ERR_MESSAGE_TOO_LARGE')
  const most = limits.replyBytes / limits.bodyBytes
  for (let at = 0; at < most; at += 1) expect(await reply(new Uint8Array(limits.bodyBytes))).toBe('taken')
  expect(await reply(bytes('x'))).toBe('ERR_REQUEST_OVER')
  expect(hand.said).toHaveLength(most)
  hand.close()
})

it('takes no reply when the run is over, and none to what was not asked', async () => {
  const { hand, reply } = await asked()
  expect(await outcomeOf(hand.topics.reply('something else', { body: bytes('x') }))).toBe('ERR_REQUEST_OVER')
  hand.close()
  expect(await reply(bytes('late'))).toBe('ERR_REQUEST_OVER')
  expect(hand.said).toEqual([])
})

it('publishes as much as a journal holds', async () => {
  const { hand } = await asked()
  const publish = (): Promise<string> =>
    outcomeOf(hand.topics.publish({ topic: 'shop/total', body: new Uint8Array(limits.bodyBytes) }))
  const most = localSettings.bytes / limits.bodyBytes
  for (let at = 0; at < most; at += 1) expect(await publish()).toBe('taken')
  expect(await publish()).toBe('ERR_MESSAGES_FULL')
  expect(hand.said).toHaveLength(most)
  hand.close()
})

it('has nobody who answers what the program itself asks, also on its own topic', async () => {
  const { hand } = await asked()
  const terms = { app: 'app', timeoutMs: 60_000, replies: 1 }
  const ask = (topic: string): Promise<string> =>
    outcomeOf(hand.topics.request({ topic, body: bytes('?') }, terms))
  expect([await ask('price'), await ask('shop/total')]).toEqual([
    'ERR_REQUEST_UNHEARD',
    'ERR_REQUEST_UNHEARD',
  ])
  hand.close()
})
