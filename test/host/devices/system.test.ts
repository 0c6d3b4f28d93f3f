import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Sensor } from '../../../host/devices/index.ts'
import { RateWindow } from '../../../host/devices/sensors/rate-window.ts'
import { systemSensor } from '../../../host/devices/sensors/system.ts'
import { FakeClock, seededRandom } from '../fake-clock.ts'

let root: string
let clock: FakeClock

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'selvedge-root-'))
  clock = new FakeClock()
})

afterEach(() => rm(root, { recursive: true, force: true }))

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), text)
}

function open(table: object): Promise<Sensor> {
  const options = v.parse(systemSensor.options, table)
  return systemSensor.open('probe', options, { clock, random: seededRandom(1), root })
}

describe('the system sensor on a faked device tree', () => {
  it('reads how busy the cores have been', async () => {
    await put('proc/stat', 'cpu  0 0 0 1000 0 0 0 0\n')
    const sensor = await open({ metric: 'cpu' })
    await clock.advance(1_000)
    await put('proc/stat', 'cpu  75 0 0 1025 0 0 0 0\n')
    await expect(sensor.read()).resolves.toMatchObject({ value: 75, unit: '%' })
    expect(sensor.range).toEqual({ min: 0, max: 100 })
  })

  it('reads used and free memory, and counts as free what the kernel would give back', async () => {
    await put('proc/meminfo', 'MemTotal:  1000 kB\nMemFree:  10 kB\nMemAvailable:  400 kB\n')
    await expect((await open({ metric: 'memory-used' })).read()).resolves.toMatchObject({ value: 614_400 })
    const free = await open({ metric: 'memory-free' })
    await expect(free.read()).resolves.toMatchObject({ value: 409_600, unit: 'By' })
    expect(free.range).toEqual({ min: 0, max: 1_024_000 })
  })

  it('reads the hottest zone, or the one that is named, also beside one that fails', async () => {
    await put('sys/class/thermal/thermal_zone0/type', 'cpu-thermal\n')
    await put('sys/class/thermal/thermal_zone0/temp', '45300\n')
    await put('sys/class/thermal/thermal_zone1/type', 'gpu-thermal\n')
    await put('sys/class/thermal/thermal_zone1/temp', '51000\n')
    await put('sys/class/thermal/thermal_zone2/type', 'asleep\n')
    await expect((await open({ metric: 'temperature' })).read()).resolves.toMatchObject({
      value: 51,
      unit: 'Cel',
    })
    const named = await open({ metric: 'temperature', zone: 'cpu-thermal' })
    await expect(named.read()).resolves.toMatchObject({ value: 45.3 })
    await expect((await open({ metric: 'temperature', zone: 'asleep' })).read()).rejects.toThrow(
      'no thermal zone',
    )
    await expect(open({ metric: 'temperature', zone: 'disk' })).rejects.toThrow(
      'there is no thermal zone "disk"; there is cpu-thermal, gpu-thermal, asleep',
    )
  })

  it('reads bytes per second of an interface, or of all but loopback', async () => {
    const count = async (name: string, received: number): Promise<void> =>
      put(`sys/class/net/${name}/statistics/rx_bytes`, `${received}\n`)
    await Promise.all([count('eth0', 1_000), count('wlan0', 500), count('lo', 9_999)])
    const one = await open({ metric: 'received', interface: 'eth0' })
    const all = await open({ metric: 'received' })
    await clock.advance(2_000)
    await Promise.all([count('eth0', 5_000), count('wlan0', 700), count('lo', 99_999)])
    await expect(one.read()).resolves.toMatchObject({ value: 2_000, unit: 'By/s' })
    await expect(all.read()).resolves.toMatchObject({ value: 2_100 })
    await expect(open({ metric: 'sent', interface: 'eth7' })).rejects.toThrow(
      'there is no network interface "eth7"; there is eth0, lo, wlan0',
    )
  })

  it('reads what is used and free of a disk, within its size', async () => {
    const used = await open({ metric: 'disk-used' })
    const free = await open({ metric: 'disk-free', path: '/' })
    const [usedBytes, freeBytes] = [(await used.read()).value, (await free.read()).value]
    expect(usedBytes + freeBytes).toBeLessThanOrEqual(used.range?.max ?? 0)
    expect(freeBytes).toBeGreaterThan(0)
    await expect(open({ metric: 'disk-used', path: '/no/such/place' })).rejects.toThrow('ENOENT')
  })

  it('is not there on a machine without what it measures', async () => {
    await expect(open({ metric: 'temperature' })).rejects.toThrow('this machine has no thermal zone')
    await expect(open({ metric: 'sent' })).rejects.toThrow('this machine has no network interface')
  })
})

describe('the rate of a counter', () => {
  it('is over at least a second, looks back for a read soon after another, and survives a counter that began anew', () => {
    const rate = new RateWindow({ atMs: 0, count: 0 })
    expect(rate.add({ atMs: 2_000, count: 2_000 })).toBe(1_000)
    expect(rate.add({ atMs: 2_500, count: 4_500 })).toBe(1_800)
    expect(rate.add({ atMs: 4_000, count: 2_000 })).toBe(0)
    expect(rate.add({ atMs: 4_100, count: 10 })).toBe(0)
    expect(rate.add({ atMs: 6_100, count: 2_010 })).toBe(1_000)
  })
})
