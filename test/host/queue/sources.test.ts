/** A queue that several others fill: what one of them sends without end is at nobody else's cost. */
import { describe, expect, it } from 'vitest'
import { memoryQueues, type DurableQueue, type NewItem } from '../../../host/queue/index.ts'
import { rememberedNames } from '../../../host/queue/file.ts'
import { RememberedNames } from '../../../host/queue/names.ts'
import { FakeClock } from '../fake-clock.ts'

const limits = {
  items: 16,
  bytes: 100_000,
  itemBytes: 1_000,
  whenFull: 'refuse',
  deadItems: 4,
  sourceOf: (unique: string) => (unique.startsWith('own') ? null : (unique.split(' ')[0] ?? null)),
} as const
const item = (unique: string): NewItem => ({ key: null, unique, body: new Uint8Array(4) })

async function takenOf(queue: DurableQueue, source: string, count: number): Promise<number> {
  let taken = 0
  for (let n = 0; n < count; n += 1) {
    await queue.put([item(`${source} ${n}`)]).then(
      () => (taken += 1),
      () => {},
    )
  }
  return taken
}

describe('a queue with several sources', () => {
  it('leaves room for others behind one that fills it', async () => {
    const queue = await memoryQueues(new FakeClock()).open('q', limits)
    const noisy = await takenOf(queue, 'noisy', 100)
    expect(noisy).toBeLessThan(limits.items)
    expect(noisy).toBeGreaterThan(limits.items / 2)
    expect(await takenOf(queue, 'quiet', 1)).toBe(1)
    // What is one's own has all that is left.
    expect(await takenOf(queue, 'own', 100)).toBe(limits.items - noisy - 1)
  })

  it('drops the oldest of the one that holds most', async () => {
    const queue = await memoryQueues(new FakeClock()).open('q', { ...limits, whenFull: 'drop-oldest' })
    await takenOf(queue, 'quiet', 2)
    await takenOf(queue, 'noisy', 100)
    const left = (await queue.peek(0, 100)).map(({ unique }) => unique)
    expect(left.filter((unique) => unique?.startsWith('quiet'))).toEqual(['quiet 0', 'quiet 1'])
    expect(left.at(-1)).toBe('noisy 99')
  })

  it('knows again what one sent, however much another sends, also after a restart', async () => {
    const clock = new FakeClock()
    const queues = memoryQueues(clock)
    const first = await queues.open('q', limits)
    await first.put([item('quiet 1')])
    const [held] = await first.take(1)
    void first.done([held?.id ?? 0])
    const most = rememberedNames + limits.items + 500
    for (let n = 0; n < most; n += 8) {
      await first.put(Array.from({ length: 8 }, (_, more) => item(`noisy ${n + more}`)))
      void first.done((await first.take(8)).map(({ id }) => id))
    }
    await first.put([item('quiet 1')])
    expect(first.counts().duplicates).toBe(1)
    await first.close()
    const again = await queues.open('q', limits)
    await again.put([item('quiet 1')])
    expect(again.counts()).toMatchObject({ waiting: 0, duplicates: 1 })
    await again.put([item('noisy 0')])
    expect(again.counts().waiting).toBe(1)
  })
})

describe('names that are remembered', () => {
  it('go of the source that has most, its oldest first', () => {
    const names = new RememberedNames(4, (name) => name.split(' ')[0] ?? null)
    for (const name of ['a 1', 'b 1', 'b 2', 'b 3', 'b 4', 'a 2']) names.add(name)
    expect(names.trim()).toEqual(['b 1', 'b 2'])
    expect(['a 1', 'a 2', 'b 3', 'b 4'].every((name) => names.has(name))).toBe(true)
    names.delete('a 1')
    names.add('b 5')
    expect(names.trim()).toEqual([])
  })
})
