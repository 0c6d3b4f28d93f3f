import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { openDevices, type Sensor, type SensorDriver } from '../../../host/devices/index.ts'
import { openWith } from '../../../host/devices/open.ts'
import { FakeClock, seededRandom } from '../fake-clock.ts'

const context = { clock: new FakeClock(), random: seededRandom(1), root: '/' }

function recordingDriver(closed: string[]): SensorDriver {
  return {
    kind: 'recording',
    summary: 'for this test',
    options: v.strictObject({}),
    async open(name): Promise<Sensor> {
      if (name === 'broken') throw new Error('no such bus')
      return {
        name,
        driver: 'recording',
        unit: '1',
        range: null,
        resolution: null,
        read: async () => ({ value: 1, unit: '1', timeMs: 0 }),
        close: async () => {
          closed.push(name)
          if (name === 'stubborn') throw new Error('will not close')
        },
      }
    },
  }
}

describe('opening devices', () => {
  it('gives each by its logical name', async () => {
    const devices = await openDevices(
      {
        sensors: { light: { driver: 'system', options: { metric: 'load' } } },
        pins: { led: { driver: 'simulated', options: { initial: false } } },
      },
      context,
    )
    expect([...devices.sensors.keys()]).toEqual(['light'])
    expect([...devices.pins.keys()]).toEqual(['led'])
    await devices.close()
  })

  it('opens those that are there beside one that is not, and says which is missing and why', async () => {
    const closed: string[] = []
    const table = { driver: 'recording', options: {} }
    const sensors = { first: table, stubborn: table, broken: table, last: table }
    const devices = await openWith(
      { sensors: [recordingDriver(closed)], pins: [] },
      { sensors, pins: {} },
      context,
    )
    expect(devices.states().map(({ name, health: { state, why } }) => [name, state, why])).toEqual([
      ['first', 'ok', ''],
      ['stubborn', 'ok', ''],
      ['broken', 'missing', 'no such bus'],
      ['last', 'ok', ''],
    ])
    await devices.close()
    expect(closed).toEqual(['first', 'stubborn', 'last'])
  })

  it('refuses a driver that nobody knows before it opens anything', async () => {
    const sensors = { first: { driver: 'recording', options: {} }, light: { driver: 'lidar', options: {} } }
    const closed: string[] = []
    await expect(
      openWith({ sensors: [recordingDriver(closed)], pins: [] }, { sensors, pins: {} }, context),
    ).rejects.toMatchObject({
      code: 'ERR_DRIVER_UNKNOWN',
      message: 'sensors.light: there is no driver "lidar"',
    })
    expect(closed).toEqual([])
  })

  it('closes each device once, even where close is called twice', async () => {
    const closed: string[] = []
    const sensors = { light: { driver: 'recording', options: {} } }
    const devices = await openWith(
      { sensors: [recordingDriver(closed)], pins: [] },
      { sensors, pins: {} },
      context,
    )
    await devices.close()
    await devices.close()
    expect(closed).toEqual(['light'])
  })
})
