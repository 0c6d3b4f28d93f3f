import { afterAll, describe, expect, test } from 'vitest'
import { WitError } from '../../../host/engine/index.ts'
import { devices, event, handle, log, makeEngine, preparedOnce, startGuest } from './kit.ts'

describe.each(['worker', 'process', 'shared'] as const)('in a %s,', (isolation) => {
  const engine = makeEngine({}, preparedOnce, isolation)
  afterAll(() => engine.stop())

  describe('a sandbox', () => {
    test('hands an event to its handler and the lines it logs to its host', async () => {
      const lines: unknown[] = []
      const sandbox = await startGuest(engine, 'echo', { imports: [log((args) => lines.push(args))] })
      await expect(sandbox.call(handle, [event(312)])).resolves.toBeUndefined()
      expect(lines).toEqual([['info', 'lx', 'light']])
      await sandbox.stop()
    })

    test('takes a u64 as an integral number as well', async () => {
      const sandbox = await startGuest(engine, 'echo')
      const event = { id: 7, sensor: 'light', reading: { value: 1, unit: 'lx', timeMs: 1_700_000_000_000 } }
      await expect(sandbox.call(handle, [event])).resolves.toBeUndefined()
      await sandbox.stop()
    })

    test("turns the guest's own error into a WitError and lives on", async () => {
      const sandbox = await startGuest(engine, 'echo')
      const failure = await sandbox.call(handle, [event(-1)]).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(WitError)
      expect((failure as WitError).payload).toBe('negative')
      await expect(sandbox.call(handle, [event(1)])).resolves.toBeUndefined()
      await sandbox.stop()
    })

    test('makes calls one at a time, in the order they came', async () => {
      const seen: unknown[] = []
      const imports = devices(async (args) => {
        seen.push(args[0])
        await new Promise((resolve) => setTimeout(resolve, 5))
        return { value: 1, unit: 'lx', timeMs: 0n }
      })
      const sandbox = await startGuest(engine, 'relay', { imports })
      await Promise.all(['a', 'b', 'c'].map((name) => sandbox.call(handle, [{ ...event(1), sensor: name }])))
      expect(seen).toEqual(['a', 'b', 'c'])
      await sandbox.stop()
    })

    test('refuses calls beyond those that may wait', async () => {
      const few = makeEngine({ waitingCalls: 2 }, preparedOnce, isolation)
      const sandbox = await startGuest(few, 'echo')
      const calls = [1, 2, 3].map((value) => sandbox.call(handle, [event(value)]))
      await expect(calls[2]).rejects.toMatchObject({ code: 'ERR_APP_BUSY' })
      await Promise.all(calls.slice(0, 2))
      await few.stop()
    })

    test('names its exports when asked for another, and lives on', async () => {
      const sandbox = await startGuest(engine, 'echo')
      await expect(sandbox.call('selvedge:edge/sensor-handler@0.1.0#nothing', [])).rejects.toMatchObject({
        code: 'ERR_APP_EXPORT',
        message: expect.stringContaining('selvedge:edge/sensor-handler@0.1.0') as string,
      })
      await expect(sandbox.call('constructor', [])).rejects.toMatchObject({ code: 'ERR_APP_EXPORT' })
      await expect(sandbox.call(handle, [event(1)])).resolves.toBeUndefined()
      await sandbox.stop()
    })

    test('that is stopped fails what is in flight and everything after', async () => {
      const sandbox = await startGuest(engine, 'loop')
      const call = sandbox.call(handle, [event(1)])
      // Whether the guest had begun by then is a matter of threads; either is told.
      const failed = expect(call).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_APP_(STOPPED|NOT_BEGUN)$/) as string,
      })
      await sandbox.stop()
      await failed
      await expect(sandbox.ended).resolves.toMatchObject({ reason: 'stopped' })
      await expect(sandbox.call(handle, [event(1)])).rejects.toMatchObject({ code: 'ERR_APP_STOPPED' })
    })
  })

  describe('a host call', () => {
    test('blocks the guest until an asynchronous host has answered', async () => {
      const written: unknown[] = []
      const imports = devices(
        async ([name]) => {
          await new Promise((resolve) => setTimeout(resolve, 20))
          return { value: name === 'light' ? 11 : 0, unit: 'lx', timeMs: 5n }
        },
        (args) => void written.push(args),
      )
      const sandbox = await startGuest(engine, 'relay', { imports })
      await expect(sandbox.call(handle, [event(1)])).resolves.toBeUndefined()
      expect(written).toEqual([['led', true]])
      await sandbox.stop()
    })

    test("gives the guest the host's declared error as a value", async () => {
      const imports = devices(() => {
        throw new WitError({ tag: 'unavailable', val: 'unplugged' })
      })
      const sandbox = await startGuest(engine, 'relay', { imports })
      await expect(sandbox.call(handle, [event(1)])).rejects.toMatchObject({ payload: 'no reading' })
      await sandbox.stop()
    })

    test('that fails in any other way ends the sandbox as a fault of the host', async () => {
      const imports = devices(() => {
        throw new Error('a bug of ours')
      })
      const sandbox = await startGuest(engine, 'relay', { imports })
      await expect(sandbox.call(handle, [event(1)])).rejects.toMatchObject({
        code: 'ERR_APP_HOST_FAULT',
        message: expect.stringContaining('a bug of ours') as string,
      })
      await expect(sandbox.ended).resolves.toMatchObject({ reason: 'host-fault' })
    })

    test('that stood still itself does not end who waited for it', async () => {
      const stopped = new Int32Array(new SharedArrayBuffer(4))
      const imports = devices(() => {
        // This whole thread, past the deadline of what it is asked by.
        Atomics.wait(stopped, 0, 0, 2_500)
        return { value: 1, unit: 'lx', timeMs: 0n }
      })
      const sandbox = await startGuest(engine, 'relay', { imports, deadlineMs: 2_000 })
      await expect(sandbox.call(handle, [event(1)])).resolves.toBeUndefined()
      await sandbox.stop()
    })

    test('that never answers ends at the deadline', async () => {
      const imports = devices(() => new Promise(() => {}))
      const sandbox = await startGuest(engine, 'relay', { imports, deadlineMs: 200 })
      await expect(sandbox.call(handle, [event(1)])).rejects.toMatchObject({ code: 'ERR_APP_DEADLINE' })
    })

    test('whose result is larger than a value may be ends the sandbox', async () => {
      const small = makeEngine({ valueBytes: 4_096 }, preparedOnce, isolation)
      const imports = devices(() => ({ value: 1, unit: 'x'.repeat(10_000), timeMs: 0n }))
      const sandbox = await startGuest(small, 'relay', { imports })
      await expect(sandbox.call(handle, [event(1)])).rejects.toMatchObject({ code: 'ERR_APP_HOST_FAULT' })
      await small.stop()
    })

    test('that is posted and returns a promise is refused', async () => {
      const sandbox = await startGuest(engine, 'echo', { imports: [log(async () => {})] })
      const call = sandbox.call(handle, [event(1)]).catch(() => {})
      const incident = await sandbox.ended
      await call
      expect(incident).toMatchObject({
        reason: 'host-fault',
        message: expect.stringContaining('promise') as string,
      })
    })
  })

  describe('a hostile guest', () => {
    test('that loops for ever is killed at its deadline', async () => {
      const sandbox = await startGuest(engine, 'loop', { deadlineMs: 200 })
      await expect(sandbox.call(handle, [event(1)])).rejects.toMatchObject({
        code: 'ERR_APP_DEADLINE',
        message: expect.stringContaining('200 ms') as string,
      })
      await expect(sandbox.ended).resolves.toMatchObject({ reason: 'deadline' })
      // Who loops to the deadline has used the thread all that time.
      expect(sandbox.usage).toMatchObject({ calls: 1, errors: 1 })
      expect(sandbox.usage.activeMs).toBeGreaterThanOrEqual(200)
    })

    test('that loops in its start function never becomes ready', async () => {
      const short = makeEngine({ instantiateMs: 200 }, preparedOnce, isolation)
      await expect(startGuest(short, 'start-loop', { deadlineMs: 200 })).rejects.toMatchObject({
        code: 'ERR_APP_START',
      })
      await short.stop()
    })

    test('that traps ends with the name of the function it was in', async () => {
      const sandbox = await startGuest(engine, 'trap')
      await expect(sandbox.call(handle, [event(1)])).resolves.toBeUndefined()
      await expect(sandbox.call(handle, [event(-1)])).rejects.toMatchObject({
        code: 'ERR_APP_TRAP',
        message: expect.stringMatching(/unreachable.* in divide_by_nothing < /) as string,
      })
      await expect(sandbox.ended).resolves.toMatchObject({ reason: 'trap' })
      await expect(sandbox.call(handle, [event(1)])).rejects.toMatchObject({ code: 'ERR_APP_TRAP' })
    })

    test('that overflows the stack is not used again', async () => {
      const sandbox = await startGuest(engine, 'overflow')
      await expect(sandbox.call(handle, [event(1)])).rejects.toMatchObject({
        code: 'ERR_APP_TRAP',
        message: expect.stringContaining('stack overflow') as string,
      })
      await expect(sandbox.ended).resolves.toMatchObject({ reason: 'trap' })
    })

    test('that grows its memory without end stops at its limit', async () => {
      const before = process.memoryUsage().rss
      const sandbox = await startGuest(engine, 'grow')
      await expect(sandbox.call(handle, [event(1)])).rejects.toMatchObject({ code: 'ERR_APP_MEMORY' })
      await expect(sandbox.ended).resolves.toMatchObject({ reason: 'memory' })
      expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024)
    })

    test('that floods the log is held to a bounded number of lines', async () => {
      const bounded = makeEngine({ postsPerSecond: 50, postsInFlight: 20 }, preparedOnce, isolation)
      let lines = 0
      const begun = performance.now()
      const sandbox = await startGuest(bounded, 'flood', { imports: [log(() => void (lines += 1))] })
      await sandbox.call(handle, [event(1)])
      const seconds = (performance.now() - begun) / 1_000
      expect(lines).toBeGreaterThan(0)
      expect(lines).toBeLessThanOrEqual(50 + Math.ceil(seconds * 50))
      await bounded.stop()
    })

    test('that dies leaves its neighbour alone', async () => {
      const [good, bad] = await Promise.all([
        startGuest(engine, 'echo'),
        startGuest(engine, 'loop', { deadlineMs: 150 }),
      ])
      const dying = bad.call(handle, [event(1)]).catch((error: unknown) => error)
      for (let id = 1n; id <= 20n; id += 1n) await good.call(handle, [event(1, id)])
      expect(await dying).toMatchObject({ code: 'ERR_APP_DEADLINE' })
      await expect(good.call(handle, [event(1)])).resolves.toBeUndefined()
      await good.stop()
    })
  })

  describe('the world of a guest', () => {
    test('prints whole lines to its app, built against an older patch of WASI 0.2', async () => {
      const output: string[] = []
      const sandbox = await startGuest(engine, 'wasi', {
        imports: [],
        output: (stream, line) => void output.push(`${stream}: ${line}`),
      })
      await sandbox.call('print', [])
      expect(output).toEqual(['stdout: hello', 'stdout: world'])
      // More often than it may hold streams at once: each is given back when it is dropped.
      for (let times = 1; times <= 1_100; times += 1) await sandbox.call('print', [])
      await sandbox.call('variables', [])
      expect(output.slice(2, 4)).toEqual(['stdout: hello', 'stdout: world'])
      await sandbox.stop()
    })

    test('lets it sleep without a promise', async () => {
      const sandbox = await startGuest(engine, 'wasi', { imports: [] })
      const slept = (await sandbox.call('sleep', [30_000_000n])) as bigint
      expect(slept).toBeGreaterThanOrEqual(30_000_000n)
      await sandbox.stop()
    })

    test('sleeps no longer than the deadline', async () => {
      const sandbox = await startGuest(engine, 'wasi', { imports: [], deadlineMs: 200 })
      await expect(sandbox.call('sleep', [3_600_000_000_000n])).rejects.toMatchObject({
        code: 'ERR_APP_DEADLINE',
      })
    })

    test('ends a guest that takes handles without end before they fill the heap', async () => {
      const sandbox = await startGuest(engine, 'wasi', { imports: [] })
      await expect(sandbox.call('hoard', [])).rejects.toMatchObject({
        code: 'ERR_APP_TRAP',
        message: expect.stringContaining('drops none') as string,
      })
    })

    test('has no environment variables', async () => {
      const sandbox = await startGuest(engine, 'wasi', { imports: [] })
      expect(await sandbox.call('variables', [])).toBe(0)
      await sandbox.stop()
    })

    test('ends with the instance, not with the node, when it calls exit', async () => {
      const sandbox = await startGuest(engine, 'wasi', { imports: [] })
      await expect(sandbox.call('quit', [])).rejects.toMatchObject({ code: 'ERR_APP_EXIT' })
      await expect(sandbox.ended).resolves.toMatchObject({ reason: 'exit' })
    })
  })
})
