import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DurableQueue, QueueItem } from '../../../host/queue/index.ts'
import { memoryQueues } from '../../../host/queue/index.ts'
import { FakeClock } from '../fake-clock.ts'

const limits = { items: 8, bytes: 100_000, itemBytes: 1_000, whenFull: 'refuse', deadItems: 4 } as const

type Step =
  | { readonly type: 'put'; readonly keys: readonly (string | null)[]; readonly lane: string }
  | { readonly type: 'take'; readonly max: number; readonly lane: string | undefined }
  | { readonly type: 'done' | 'retry' | 'bury' | 'release'; readonly pick: number }
  | { readonly type: 'replay' | 'discard' | 'reopen' | 'wait' }

const key = fc.constantFrom(null, 'a', 'b')
const lane = fc.constantFrom('x', 'y')
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    type: fc.constant('put' as const),
    keys: fc.array(key, { minLength: 1, maxLength: 4 }),
    lane,
  }),
  fc.record({
    type: fc.constant('take' as const),
    max: fc.integer({ min: 1, max: 4 }),
    lane: fc.option(lane, { nil: undefined }),
  }),
  fc.record({ type: fc.constantFrom('done', 'retry', 'bury', 'release'), pick: fc.nat(7) }),
  fc.record({ type: fc.constantFrom('replay', 'discard', 'reopen', 'wait') }),
)

/** What a queue should hold, written down in the plainest way. */
interface Modelled {
  readonly id: number
  readonly key: string | null
  readonly lane: string
  state: 'waiting' | 'delayed' | 'taken' | 'dead'
  attempts: number
}

function takeable(items: readonly Modelled[], max: number, of: string | undefined): Modelled[] {
  const found: Modelled[] = []
  const blocked = new Set<string>()
  const line = (item: Modelled): string => `${item.lane} ${item.key}`
  for (const item of items) if (item.state === 'taken' && item.key !== null) blocked.add(line(item))
  for (const item of items) {
    if (item.state === 'dead' || item.state === 'taken') continue
    const isFree = item.key === null || !blocked.has(line(item))
    // The first of a line stands before the others of it, whether or not it may go.
    if (item.key !== null) blocked.add(line(item))
    if (!isFree || item.state === 'delayed' || (of !== undefined && item.lane !== of)) continue
    if (found.length < max) found.push(item)
  }
  return found
}

describe('a queue', () => {
  it('hands out, in any order of events, what the plainest model of it hands out', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const clock = new FakeClock()
        const queues = memoryQueues(clock)
        let queue: DurableQueue = await queues.open('q', limits)
        let model: Modelled[] = []
        let lastId = 0
        const pending: Promise<unknown>[] = []
        const taken = (): Modelled[] => model.filter(({ state }) => state === 'taken')
        for (const one of steps) {
          switch (one.type) {
            case 'put': {
              const items = one.keys.map((name) => ({ key: name, lane: one.lane, body: new Uint8Array([1]) }))
              const live = model.filter(({ state }) => state !== 'dead').length
              const put = await queue.put(items).then(
                () => true,
                () => false,
              )
              expect(put).toBe(live + items.length <= limits.items)
              if (!put) break
              for (const item of items) {
                lastId += 1
                model.push({ id: lastId, key: item.key, lane: item.lane, state: 'waiting', attempts: 0 })
              }
              break
            }
            case 'take': {
              const expected = takeable(model, one.max, one.lane)
              const items: readonly QueueItem[] = await queue.take(one.max, one.lane)
              expect(items.map(({ id, attempts }) => [id, attempts])).toEqual(
                expected.map(({ id, attempts }) => [id, attempts]),
              )
              for (const item of expected) item.state = 'taken'
              break
            }
            case 'done':
            case 'retry':
            case 'bury':
            case 'release': {
              const item = taken()[one.pick % Math.max(1, taken().length)]
              if (item === undefined) break
              if (one.type === 'done') {
                pending.push(queue.done([item.id]))
                model = model.filter((other) => other !== item)
              } else if (one.type === 'retry') {
                pending.push(queue.retry(item.id, 1_000, 'why'))
                item.state = 'delayed'
                item.attempts += 1
              } else if (one.type === 'bury') {
                pending.push(queue.bury(item.id, 'why'))
                model = [...model.filter((other) => other !== item), item]
                item.state = 'dead'
                item.attempts += 1
                const dead = model.filter(({ state }) => state === 'dead')
                if (dead.length > limits.deadItems) model = model.filter((other) => other !== dead[0])
              } else {
                queue.release([item.id])
                item.state = 'waiting'
              }
              break
            }
            case 'replay': {
              const dead = model.filter(({ state }) => state === 'dead').sort((a, b) => a.id - b.id)
              const room = limits.items - (model.length - dead.length)
              const expected = dead.slice(0, Math.max(0, room))
              expect(await queue.replay('all')).toBe(expected.length)
              for (const item of expected) Object.assign(item, { state: 'waiting', attempts: 0 })
              model.sort((a, b) => Number(a.state === 'dead') - Number(b.state === 'dead') || a.id - b.id)
              break
            }
            case 'discard': {
              const dead = model.filter(({ state }) => state === 'dead').length
              expect(await queue.discard('all')).toBe(dead)
              model = model.filter(({ state }) => state !== 'dead')
              break
            }
            case 'reopen':
              await Promise.all([...pending.splice(0), clock.advance(100)])
              await queue.close()
              queue = await queues.open('q', limits)
              for (const item of model) if (item.state !== 'dead') item.state = 'waiting'
              break
            case 'wait':
              await clock.advance(1_100)
              for (const item of model) if (item.state === 'delayed') item.state = 'waiting'
          }
          // An order by age is the model's too.
          model.sort(
            (a, b) =>
              Number(a.state === 'dead') - Number(b.state === 'dead') ||
              (a.state === 'dead' ? 0 : a.id - b.id),
          )
          const counts = queue.counts()
          expect(counts.waiting + counts.taken).toBe(model.filter(({ state }) => state !== 'dead').length)
          expect(counts.dead).toBe(model.filter(({ state }) => state === 'dead').length)
        }
        await Promise.all([queue.close(), clock.advance(100)])
      }),
      { numRuns: 150 },
    )
  })
})
