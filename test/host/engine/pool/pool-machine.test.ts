import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  defaultShape,
  emptyPool,
  stepPool,
  wakePoolAt,
  type PoolAction,
  type PoolEvent,
  type PoolShape,
  type PoolState,
} from '../../../../host/engine/pool/pool-machine.ts'

/** Steps through events one millisecond apart, or at the times given. */
class Pool {
  state: PoolState = emptyPool
  nowMs = 0
  readonly #shape: PoolShape

  constructor(shape: Partial<PoolShape> = {}) {
    this.#shape = { ...defaultShape, ...shape }
  }

  tell(event: PoolEvent, mayGrow = true): readonly PoolAction[] {
    const { state, actions } = stepPool(this.state, event, this.#shape, this.nowMs, mayGrow)
    this.state = state
    return actions
  }

  wakeAt(): number | null {
    return wakePoolAt(this.state, this.#shape)
  }
}

describe('a pool', () => {
  test('opens with its least number of instances', () => {
    expect(new Pool({ min: 2, max: 4 }).tell({ type: 'opened' })).toEqual([
      { type: 'start', id: 1 },
      { type: 'start', id: 2 },
    ])
    expect(new Pool({ min: 0, max: 4 }).tell({ type: 'opened' })).toEqual([])
  })

  test('starts the first instance for the first call, and gives it that call when it is ready', () => {
    const pool = new Pool({ min: 0, max: 4 })
    expect(pool.tell({ type: 'called' })).toEqual([{ type: 'start', id: 1 }])
    expect(pool.tell({ type: 'started', id: 1 })).toEqual([{ type: 'dispatch', id: 1 }])
  })

  test('gives a first instance one call until it is known how long they take', () => {
    const pool = new Pool({ max: 1 })
    pool.tell({ type: 'opened' })
    pool.tell({ type: 'started', id: 1 })
    expect(pool.tell({ type: 'called' })).toHaveLength(1)
    expect(pool.tell({ type: 'called' })).toEqual([])
    const sent = pool.tell({ type: 'answered', id: 1, busyMs: 0.5 })
    expect(sent).toEqual([{ type: 'dispatch', id: 1 }])
    for (let call = 0; call < 20; call++) pool.tell({ type: 'called' })
    expect(pool.state.instances[0]?.inFlight).toBe(8)
  })

  test('sends nobody ahead to an instance that sleeps in its call, and starts another', () => {
    const pool = new Pool({ max: 2, growAfterMs: 20 })
    pool.tell({ type: 'opened' })
    pool.tell({ type: 'started', id: 1 })
    pool.tell({ type: 'called' })
    pool.tell({ type: 'answered', id: 1, busyMs: 0.1 })
    pool.nowMs = 10
    expect(pool.tell({ type: 'called' })).toEqual([{ type: 'dispatch', id: 1 }])
    pool.nowMs = 12
    expect(pool.tell({ type: 'called' })).toEqual([{ type: 'dispatch', id: 1 }])
    pool.nowMs = 15
    expect(pool.tell({ type: 'called' })).toEqual([])
    expect(pool.wakeAt()).toBe(35)
    pool.nowMs = 35
    expect(pool.tell({ type: 'tick' })).toEqual([{ type: 'start', id: 2 }])
    expect(pool.tell({ type: 'started', id: 2 })).toEqual([{ type: 'dispatch', id: 2 }])
  })

  test('counts the sleep of a call as time that it has the instance', () => {
    const pool = new Pool({ max: 2 })
    pool.tell({ type: 'opened' })
    pool.tell({ type: 'started', id: 1 })
    pool.tell({ type: 'called' })
    pool.nowMs = 200
    pool.tell({ type: 'answered', id: 1, busyMs: 0.1 })
    expect(pool.tell({ type: 'called' })).toHaveLength(1)
    // Else a burst of them would stand behind one instance, and no other ever be started.
    expect(pool.tell({ type: 'called' })).toEqual([])
  })

  test('grows when a call has waited longer than a start is worth, one at a time, up to its maximum', () => {
    const pool = new Pool({ min: 1, max: 2, growAfterMs: 20 })
    pool.tell({ type: 'opened' })
    pool.tell({ type: 'started', id: 1 })
    for (let call = 0; call < 3; call++) pool.tell({ type: 'called' })
    expect(pool.wakeAt()).toBe(20)
    pool.nowMs = 20
    expect(pool.tell({ type: 'tick' })).toEqual([{ type: 'start', id: 2 }])
    expect(pool.tell({ type: 'tick' })).toEqual([])
    expect(pool.tell({ type: 'started', id: 2 })).toEqual([{ type: 'dispatch', id: 2 }])
    pool.nowMs = 100
    expect(pool.tell({ type: 'tick' })).toEqual([])
  })

  test('does not grow where the node has no room, but always has its first', () => {
    const pool = new Pool({ min: 0, max: 3 })
    expect(pool.tell({ type: 'called' }, false)).toEqual([{ type: 'start', id: 1 }])
    pool.tell({ type: 'started', id: 1 }, false)
    pool.tell({ type: 'called' }, false)
    pool.nowMs = 1_000
    expect(pool.tell({ type: 'tick' }, false)).toEqual([])
    expect(pool.tell({ type: 'tick' }, true)).toEqual([{ type: 'start', id: 2 }])
  })

  test('retires what had nothing to do, down to its least', () => {
    const pool = new Pool({ min: 1, max: 3, idleMs: 1_000 })
    pool.tell({ type: 'opened' })
    pool.state = {
      ...pool.state,
      lastId: 2,
      instances: [1, 2].map((id) => ({ id, isReady: true, inFlight: 0, sinceMs: 0 })),
    }
    expect(pool.wakeAt()).toBe(1_000)
    pool.nowMs = 1_000
    expect(pool.tell({ type: 'tick' })).toEqual([{ type: 'retire', id: 1 }])
    expect(pool.wakeAt()).toBe(null)
  })

  test('refuses the call beyond those that may wait, and keeps the others', () => {
    const pool = new Pool({ min: 0, max: 1, queue: 2 })
    pool.tell({ type: 'called' })
    pool.tell({ type: 'called' })
    expect(pool.tell({ type: 'called' })).toEqual([{ type: 'refuse' }])
    expect(pool.state.waitingSinceMs).toHaveLength(2)
  })

  test('replaces what died by a neighbour as often as that happens, and does not give up for it', () => {
    const pool = new Pool({ min: 1, max: 1, maxDeaths: 1, deathWindowMs: 1_000 })
    pool.tell({ type: 'opened' })
    for (let id = 1; id <= 20; id += 1) {
      pool.tell({ type: 'started', id })
      expect(pool.tell({ type: 'ended', id, isBlameless: true })).toEqual([{ type: 'start', id: id + 1 }])
    }
    expect(pool.tell({ type: 'ended', id: 21 })).toEqual([{ type: 'give-up' }])
  })

  test('replaces an instance that died at once, and gives up when they die too often', () => {
    const pool = new Pool({ min: 1, max: 1, maxDeaths: 3, deathWindowMs: 1_000 })
    pool.tell({ type: 'opened' })
    expect(pool.tell({ type: 'ended', id: 1 })).toEqual([{ type: 'start', id: 2 }])
    pool.nowMs = 2_000
    expect(pool.tell({ type: 'ended', id: 2 })).toEqual([{ type: 'start', id: 3 }])
    expect(pool.tell({ type: 'ended', id: 3 })).toEqual([{ type: 'start', id: 4 }])
    expect(pool.tell({ type: 'ended', id: 4 })).toEqual([{ type: 'give-up' }])
    expect(pool.tell({ type: 'called' })).toEqual([{ type: 'refuse' }])
  })

  test('waits when its share of the processor is spent, grows no further, and goes on when time has paid for it', () => {
    const pool = new Pool({ min: 1, max: 4, cpuShare: 0.5 })
    pool.tell({ type: 'opened' })
    pool.tell({ type: 'started', id: 1 })
    pool.tell({ type: 'called' })
    pool.tell({ type: 'answered', id: 1, busyMs: 600 })
    expect(pool.tell({ type: 'called' })).toEqual([])
    // 100 ms too many at half a processor.
    expect(pool.wakeAt()).toBe(201)
    pool.nowMs = 100
    expect(pool.tell({ type: 'tick' })).toEqual([])
    pool.nowMs = 201
    expect(pool.tell({ type: 'tick' })).toEqual([{ type: 'dispatch', id: 1 }])
  })

  test('keeps its bounds whatever happens', () => {
    const event = fc.oneof(
      fc.constant<PoolEvent>({ type: 'called' }),
      fc.constant<PoolEvent>({ type: 'tick' }),
      fc.record({
        type: fc.constantFrom('started' as const, 'ended' as const),
        id: fc.integer({ min: 1, max: 9 }),
      }),
      fc.record({
        type: fc.constant('answered' as const),
        id: fc.integer({ min: 1, max: 9 }),
        busyMs: fc.double({ min: 0, max: 50, noNaN: true }),
      }),
    )
    const shape = fc.record({
      min: fc.integer({ min: 0, max: 2 }),
      max: fc.integer({ min: 2, max: 4 }),
      queue: fc.integer({ min: 1, max: 5 }),
      ahead: fc.integer({ min: 1, max: 8 }),
      cpuShare: fc.constantFrom(Infinity, 0.01, 2),
    })
    const step = fc.tuple(event, fc.integer({ min: 0, max: 40 }), fc.boolean())
    fc.assert(
      fc.property(shape, fc.array(step, { maxLength: 60 }), (bounds, steps) => {
        const pool = new Pool(bounds)
        pool.tell({ type: 'opened' })
        let called = 0
        let gone = 0
        for (const [told, passedMs, mayGrow] of steps) {
          pool.nowMs += passedMs
          if (told.type === 'called') called += 1
          for (const action of pool.tell(told, mayGrow)) {
            if (action.type === 'dispatch' || action.type === 'refuse') gone += 1
          }
          const { instances, waitingSinceMs } = pool.state
          expect(instances.length).toBeLessThanOrEqual(bounds.max)
          expect(waitingSinceMs.length).toBeLessThanOrEqual(bounds.queue)
          expect(called).toBe(gone + waitingSinceMs.length)
          for (const { inFlight } of instances) expect(inFlight).toBeLessThanOrEqual(bounds.ahead)
          if (!pool.state.hasGivenUp && waitingSinceMs.length > 0) expect(instances.length).toBeGreaterThan(0)
        }
      }),
    )
  })
})
