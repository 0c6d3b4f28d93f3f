import { describe, expect, it } from 'vitest'
import type { DeviceState, SensorState } from '../../../host/devices/index.ts'
import { devicesReport, deviceTroubles } from '../../../host/node/devices-report.ts'
import { describeNode } from '../../../host/node/description.ts'
import { openSensor } from '../devices/supervision/kit.ts'

const light: SensorState = {
  kind: 'sensor',
  name: 'light',
  driver: 'iio',
  unit: 'lx',
  range: null,
  resolution: null,
  last: { reading: { value: 41.234, unit: 'lx', timeMs: 5 }, atMs: 70_000 },
  recent: [],
  health: { state: 'stale', sinceMs: 100_000, why: 'no answer in 5 s' },
  counts: { answers: 0, refused: 0, failures: 0, openings: 0 },
}
const fixOf = (code: string): string => `fix ${code}`

describe('what is wrong with the devices', () => {
  it('is said with how long, the last reading, why, and what to do', () => {
    const pin: DeviceState = { ...light, kind: 'pin', name: 'led', direction: 'out' }
    const states: DeviceState[] = [
      light,
      {
        ...light,
        last: null,
        health: { state: 'missing', sinceMs: 0, why: 'no such bus', hint: 'enable I²C' },
      },
      { ...light, health: { state: 'faulty', sinceMs: 111_500, why: '' } },
      { ...light, health: { state: 'ok', sinceMs: 0, why: '' } },
      { ...pin, health: { state: 'missing', sinceMs: 112_000 - 7_200_000, why: 'ENODEV' } },
    ]
    expect(deviceTroubles(states, 112_000, fixOf)).toEqual([
      {
        code: 'ERR_DEVICE_STALE',
        message: 'sensor light: stale for 12 s, last 41.23 lx: no answer in 5 s',
        hint: 'fix ERR_DEVICE_STALE',
      },
      {
        code: 'ERR_DEVICE_MISSING',
        message: 'sensor light: missing for 1 min: no such bus',
        hint: 'enable I²C',
      },
      {
        code: 'ERR_DEVICE_FAULTY',
        message: 'sensor light: faulty for 0 s, last 41.23 lx',
        hint: 'fix ERR_DEVICE_FAULTY',
      },
      {
        code: 'ERR_DEVICE_MISSING',
        message: 'pin led: missing for 2 h: ENODEV',
        hint: 'fix ERR_DEVICE_MISSING',
      },
    ])
  })

  it('is in the node’s own record, in a word, and nothing where all is well', () => {
    const devices = {
      states: () => [light, { ...light, name: 'heat', health: { state: 'ok', sinceMs: 0, why: '' } }],
    }
    expect(
      describeNode({ arch: 'x64', platform: 'linux', features: [] }, devices as never, {}, [], 0).devices,
    ).toEqual([
      { kind: 'sensor', name: 'light', driver: 'iio', health: 'stale' },
      { kind: 'sensor', name: 'heat', driver: 'iio' },
    ])
  })
})

describe('the report of devices', () => {
  it('shows the last reading with its age beside why there is none now', async () => {
    const { devices, hardware, clock } = await openSensor()
    await clock.advance(1_000)
    hardware.unplug('ENODEV')
    const { sensors } = await devicesReport(devices, clock)
    expect(sensors).toMatchObject([
      {
        name: 'light',
        value: 1,
        unit: 'lx',
        timeMs: clock.now() - 1_000,
        problem: 'sensor light (driver test) does not answer: ENODEV',
        range: { min: 0, max: 1_000 },
        health: { state: 'missing', forMs: 0, why: 'ENODEV' },
        recent: [1],
      },
    ])
    await devices.close()
  })

  it('does not wait for one that hangs', async () => {
    const { devices, hardware, clock } = await openSensor()
    await clock.advance(1)
    hardware.read = () => new Promise(() => {})
    const asked = devicesReport(devices, clock)
    await clock.advance(2_000)
    expect((await asked).sensors).toMatchObject([{ value: 1, problem: 'no answer in 2000 ms' }])
    await devices.close()
  })
})
