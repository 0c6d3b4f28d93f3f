/** What every durable queue promises, whatever keeps it. */
import { describe, expect, it } from 'vitest'
import type { DurableQueue, NewItem, QueueLimits } from '../../host/queue/index.ts'
import type { FakeClock } from '../host/fake-clock.ts'

export const suiteLimits: QueueLimits = {
  items: 5,
  bytes: 4_000,
  itemBytes: 1_000,
  whenFull: 'refuse',
  deadItems: 3,
}

export interface OpenQueue {
  readonly queue: DurableQueue
  readonly clock: FakeClock
  /** Waits for work that is not the clock's, as a disk's. */
  settle(): Promise<void>
  /** As after a crash or a stop: the same queue, opened anew. */
  reopen(): Promise<DurableQueue>
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const item = (text: string, rest: Partial<NewItem> = {}): NewItem => ({
  key: null,
  body: bytes(text),
  ...rest,
})
const text = ({ body }: { body: Uint8Array }): string => new TextDecoder().decode(body)

export function durableQueueSuite(name: string, open: (limits: QueueLimits) => Promise<OpenQueue>): void {
  describe(`${name}: a durable queue`, () => {
    it('hands out the oldest first, each once until it is given back', async () => {
      const { queue } = await open(suiteLimits)
      await queue.put([item('a'), item('b')])
      await queue.put([item('c')])
      const [first] = await queue.take(1)
      expect(first).toMatchObject({ id: 1, key: null, attempts: 0, lastError: null })
      expect((await queue.take(5)).map(text)).toEqual(['b', 'c'])
      expect(await queue.take(5)).toEqual([])
      queue.release([1])
      expect((await queue.take(5)).map(text)).toEqual(['a'])
    })

    it('has what was put, and not what is done, after it was opened again; what was taken waits', async () => {
      const { queue, clock, reopen } = await open(suiteLimits)
      await queue.put([item('a', { key: 'k', lane: 'l' }), item('b'), item('')])
      await queue.take(2)
      await Promise.all([queue.done([1]), clock.advance(100)])
      const again = await reopen()
      expect((await again.take(5)).map(text)).toEqual(['b', ''])
      await again.put([item('d')])
      expect((await again.take(1))[0]?.id).toBe(4)
    })

    it('never uses an id again, also where the newest item is gone', async () => {
      const { queue, clock, reopen } = await open(suiteLimits)
      await queue.put([item('a'), item('b')])
      await queue.take(2)
      await Promise.all([queue.done([1, 2]), clock.advance(100)])
      const again = await reopen()
      await again.put([item('c')])
      expect((await again.take(1))[0]?.id).toBe(3)
    })

    it('hands out one of a key at a time, in its order, and other keys meanwhile', async () => {
      const { queue } = await open(suiteLimits)
      await queue.put([item('a1', { key: 'a' }), item('a2', { key: 'a' }), item('b1', { key: 'b' })])
      expect((await queue.take(5)).map(text)).toEqual(['a1', 'b1'])
      expect(await queue.take(5)).toEqual([])
      void queue.done([1])
      expect((await queue.take(5)).map(text)).toEqual(['a2'])
    })

    it('tells keys of different lanes apart, and takes of one lane where asked', async () => {
      const { queue } = await open(suiteLimits)
      await queue.put([item('x1', { key: 'k', lane: 'x' }), item('y1', { key: 'k', lane: 'y' })])
      expect([...queue.lanes()].sort()).toEqual(['x', 'y'])
      expect((await queue.take(5, 'y')).map(text)).toEqual(['y1'])
      expect((await queue.take(5)).map(text)).toEqual(['x1'])
    })

    it('tries again after the wait and no sooner, with the reason, and its key waits with it', async () => {
      const { queue, clock } = await open(suiteLimits)
      await queue.put([item('a1', { key: 'a' }), item('a2', { key: 'a' })])
      let told = 0
      queue.onDue(() => (told += 1))
      await queue.take(1)
      void queue.retry(1, 1_000, 'it was dark')
      await clock.advance(900)
      expect(await queue.take(5)).toEqual([])
      told = 0
      await clock.advance(200)
      expect(told).toBeGreaterThan(0)
      expect(await queue.take(5)).toMatchObject([{ id: 1, attempts: 1, lastError: 'it was dark' }])
    })

    it('waits no longer where it is hastened', async () => {
      const { queue, clock } = await open(suiteLimits)
      await queue.put([item('a1', { key: 'a' }), item('a2', { key: 'a' }), item('b', { notBeforeMs: 9_000 })])
      await queue.take(1)
      void queue.retry(1, 60_000, 'why')
      await clock.advance(100)
      expect(await queue.take(5)).toEqual([])
      queue.hasten()
      expect((await queue.take(5)).map(text)).toEqual(['a1', 'b'])
    })

    it('waits no longer for what was to be tried again where it was opened anew', async () => {
      const { queue, clock, reopen } = await open(suiteLimits)
      await queue.put([item('a'), item('later', { notBeforeMs: 3_600_000 })])
      await queue.take(1)
      await Promise.all([queue.retry(1, 3_600_000, 'why'), clock.advance(100)])
      expect(await queue.take(5)).toEqual([])
      const again = await reopen()
      expect((await again.take(5)).map(text)).toEqual(['a', 'later'])
    })

    it('takes the same unique item once, also after it is done and after a restart', async () => {
      const { queue, clock, reopen } = await open(suiteLimits)
      await Promise.all([queue.put([item('a', { unique: 'u' })]), queue.put([item('a', { unique: 'u' })])])
      expect(queue.counts()).toMatchObject({ waiting: 1, duplicates: 1 })
      await queue.take(1)
      await Promise.all([queue.done([1]), clock.advance(100)])
      await queue.put([item('a', { unique: 'u' })])
      const again = await reopen()
      await again.put([item('a', { unique: 'u' })])
      expect(again.counts()).toMatchObject({ waiting: 0 })
    })

    it('keeps dead letters with their last error, and hands them out again when they are replayed', async () => {
      const { queue, clock, reopen } = await open(suiteLimits)
      await queue.put([item('a'), item('b')])
      await queue.take(2)
      await Promise.all([queue.bury(1, 'no good'), queue.bury(2, 'no better'), clock.advance(100)])
      const again = await reopen()
      expect(await again.dead(0, 10)).toMatchObject([
        { id: 1, attempts: 1, lastError: 'no good' },
        { id: 2, lastError: 'no better' },
      ])
      expect((await again.dead(1, 10)).map(({ id }) => id)).toEqual([2])
      expect(await again.take(5)).toEqual([])
      expect(await again.replay([1, 7])).toBe(1)
      expect(await again.take(5)).toMatchObject([{ id: 1, attempts: 0 }])
      expect(await again.discard('all')).toBe(1)
      expect(again.counts()).toMatchObject({ waiting: 0, taken: 1, dead: 0 })
    })

    it('keeps so many dead letters; of more the oldest go, counted', async () => {
      const { queue, clock } = await open(suiteLimits)
      for (let at = 0; at < 5; at += 1) {
        await queue.put([item(`item ${at}`)])
        const [taken] = await queue.take(1)
        await Promise.all([queue.bury(taken?.id ?? 0, 'no'), clock.advance(100)])
      }
      expect((await queue.dead(0, 10)).map(({ id }) => id)).toEqual([3, 4, 5])
      expect(queue.counts()).toMatchObject({ dead: 3, dropped: 2 })
    })

    it('refuses what does not fit, all of a put or none, and takes it when there is room', async () => {
      const { queue } = await open(suiteLimits)
      await queue.put([item('a'), item('b'), item('c')])
      await expect(queue.put([item('d'), item('e'), item('f')])).rejects.toMatchObject({
        code: 'ERR_QUEUE_FULL',
      })
      expect(queue.counts()).toMatchObject({ waiting: 3, dropped: 0 })
      await queue.take(1)
      void queue.done([1])
      await queue.put([item('d'), item('e'), item('f')])
      expect((await queue.take(9)).map(text)).toEqual(['b', 'c', 'd', 'e', 'f'])
    })

    it('drops the oldest that waits where it may, and never what is taken', async () => {
      const { queue } = await open({ ...suiteLimits, whenFull: 'drop-oldest' })
      await queue.put(['a', 'b', 'c', 'd', 'e'].map((name) => item(name)))
      await queue.take(1)
      await queue.put([item('f')])
      expect(queue.counts()).toMatchObject({ dropped: 1 })
      expect((await queue.take(9)).map(text)).toEqual(['c', 'd', 'e', 'f'])
    })

    it('refuses an item over its limit, and more bytes than it may hold', async () => {
      const { queue } = await open(suiteLimits)
      const large = item('x'.repeat(900))
      await expect(queue.put([item('x'.repeat(1_000))])).rejects.toMatchObject({
        code: 'ERR_QUEUE_TOO_LARGE',
      })
      await queue.put([large, large, large, large])
      await expect(queue.put([large])).rejects.toMatchObject({ code: 'ERR_QUEUE_FULL' })
    })

    it('shows what is in it without taking it', async () => {
      const { queue } = await open(suiteLimits)
      await queue.put([item('a'), item('b'), item('c')])
      await queue.take(1)
      expect((await queue.peek(1, 1)).map(text)).toEqual(['b'])
      expect(queue.counts()).toMatchObject({ waiting: 2, taken: 1 })
    })

    it('tells when something comes, until that is cancelled', async () => {
      const { queue } = await open(suiteLimits)
      let told = 0
      const cancel = queue.onDue(() => (told += 1))
      await queue.put([item('a')])
      expect(told).toBeGreaterThan(0)
      const before = told
      cancel()
      await queue.put([item('b')])
      expect(told).toBe(before)
    })

    it('does nothing any more when it is closed, and says so', async () => {
      const { queue } = await open(suiteLimits)
      await queue.put([item('a')])
      await queue.close()
      await queue.close()
      await expect(queue.put([item('b')])).rejects.toMatchObject({ code: 'ERR_QUEUE_CLOSED' })
      await expect(queue.take(1)).rejects.toMatchObject({ code: 'ERR_QUEUE_CLOSED' })
    })
  })
}
