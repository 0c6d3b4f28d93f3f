import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { pinDrivers, sensorDrivers } from '../../../host/devices/index.ts'
import { describePinDriver } from '../../contract/pin-driver.ts'
import { describeSensorDriver } from '../../contract/sensor-driver.ts'
import { hardwareTree } from './hardware.ts'

/** A machine with one of everything. */
const tree = hardwareTree()
const given = { root: tree.root, addons: [tree.path('addons')] }
afterAll(() => tree.close())

const folder = mkdtempSync(join(tmpdir(), 'selvedge-drivers-'))
writeFileSync(join(folder, 'trace.csv'), 'time,value,unit\n0,3,lx\n1,4,lx\n')
const server = createServer((_request, response) => response.end('41.2'))
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Options that each driver runs its contract with; a new driver adds its own here. */
const sensorOptions: Readonly<Record<string, readonly object[]>> = {
  simulated: [
    {},
    { shape: 'sine', noise: 5 },
    { shape: 'steps', values: [1, 2] },
    { shape: 'constant', value: 3 },
    { shape: 'sine', resolution: 0.5 },
  ],
  iio: [{ device: 'bh1750', channel: 'illuminance' }],
  hwmon: [{ chip: 'coretemp', channel: 'Package id 0' }],
  thermal: [{ zone: 'cpu-thermal' }],
  onewire: [{}],
  bh1750: [{ mode: 'low', measurementTime: 31 }],
  pin: [
    { chip: 'pinctrl-bcm2711', line: 27 },
    { via: 'sysfs', chip: 'pinctrl-bcm2711', line: 27, activeLow: true },
    { via: 'onoff', chip: 'pinctrl-bcm2711', line: 27, on: 900, off: 10, unit: 'lx' },
  ],
  // It needs a line that speaks: see sensors/serial.test.ts.
  serial: [],
  // They need a broker: see mqtt-drivers.test.ts.
  mqtt: [],
  zigbee2mqtt: [],
  homeassistant: [],
  // Not every machine has a temperature.
  system: [
    'cpu',
    'cpu-idle',
    'load',
    'memory-used',
    'memory-free',
    'received',
    'sent',
    'disk-used',
    'disk-free',
  ].map((metric) => ({ metric })),
  replay: [{ file: join(folder, 'trace.csv') }, { file: join(folder, 'trace.csv'), loop: true, speed: 2 }],
  command: [{ command: ['echo', '7'] }, { shell: 'echo 7', unit: 'lx', resolution: 1 }],
  http: [{ url }],
}
const pinOptions: Readonly<Record<string, readonly object[]>> = {
  simulated: [{}, { initial: true }, { direction: 'in' }, { pattern: [true, false], period: '1s' }],
  sysfs: [
    { chip: 'pinctrl-bcm2711', line: 17 },
    { chip: 'pinctrl-bcm2711', line: 27, direction: 'in' },
  ],
  gpiochip: [
    { chip: 'pinctrl-bcm2711', line: 17 },
    { chip: 'pinctrl-bcm2711', line: 27, direction: 'in' },
  ],
  // As the sensors.
  mqtt: [],
  zigbee2mqtt: [],
  homeassistant: [],
  onoff: [
    { chip: 'pinctrl-bcm2711', line: 17 },
    { chip: 'pinctrl-bcm2711', line: 27, direction: 'in' },
  ],
}

describe('the driver lists', () => {
  it('name each driver once, and each runs its contract', () => {
    expect(sensorDrivers.map(({ kind }) => kind).sort()).toEqual(Object.keys(sensorOptions).sort())
    expect(pinDrivers.map(({ kind }) => kind).sort()).toEqual(Object.keys(pinOptions).sort())
  })
})

for (const driver of sensorDrivers) {
  for (const options of sensorOptions[driver.kind] ?? []) {
    // This machine is one of everything that `system` needs.
    describeSensorDriver(driver, options, driver.kind === 'system' ? {} : given)
  }
}
for (const driver of pinDrivers) {
  for (const options of pinOptions[driver.kind] ?? []) describePinDriver(driver, options, given)
}
