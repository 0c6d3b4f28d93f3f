import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { silentLog } from '../../../core/index.ts'
import { Delivery } from '../../../host/apps/delivery.ts'
import { engineProblems, WitError, type Incident } from '../../../host/engine/index.ts'
import { memoryQueues, type Queues } from '../../../host/queue/index.ts'
import { storageProblems } from '../../../host/storage/index.ts'
import { planTriggers, type PlannedTrigger } from '../../../host/triggers/index.ts'
import type { TriggerSpec } from '../../../mesh/index.ts'
import { FakeClock, seededRandom, settle } from '../fake-clock.ts'

type Answer = 'ok' | 'err' | 'trap' | 'not-begun' | 'stopped' | 'busy'
interface Call {
  readonly target: string
  readonly ids: readonly number[]
  readonly attempt: number
  readonly instance: number
}

const timer = (terms: Record<string, string | number> = {}): TriggerSpec => ({
  kind: 'timer',
  everyMs: 1_000,
  ...terms,
})
const promised = { delivery: 'at-least-once', backoffMs: 100 }
const tick = { payload: { schedule: 's', timeMs: 1, missed: 0 } }

function plan(...specs: TriggerSpec[]): PlannedTrigger[] {
  return planTriggers(specs, ['sensor:light', 'pin:door'])
}

/** A delivery and instances that answer as the test says. */
function deliveryOf(queues?: Queues, clock = new FakeClock(), firstId = 0) {
  const calls: Call[] = []
  const died: [number, string][] = []
  let id = firstId
  let underWay = 0
  const state = { most: 0, handleMs: 10, beginsAt: 0, answer: (_call: Call): Answer => 'ok' }
  const delivery = new Delivery({
    app: 'app',
    clock,
    random: seededRandom(3),
    log: silentLog,
    queues: queues ?? memoryQueues(clock),
    queuedEvents: 100,
    nextId: () => (id += 1),
    beginsAt: () => state.beginsAt,
    handled: () => {},
    refused: () => {},
    died: (number, why) => died.push([number, why]),
    queueFailed: () => {},
  })
  const receive = (instance: number, triggers: readonly PlannedTrigger[], release = 'first'): void => {
    let end!: (incident: Incident) => void
    const ended = new Promise<Incident>((resolve) => (end = resolve))
    let isEnded = false
    const call = async (target: string, args: readonly unknown[]): Promise<unknown> => {
      const events = (Array.isArray(args[0]) ? args[0] : [args[0]]) as { id: bigint; attempt?: number }[]
      const made = {
        target,
        ids: events.map((one) => Number(one.id)),
        attempt: events[0]?.attempt ?? 0,
        instance,
      }
      underWay += 1
      state.most = Math.max(state.most, underWay)
      await new Promise<void>((resolve) => clock.after(state.handleMs, resolve))
      underWay -= 1
      calls.push(made)
      // One that has ended answers nothing any more.
      if (isEnded) throw engineProblems.error('ERR_APP_TRAP', 'unreachable')
      const answer = state.answer(made)
      if (answer === 'err') throw new WitError('too dark')
      if (answer === 'not-begun') throw engineProblems.error('ERR_APP_NOT_BEGUN', 'it is gone')
      if (answer === 'busy') throw engineProblems.error('ERR_APP_BUSY', 'too many')
      if (answer === 'stopped') throw engineProblems.error('ERR_APP_STOPPED', 'the node stops it')
      if (answer !== 'trap') return undefined
      isEnded = true
      delivery.detach(instance)
      end({ reason: 'trap', message: 'unreachable' })
      throw engineProblems.error('ERR_APP_TRAP', 'unreachable')
    }
    delivery.receive({ instance, release, pool: { call, ended }, triggers })
  }
  const offer = (trigger: PlannedTrigger | undefined, count = 1, event: object = tick): Promise<unknown> =>
    Promise.all(
      Array.from({ length: count }, () =>
        delivery.offer(trigger as PlannedTrigger, event as Parameters<Delivery['offer']>[1]),
      ),
    )
  return { delivery, clock, calls, died, state, receive, offer }
}

const ids = (calls: readonly Call[]): number[] => calls.flatMap((call) => call.ids)

describe('events at most once', () => {
  it('are handed over one at a time, in order, each once, whatever came of them', async () => {
    const { clock, calls, state, receive, offer, delivery } = deliveryOf()
    const triggers = plan(timer())
    receive(1, triggers)
    state.answer = ({ ids: [first] }) => (first === 2 ? 'err' : 'ok')
    await offer(triggers[0], 4)
    await clock.advance(1_000)
    expect(ids(calls)).toEqual([1, 2, 3, 4])
    expect(state.most).toBe(1)
    expect(delivery.counts).toMatchObject({ handled: 3, failed: 1, dropped: 0, waiting: 0 })
  })

  it('that no instance began are the next one’s first', async () => {
    const { clock, calls, state, receive, offer } = deliveryOf()
    const triggers = plan(timer())
    receive(1, triggers)
    state.answer = ({ instance }) => (instance === 1 ? 'not-begun' : 'ok')
    await offer(triggers[0], 2)
    await clock.advance(100)
    receive(2, triggers)
    await clock.advance(1_000)
    expect(calls.map(({ instance, ids: [first] }) => [instance, first])).toEqual([
      [1, 1],
      [2, 1],
      [2, 2],
    ])
  })

  it('of a trigger that the release does not have are dropped', async () => {
    const { clock, calls, receive, offer, delivery } = deliveryOf()
    await offer(plan(timer())[0], 3)
    receive(1, plan({ kind: 'pin', pin: 'door' }))
    await clock.advance(100)
    expect(calls).toEqual([])
    expect(delivery.counts).toMatchObject({ dropped: 3 })
  })
})

describe('an event that somebody waits for only for so long', () => {
  it('is refused at once where no instance begins in that time, and waits where one may', async () => {
    const { clock, calls, state, receive, delivery } = deliveryOf()
    const triggers = plan(timer(promised))
    const [trigger] = triggers
    if (trigger === undefined) throw new Error('it has no trigger')
    const nowMs = clock.monotonicMs()
    const offer = (): Promise<void> => delivery.offer(trigger, { ...tick, untilMs: nowMs + 5_000 })
    for (const beginsAt of [Infinity, nowMs + 5_000]) {
      state.beginsAt = beginsAt
      await expect(offer()).rejects.toMatchObject({
        code: 'ERR_TRIGGER_EVENT',
        message: expect.stringMatching(/the app is down/) as unknown,
      })
    }
    state.beginsAt = nowMs + 4_000
    await offer()
    receive(1, triggers)
    // Somebody is there: what the machine thinks of another start is of no matter.
    state.beginsAt = Infinity
    await offer()
    await clock.advance(1_000)
    expect(calls).toHaveLength(2)
    expect(delivery.counts).toMatchObject({ dropped: 0, waiting: 0 })
  })
})

describe('events at least once', () => {
  it('are handed over again after a growing wait, those behind them wait, and the handler sees which time it is', async () => {
    const { clock, calls, state, receive, offer, delivery } = deliveryOf()
    const triggers = plan(timer(promised))
    receive(1, triggers)
    state.answer = ({ ids: [first], attempt }) => (first === 1 && attempt < 4 ? 'err' : 'ok')
    await offer(triggers[0], 2)
    await clock.advance(10_000)
    expect(calls.map(({ ids: [first], attempt }) => [first, attempt])).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
      [1, 4],
      [2, 1],
    ])
    expect(delivery.counts).toMatchObject({ handled: 2, waiting: 0, dead: 0 })
  })

  it('become dead letters after their last attempt, with the last error, and the next goes on', async () => {
    const { clock, calls, died, state, receive, offer, delivery } = deliveryOf()
    const triggers = plan(timer({ ...promised, attempts: 3 }))
    receive(1, triggers)
    state.answer = ({ ids: [first] }) => (first === 1 ? 'err' : 'ok')
    await offer(triggers[0], 2)
    await clock.advance(10_000)
    expect(ids(calls)).toEqual([1, 1, 1, 2])
    expect(died).toEqual([[1, 'it was answered with an error: too dark']])
    expect(delivery.counts).toMatchObject({ dead: 1 })
    state.answer = () => 'ok'
    expect(await delivery.durable.queue?.replay('all')).toBe(1)
    await clock.advance(1_000)
    expect(calls.at(-1)).toMatchObject({ ids: [1], attempt: 1 })
    expect(delivery.counts).toMatchObject({ dead: 0, waiting: 0 })
  })

  it('count an attempt where their instance died of it, and wait for the next one', async () => {
    const { clock, calls, died, state, receive, offer } = deliveryOf()
    const triggers = plan(timer({ ...promised, attempts: 2 }))
    state.answer = ({ ids: [first] }) => (first === 1 ? 'trap' : 'ok')
    await offer(triggers[0], 2)
    for (const instance of [1, 2, 3]) {
      receive(instance, triggers)
      await clock.advance(2_000)
    }
    expect(ids(calls)).toEqual([1, 1, 2])
    expect(died).toEqual([[1, 'unreachable']])
  })

  it('count none where the node ended the instance, or it had no room', async () => {
    const { clock, calls, state, receive, offer } = deliveryOf()
    const triggers = plan(timer({ ...promised, attempts: 1 }))
    receive(1, triggers)
    state.answer = ({ instance }) => (instance === 1 ? 'stopped' : calls.length < 4 ? 'busy' : 'ok')
    await offer(triggers[0])
    await clock.advance(100)
    receive(2, triggers)
    await clock.advance(5_000)
    expect(calls.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1])
  })

  it('are handed over once where somebody waits for them only for so long, whatever is promised of others', async () => {
    for (const answer of ['stopped', 'err'] as const) {
      const { clock, calls, state, receive, delivery } = deliveryOf()
      const triggers = plan(timer(promised))
      receive(1, triggers)
      state.answer = () => answer
      const [trigger] = triggers
      if (trigger === undefined) throw new Error('it has no trigger')
      await delivery.offer(trigger, { ...tick, untilMs: clock.monotonicMs() + 60_000 })
      await clock.advance(100)
      receive(2, triggers)
      await clock.advance(5_000)
      expect(calls).toHaveLength(1)
      expect(delivery.counts).toMatchObject({ waiting: 0, dead: 0, dropped: answer === 'err' ? 0 : 1 })
    }
  })

  it('are there after a restart, due at once, under their old ids', async () => {
    const clock = new FakeClock()
    const queues = memoryQueues(clock)
    const first = deliveryOf(queues, clock)
    const triggers = plan(timer({ ...promised, backoffMs: 3_600_000 }))
    first.receive(1, triggers)
    first.state.answer = () => 'err'
    await first.offer(triggers[0], 3)
    await clock.advance(100)
    await Promise.all([first.delivery.stop(), clock.advance(1_000)])
    await first.delivery.end()
    const second = deliveryOf(queues, clock, 1_000)
    second.receive(1, triggers)
    await clock.advance(1_000)
    expect(ids(second.calls)).toEqual([1, 2, 3])
    expect(second.calls[0]?.attempt).toBe(2)
  })

  it('wait no longer where another release comes, and go on waiting where only the instance is another', async () => {
    const { clock, calls, state, receive, offer } = deliveryOf()
    const triggers = plan(timer({ ...promised, backoffMs: 3_600_000 }))
    receive(1, triggers)
    state.answer = ({ instance }) => (instance === 1 ? 'err' : 'ok')
    await offer(triggers[0])
    await clock.advance(1_000)
    receive(2, triggers)
    await clock.advance(1_000)
    expect(calls).toHaveLength(1)
    receive(3, triggers, 'second')
    await clock.advance(1_000)
    expect(calls.map(({ instance }) => instance)).toEqual([1, 3])
  })

  it('stay through a swap: a trigger of their kind takes them over, and without one they are dead letters', async () => {
    const { clock, calls, died, receive, offer, delivery } = deliveryOf()
    const before = plan(timer(promised))
    await offer(before[0], 2)
    receive(1, plan(timer({ ...promised, everyMs: 2_000 })))
    await clock.advance(1_000)
    expect(ids(calls)).toEqual([1, 2])
    delivery.detach(1)
    await offer(before[0])
    receive(2, plan({ kind: 'pin', pin: 'door' }))
    await clock.advance(1_000)
    expect(died).toEqual([[3, 'the release has no trigger for it']])
  })

  it('that their handler cannot be given are dead letters at once', async () => {
    const { clock, calls, died, receive, offer } = deliveryOf()
    const triggers = plan(timer(promised))
    receive(1, triggers)
    await offer(triggers[0], 1, { payload: 'nothing of a timer' })
    await clock.advance(1_000)
    expect(calls).toEqual([])
    expect(died).toHaveLength(1)
  })

  it('are refused while their queue cannot be opened, which is said, and not tried for each of them', async () => {
    const clock = new FakeClock()
    const working = memoryQueues(clock)
    let opened = 0
    let isDamaged = true
    const queues: Queues = {
      ...working,
      open: async (name, limits) => {
        opened += 1
        if (isDamaged) throw storageProblems.error('ERR_STORAGE_DAMAGED', 'it is no database')
        return working.open(name, limits)
      },
    }
    const { calls, receive, offer, delivery } = deliveryOf(queues, clock)
    const triggers = plan(timer(promised))
    receive(1, triggers)
    for (let n = 0; n < 5; n += 1) {
      await expect(offer(triggers[0])).rejects.toMatchObject({ code: 'ERR_STORAGE_DAMAGED' })
    }
    expect(opened).toBe(1)
    expect(delivery.counts).toMatchObject({ dropped: 5, problem: { code: 'ERR_STORAGE_DAMAGED' } })
    isDamaged = false
    await clock.advance(6_000)
    await offer(triggers[0])
    await clock.advance(100)
    expect(ids(calls)).toEqual([6])
    expect(delivery.counts.problem).toBeUndefined()
  })

  it('are refused where no number can be given, and where the queue is full', async () => {
    const { offer, delivery, clock } = deliveryOf()
    const triggers = plan(timer(promised))
    await offer(triggers[0], 10_000)
    await expect(offer(triggers[0])).rejects.toMatchObject({ code: 'ERR_QUEUE_FULL' })
    expect(delivery.counts).toMatchObject({ waiting: 10_000, dropped: 1 })
    await clock.advance(100)
  })
})

describe('several events at once', () => {
  it.each(['at-most-once', 'at-least-once'])(
    '%s are at most as many as the trigger says',
    async (delivery) => {
      const { clock, calls, state, receive, offer } = deliveryOf()
      const triggers = plan(timer({ delivery, concurrency: 3 }))
      receive(1, triggers)
      await offer(triggers[0], 10)
      await clock.advance(5_000)
      expect([...ids(calls)].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
      expect(state.most).toBe(3)
    },
  )

  it.each(['at-most-once', 'at-least-once'])('%s of one key keep their order', async (delivery) => {
    const { clock, calls, state, receive, offer } = deliveryOf()
    const triggers = plan(timer({ delivery, concurrency: 3 }))
    receive(1, triggers)
    for (const key of ['a', 'a', 'b', 'a', 'b']) await offer(triggers[0], 1, { ...tick, key })
    await clock.advance(5_000)
    expect(state.most).toBe(2)
    expect(ids(calls).filter((id) => [1, 2, 4].includes(id))).toEqual([1, 2, 4])
    expect(ids(calls).filter((id) => [3, 5].includes(id))).toEqual([3, 5])
  })
})

describe('lists of events', () => {
  const sensor = (terms: Record<string, string | number>): PlannedTrigger[] =>
    plan({ kind: 'sensor', sensor: 'light', batchMost: 4, batchWithinMs: 500, ...terms })
  const reading = { payload: { sensor: 'light', value: 1, unit: 'lx', timeMs: 1 } }

  it.each(['at-most-once', 'at-least-once'])(
    '%s go when they are full, or when their time is over',
    async (delivery) => {
      const { clock, calls, receive, offer } = deliveryOf()
      const triggers = sensor({ delivery })
      receive(1, triggers)
      await offer(triggers[0], 6, reading)
      await clock.advance(100)
      expect(calls.map((call) => call.ids)).toEqual([[1, 2, 3, 4]])
      expect(calls[0]?.target).toContain('sensor-batch-handler')
      await clock.advance(600)
      expect(calls.map((call) => call.ids)).toEqual([
        [1, 2, 3, 4],
        [5, 6],
      ])
    },
  )

  it('fail together, and go again', async () => {
    const { clock, calls, state, receive, offer, delivery } = deliveryOf()
    const triggers = sensor(promised)
    receive(1, triggers)
    state.answer = () => (calls.length < 2 ? 'err' : 'ok')
    await offer(triggers[0], 4, reading)
    await clock.advance(10_000)
    expect([...new Set(ids(calls))]).toEqual([1, 2, 3, 4])
    expect(delivery.counts).toMatchObject({ waiting: 0, dead: 0 })
  })

  it('that are not full are not lost with the instance that waited for them', async () => {
    const { clock, calls, receive, offer, delivery } = deliveryOf()
    const triggers = sensor(promised)
    receive(1, triggers)
    await offer(triggers[0], 2, reading)
    await clock.advance(100)
    delivery.detach(1)
    receive(2, triggers)
    await clock.advance(1_000)
    expect(calls.map(({ instance, ids: list }) => [instance, list])).toEqual([[2, [1, 2]]])
  })
})

describe('any run of luck', () => {
  it('ends with each promised event handled, or dead after its attempts', async () => {
    const answers = fc.array(fc.constantFrom<Answer>('ok', 'ok', 'err', 'trap', 'not-begun', 'stopped'), {
      maxLength: 60,
    })
    await fc.assert(
      fc.asyncProperty(answers, fc.integer({ min: 1, max: 3 }), async (luck, concurrency) => {
        const { clock, calls, died, state, receive, offer, delivery } = deliveryOf()
        const triggers = plan(timer({ ...promised, attempts: 3, concurrency }))
        const handled = new Set<number>()
        let turn = 0
        state.answer = ({ ids: [first = 0] }) => {
          const answer = luck[turn] ?? 'ok'
          turn += 1
          if (answer === 'ok') handled.add(first)
          return answer
        }
        await offer(triggers[0], 8)
        for (let instance = 1; instance <= luck.length + 2; instance += 1) {
          receive(instance, triggers)
          await clock.advance(1_500)
        }
        await settle()
        const dead = new Set(died.map(([id]) => id))
        expect([...handled, ...dead].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
        expect(state.most).toBeLessThanOrEqual(concurrency)
        for (const id of dead)
          expect(calls.filter(({ ids: [first] }) => first === id).length).toBeGreaterThanOrEqual(3)
        expect(delivery.counts).toMatchObject({ waiting: 0, dead: dead.size })
      }),
      { numRuns: 25 },
    )
  })
})
