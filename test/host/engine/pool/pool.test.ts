import { afterAll, describe, expect, test, vi } from 'vitest'
import { silentLog, systemClock } from '../../../../core/index.ts'
import type {
  AppPool,
  Borrower,
  Incident,
  PoolShape,
  Sandbox,
  StartRequest,
} from '../../../../host/engine/index.ts'
import { defaultShape } from '../../../../host/engine/pool/pool-machine.ts'
import { startErrorOf } from '../../../../host/engine/sandbox/incident.ts'
import { InstancePool } from '../../../../host/engine/pool/pool.ts'
import { devices, event, handle, log, makeEngine, preparedOnce, requestFor } from '../kit.ts'
import type { GuestName } from '../../../guests/index.ts'

describe.each(['worker', 'process'] as const)('a pool of instances in a %s', (isolation) => {
  const engine = makeEngine({ instantiateMs: 300 }, preparedOnce, isolation)
  afterAll(() => engine.stop())

  async function open(
    name: GuestName,
    shape: Partial<PoolShape>,
    changes: Partial<StartRequest> = {},
  ): Promise<AppPool> {
    const request = await requestFor(name)
    const prepared = await engine.prepare(request)
    const { memoryBytes } = request
    const start = { app: name, prepared, imports: [log(() => {})], deadlineMs: 5_000, memoryBytes }
    return engine.open({ ...start, ...changes }, shape)
  }

  test('answers calls from the first on, and starts nothing before where its least is none', async () => {
    const pool = await open('echo', { min: 0 })
    expect(pool.report.instances).toBe(0)
    await expect(pool.call(handle, [event(1)])).resolves.toBeUndefined()
    expect(pool.report.instances).toBe(1)
    expect(pool.usage.calls).toBe(1)
    await pool.call(handle, [event(2)])
    expect(pool.usage).toMatchObject({ calls: 2, newStarts: 1, warmStarts: 1 })
    await pool.stop()
    expect(pool.usage).toMatchObject({ calls: 2, newStarts: 1, warmStarts: 1 })
    await expect(pool.call(handle, [event(1)])).rejects.toMatchObject({ code: 'ERR_APP_NOT_BEGUN' })
  })

  test('serves other calls while one waits for its host', async () => {
    const waiting: (() => void)[] = []
    const reading = { value: 1, unit: 'lx', timeMs: 0n }
    const imports = devices(async ([name]) => {
      if (name === 'slow') await new Promise<void>((resolve) => waiting.push(resolve))
      return reading
    })
    const pool = await open('relay', { min: 1, max: 2, growAfterMs: 1 }, { imports })
    const slow = pool.call(handle, [{ ...event(1), sensor: 'slow' }])
    await expect(pool.call(handle, [{ ...event(1), sensor: 'quick' }])).resolves.toBeUndefined()
    expect(pool.report.instances).toBe(2)
    for (const resolve of waiting) resolve()
    await slow
    await pool.stop()
  })

  test('serves a call that its own call led to, however quick those before were', async () => {
    const pools: AppPool[] = []
    const imports = devices(async ([name]) => {
      if (name === 'back') await pools[0]?.call(handle, [{ ...event(1), sensor: 'quick' }])
      return { value: 1, unit: 'lx', timeMs: 0n }
    })
    const pool = await open('relay', { min: 1, max: 2, growAfterMs: 1, ahead: 1 }, { imports })
    pools.push(pool)
    for (let call = 0; call < 20; call += 1) await pool.call(handle, [{ ...event(1), sensor: 'quick' }])
    expect(pool.report.instances).toBe(1)
    await expect(pool.call(handle, [{ ...event(1), sensor: 'back' }])).resolves.toBeUndefined()
    expect(pool.report.instances).toBe(2)
    await pool.stop()
  })

  test('replaces an instance that trapped, and counts why', async () => {
    const pool = await open('trap', { min: 1 })
    await expect(pool.call(handle, [event(-1)])).rejects.toMatchObject({ code: 'ERR_APP_TRAP' })
    await expect(pool.call(handle, [event(-1)])).rejects.toMatchObject({ code: 'ERR_APP_TRAP' })
    expect(pool.report.incidents).toEqual({ trap: 2 })
    await pool.stop()
  })

  test('gives up when its instances die too often, and says why', async () => {
    const pool = await open('trap', { min: 1, maxDeaths: 2 })
    await pool.call(handle, [event(-1)]).catch(() => {})
    await pool.call(handle, [event(-1)]).catch(() => {})
    await expect(pool.ended).resolves.toMatchObject({ reason: 'trap' })
    await expect(pool.call(handle, [event(-1)])).rejects.toMatchObject({ code: 'ERR_APP_NOT_BEGUN' })
  })

  test('counts a further instance that could not be started as what it ended of', async () => {
    const incidents: Incident[] = []
    const changes = { deadlineMs: 100, incident: (incident: Incident) => void incidents.push(incident) }
    const pool = await open('start-loop', { min: 0, maxDeaths: 1 }, changes)
    await expect(pool.call(handle, [event(1)])).rejects.toMatchObject({ code: 'ERR_APP_NOT_BEGUN' })
    const message = 'start-loop could not be started: its instance was not made within 300 ms'
    await expect(pool.ended).resolves.toEqual({ reason: 'deadline', message })
    expect(pool.report.incidents).toEqual({ deadline: 1 })
    expect(incidents).toEqual([{ reason: 'deadline', message }])
  })

  test('leases one instance to one caller at a time', async () => {
    const pool = await open('echo', { min: 1, max: 1 })
    const order: string[] = []
    const use = (name: string) => async (sandbox: Sandbox) => {
      order.push(`${name} begins`)
      await sandbox.call(handle, [event(1)])
      await sandbox.call(handle, [event(1)])
      order.push(`${name} ends`)
    }
    await Promise.all([pool.lease(use('a')), pool.lease(use('b'))])
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
    await pool.stop()
  })

  test('a caller that waits no longer leaves its place to another', async () => {
    const pool = await open('echo', { min: 1, max: 1, queue: 1 })
    let free!: () => void
    const held = pool.lease(() => new Promise<void>((resolve) => (free = resolve)))
    const told: string[] = []
    const waiting = (name: string): Borrower => ({
      lent(loan) {
        told.push(`${name} lent`)
        loan.end()
      },
      refused: ({ message }) => void told.push(`${name} refused: ${message}`),
    })
    const first = waiting('first')
    pool.borrow(first)
    expect(pool.withdraw(first)).toBe(true)
    expect(pool.withdraw(first)).toBe(false)
    pool.borrow(waiting('second'))
    expect(pool.report.waiting).toBe(1)
    free()
    await held
    await pool.call(handle, [event(1)])
    expect(told).toEqual(['second lent'])
    await pool.stop()
  })

  test('takes its next instance from those that were started beforehand', async () => {
    const pool = await open('echo', { min: 0, idleMs: 1 })
    await pool.call(handle, [event(1)])
    // A spare is made in the background once the pool is there; it is ready when it takes its first batch.
    const before = engine.starts.template
    for (let round = 0; round < 100 && engine.starts.template === before; round++) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      await pool.call(handle, [event(1)])
    }
    expect(engine.starts.template).toBeGreaterThan(before)
    await pool.stop()
  })
})

test('an instance that cannot start as another app holds its thread is started again, however often', async () => {
  const incident = { reason: 'neighbour', message: 'another app did not let go of the thread' } as const
  const neighbour = startErrorOf(incident, 'quiet')
  let starts = 0
  const pool = await InstancePool.open(
    {
      app: 'quiet',
      isolation: 'shared',
      confinement: null,
      clock: systemClock,
      log: silentLog,
      start: () => (++starts > 5 ? new Promise(() => {}) : Promise.reject(neighbour)),
      mayGrow: () => true,
      incident: () => {},
    },
    { ...defaultShape, min: 0, maxDeaths: 2 },
  )
  let isOver = false
  void pool.ended.then(() => (isOver = true))
  void pool.call(handle, [event(1)]).catch(() => {})
  await vi.waitFor(() => expect(starts).toBe(6), 60_000)
  expect(isOver).toBe(false)
  await pool.stop()
  await expect(pool.ended).resolves.toMatchObject({ reason: 'stopped' })
})
