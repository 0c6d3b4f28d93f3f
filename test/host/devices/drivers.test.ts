import { afterAll, describe, expect, it } from 'vitest'
import { pinDrivers, sensorDrivers } from '../../../host/devices/index.ts'
import { describePinDriver } from '../../contract/pin-driver.ts'
import { describeSensorDriver } from '../../contract/sensor-driver.ts'
import { hardwareTree } from './hardware.ts'

/** A machine with one of everything. */
const tree = hardwareTree()
const given = { root: tree.root, addons: [tree.path('addons')] }
afterAll(() => tree.close())

/** Options that each driver runs its contract with; a new driver adds its own here. */
const sensorOptions: Readonly<Record<string, readonly object[]>> = {
  simulated: [
    {},
    { shape: 'sine', noise: 5 },
    { shape: 'steps', values: [1, 2] },
    { shape: 'constant', value: 3 },
    { shape: 'sine', resolution: 0.5 },
  ],
  system: [{ metric: 'cpu-idle' }, { metric: 'load' }, { metric: 'memory-free' }],
  iio: [{ device: 'bh1750', channel: 'illuminance' }],
  hwmon: [{ chip: 'coretemp', channel: 'Package id 0' }],
  thermal: [{ zone: 'cpu-thermal' }],
  onewire: [{}],
  bh1750: [{ mode: 'low', measurementTime: 31 }],
  // It needs a line that speaks: see sensors/serial.test.ts.
  serial: [],
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
  for (const options of sensorOptions[driver.kind] ?? []) describeSensorDriver(driver, options, given)
}
for (const driver of pinDrivers) {
  for (const options of pinOptions[driver.kind] ?? []) describePinDriver(driver, options, given)
}
