import { describe, expect, it } from 'vitest'
import {
  deviceProblems,
  type DeviceState,
  type Reading,
  type SensorState,
} from '../../../../host/devices/index.ts'
import { deviceLimits } from '../../../../host/devices/supervision/limits.ts'
import { settle } from '../../fake-clock.ts'
import { openSensor, type Bench } from './kit.ts'

const stateOf = ({ devices }: Bench): SensorState => devices.states()[0] as SensorState
/** One more than in a second: the bucket may be overdrawn once. */
const burst = deviceLimits.perSecond + 1
const never = (): Promise<never> => new Promise(() => {})

describe('a sensor that is not there', () => {
  it('keeps nobody from starting, says why it is missing, and answers as soon as it is plugged in', async () => {
    const bench = await openSensor({ absent: 'ENOENT: no such bus' })
    expect(stateOf(bench).health).toMatchObject({ state: 'missing', why: 'ENOENT: no such bus' })
    await expect(bench.light.read()).rejects.toMatchObject({
      code: 'ERR_DEVICE_UNAVAILABLE',
      message: 'sensor light (driver test) does not answer: ENOENT: no such bus',
    })
    bench.hardware.plug()
    await bench.clock.advance(deviceLimits.reopenCapMs)
    expect(stateOf(bench)).toMatchObject({ health: { state: 'ok' }, unit: 'lx' })
    await expect(bench.light.read()).resolves.toMatchObject({ value: 1, unit: 'lx' })
    await bench.devices.close()
  })

  it('that vanishes while it is read is missing, and the same handle reads again when it is back', async () => {
    const bench = await openSensor()
    const changes: string[] = []
    bench.devices.onChange(({ health }: DeviceState) => changes.push(health.state))
    bench.hardware.read = () => {
      bench.hardware.unplug('ENODEV')
      return Promise.reject(new Error('ENODEV'))
    }
    await expect(bench.light.read()).rejects.toMatchObject({ code: 'ERR_DEVICE_UNAVAILABLE' })
    expect(stateOf(bench).health.state).toBe('missing')
    expect(bench.hardware.closings).toBe(1)
    bench.hardware.plug()
    bench.hardware.read = async () => bench.hardware.reading(7)
    await bench.clock.advance(deviceLimits.reopenCapMs)
    await expect(bench.light.read()).resolves.toMatchObject({ value: 7 })
    expect(changes).toEqual(['missing', 'ok'])
    expect(stateOf(bench).counts.openings).toBe(2)
    await bench.devices.close()
  })
})

describe('what a driver says to do', () => {
  it('is handed on to who reads and to status, and the usual advice is left to the problem', async () => {
    const bench = await openSensor()
    const hint = 'run `sudo usermod -aG i2c $USER`'
    const failing =
      (details: object): (() => Promise<never>) =>
      () =>
        Promise.reject(deviceProblems.error('ERR_DEVICE_UNAVAILABLE', 'EACCES', details))
    bench.hardware.read = failing({ hint })
    await expect(bench.light.read()).rejects.toMatchObject({ hint })
    expect(stateOf(bench).health).toMatchObject({ why: 'EACCES', hint })
    bench.hardware.read = failing({})
    await bench.clock.advance(1)
    await expect(bench.light.read()).rejects.toMatchObject({ code: 'ERR_DEVICE_UNAVAILABLE' })
    expect(stateOf(bench).health.hint).toBeUndefined()
    await bench.devices.close()
  })
})

describe('a sensor that hangs', () => {
  it('fails the read after its bound, begins no second one meanwhile, and is left alone after two', async () => {
    const bench = await openSensor()
    bench.hardware.read = never
    const reads = [bench.light.read(), bench.light.read(), bench.light.read()]
    const failures = Promise.allSettled(reads)
    await settle()
    const begun = bench.hardware.reads
    await bench.clock.advance(deviceLimits.useMs - 1)
    expect(bench.hardware.reads).toBe(begun)
    await bench.clock.advance(1)
    for (const { status } of await failures) expect(status).toBe('rejected')
    await bench.clock.advance(10 * 60_000)
    // Each hanging read may hold one of the few threads that all files of the node share.
    expect(bench.hardware.reads).toBe(begun + deviceLimits.hungReads - 1)
    expect(stateOf(bench).health).toMatchObject({ state: 'missing', why: '2 reads have not come back' })
    await bench.devices.close()
  })

  it('is opened again when what hung has come back', async () => {
    const bench = await openSensor()
    const hanging: ((reading: Reading) => void)[] = []
    bench.hardware.read = () => new Promise((resolve) => hanging.push(resolve))
    void bench.light.read().catch(() => {})
    await bench.clock.advance(60_000)
    expect(stateOf(bench).health.state).toBe('missing')
    bench.hardware.read = async () => bench.hardware.reading(5)
    for (const resolve of hanging) resolve(bench.hardware.reading(0))
    await bench.clock.advance(deviceLimits.reopenCapMs)
    expect(stateOf(bench).health.state).toBe('ok')
    expect(stateOf(bench).last?.reading.value).toBe(5)
    await bench.devices.close()
  })

  it('when it is opened holds up nobody, is not opened a second time meanwhile, and is closed if it comes late', async () => {
    let open: () => void = () => {}
    const bench = await openSensor({ opening: () => new Promise((resolve) => (open = resolve)) })
    expect(stateOf(bench).health).toMatchObject({ state: 'missing', why: 'it was not opened yet' })
    await bench.clock.advance(60_000)
    expect(stateOf(bench).health.why).toBe('an earlier attempt to open it has not come back')
    bench.hardware.opening = async () => {}
    open()
    await settle()
    expect([bench.hardware.openings, bench.hardware.closings]).toEqual([1, 1])
    await bench.clock.advance(deviceLimits.reopenCapMs)
    expect([bench.hardware.openings, bench.hardware.closings]).toEqual([2, 1])
    expect(stateOf(bench).health.state).toBe('ok')
    await bench.devices.close()
  })
})

describe('readings at the border', () => {
  it.each([
    [NaN, 'it reads NaN'],
    [Infinity, 'it reads Infinity'],
    [1_001, 'it reads 1001 lx, out of its range from 0 to 1000'],
    [-0.5, 'it reads -0.5 lx, out of its range from 0 to 1000'],
  ])('%s is refused and the sensor is faulty', async (value, why) => {
    const bench = await openSensor()
    await bench.clock.advance(1)
    bench.hardware.read = async () => bench.hardware.reading(value)
    await expect(bench.light.read()).rejects.toMatchObject({
      code: 'ERR_DEVICE_READING',
      message: `sensor light: ${why}`,
    })
    expect(stateOf(bench)).toMatchObject({ health: { state: 'faulty', why }, counts: { refused: 1 } })
    expect(stateOf(bench).last?.reading.value).toBe(1)
    await bench.devices.close()
  })

  it('another unit than the sensor’s is refused', async () => {
    const bench = await openSensor()
    bench.hardware.read = async () => bench.hardware.reading(1, 'lm')
    await expect(bench.light.read()).rejects.toThrow('it reads in lm and not in lx')
    await bench.devices.close()
  })

  it('the range of the node’s TOML stands over the driver’s', async () => {
    const bench = await openSensor({ care: { range: { min: 0, max: 5_000 } } })
    bench.hardware.read = async () => bench.hardware.reading(1_001)
    await expect(bench.light.read()).resolves.toMatchObject({ value: 1_001 })
    await bench.devices.close()
  })

  it('a time that is none is replaced, and the value kept', async () => {
    const bench = await openSensor()
    bench.hardware.read = async () => ({ value: 3, unit: 'lx', timeMs: NaN })
    await expect(bench.light.read()).resolves.toEqual({ value: 3, unit: 'lx', timeMs: bench.clock.now() })
    await bench.devices.close()
  })
})

describe('reading', () => {
  it('is shared by all who read at the same time', async () => {
    const bench = await openSensor()
    await settle()
    const before = bench.hardware.reads
    const values = await Promise.all(Array.from({ length: 50 }, () => bench.light.read()))
    expect(values.every(({ value }) => value === 1)).toBe(true)
    expect(bench.hardware.reads).toBe(before + 1)
    await bench.devices.close()
  })

  it('ends for one who gives up, and goes on for the others', async () => {
    const bench = await openSensor()
    await settle()
    let answer: (reading: Reading) => void = () => {}
    bench.hardware.read = () => new Promise((resolve) => (answer = resolve))
    const giveUp = new AbortController()
    const mine = bench.light.read(giveUp.signal)
    const others = bench.light.read()
    giveUp.abort(new Error('enough'))
    await expect(mine).rejects.toThrow('enough')
    answer(bench.hardware.reading(9))
    await expect(others).resolves.toMatchObject({ value: 9 })
    await bench.devices.close()
  })

  it('is done by the node itself where nobody else does, so that silence is noticed', async () => {
    const bench = await openSensor({ care: { checkMs: 1_000, staleAfterMs: 5_000 } })
    bench.hardware.read = () => Promise.reject(new Error('EIO'))
    await bench.clock.advance(4_000)
    expect(stateOf(bench).health.state).toBe('ok')
    await bench.clock.advance(2_000)
    expect(stateOf(bench)).toMatchObject({
      health: { state: 'stale', why: 'EIO' },
      last: { reading: { value: 1 } },
    })
    bench.hardware.read = async () => bench.hardware.reading(2)
    await bench.clock.advance(deviceLimits.reopenCapMs + 1_000)
    expect(stateOf(bench).health.state).toBe('ok')
    await bench.devices.close()
  })

  it('keeps one value of each second for a picture, and no more than fit it', async () => {
    const bench = await openSensor()
    let value = 0
    bench.hardware.read = async () => bench.hardware.reading((value += 1) % 1_000)
    for (let turn = 0; turn < 300; turn += 1) {
      await bench.light.read()
      await bench.clock.advance(250)
    }
    const { recent } = stateOf(bench)
    expect(recent.length).toBe(deviceLimits.recent)
    expect((recent.at(-1) ?? 0) - (recent.at(-2) ?? 0)).toBeGreaterThanOrEqual(3)
    await bench.devices.close()
  })
})

describe('a sensor that speaks', () => {
  it('is heard by all who watch, also across being unplugged', async () => {
    const bench = await openSensor({ speaks: true })
    const heard: number[][] = [[], []]
    const cancels = heard.map((values) => bench.light.watch?.(({ value }) => values.push(value)))
    bench.hardware.speak(1)
    cancels[1]?.()
    bench.hardware.unplug()
    bench.hardware.speak(2)
    bench.hardware.plug()
    await bench.clock.advance(deviceLimits.reopenCapMs)
    bench.hardware.speak(3)
    expect(heard).toEqual([[1, 3], [1]])
    await bench.devices.close()
  })

  it('is missing until it is first heard, and stale, also for who reads it, when it falls silent', async () => {
    const bench = await openSensor({ speaks: true, care: { staleAfterMs: 5_000 } })
    await bench.clock.advance(5_000)
    expect(stateOf(bench).health).toMatchObject({ state: 'missing', why: 'nothing was heard of it yet' })
    bench.hardware.speak(41)
    expect(stateOf(bench).health.state).toBe('ok')
    await expect(bench.light.read()).resolves.toBeDefined()
    await bench.clock.advance(5_000)
    expect(stateOf(bench).health.state).toBe('stale')
    await expect(bench.light.read()).rejects.toThrow('it has fallen silent')
    await bench.devices.close()
  })

  it('is cut to a rate that the node bears, and faulty while it speaks too fast', async () => {
    const bench = await openSensor({ speaks: true })
    let heard = 0
    bench.light.watch?.(() => (heard += 1))
    for (let count = 0; count < 10_000; count += 1) bench.hardware.speak(1)
    expect(heard).toBe(burst)
    expect(stateOf(bench).counts.refused).toBe(10_000 - burst)
    expect(stateOf(bench).health).toMatchObject({
      state: 'faulty',
      why: 'it speaks more than 2000 times a second',
    })
    for (let second = 0; second < 5; second += 1) {
      await bench.clock.advance(1_000)
      bench.hardware.speak(2)
    }
    expect(stateOf(bench).health.state).toBe('ok')
    expect(heard).toBe(burst + 5)
    await bench.devices.close()
  })

  it('does not pass on what cannot be', async () => {
    const bench = await openSensor({ speaks: true })
    const heard: number[] = []
    bench.light.watch?.(({ value }) => heard.push(value))
    for (const value of [1, NaN, 2, 5_000, 3]) bench.hardware.speak(value)
    expect(heard).toEqual([1, 2, 3])
    await bench.devices.close()
  })
})
