/** Topics as the control API has them. */
import { expect, it } from 'vitest'
import type { Message, MeshTopics, Messaging } from '../../../host/messages/index.ts'
import { topicDesk } from '../../../host/node/topic-desk.ts'
import { FakeClock } from '../fake-clock.ts'

const message: Message = {
  id: '1',
  topic: 'shop/door',
  key: null,
  contentType: null,
  metadata: [],
  body: new Uint8Array(3),
  origin: 'n1',
  timeMs: 1,
}

it('whoever listens and takes nothing more is heard for no longer than half a minute', async () => {
  const clock = new FakeClock()
  let hand!: (message: Message) => Promise<void>
  let isCancelled = false
  const messaging = {
    listen: async (_topics: readonly string[], handle: typeof hand) => {
      hand = handle
      return () => void (isCancelled = true)
    },
  } as unknown as Messaging
  const mesh = { self: 'n1', members: () => [] } as never
  const desk = topicDesk({ messaging, directory: {} as MeshTopics, mesh, clock })
  const taken: string[] = []
  const never = new Promise<void>(() => {})
  const listening = desk.listen(
    ['shop/door'],
    async ({ id }) => (taken.push(id), id === '2' ? never : undefined),
    new AbortController().signal,
    () => {},
  )
  await Promise.resolve()
  await hand(message)
  const stuck = hand({ ...message, id: '2' }).catch((error: unknown) => error)
  expect(isCancelled).toBe(false)
  await clock.advance(31_000)
  expect(await stuck).toBeInstanceOf(Error)
  await listening
  expect({ taken, isCancelled }).toEqual({ taken: ['1', '2'], isCancelled: true })
})
