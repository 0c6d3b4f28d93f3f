import { describe, expect, it } from 'vitest'
import { pinDrivers, sensorDrivers } from '../../../host/devices/index.ts'
import { describePinDriver } from '../../contract/pin-driver.ts'
import { describeSensorDriver } from '../../contract/sensor-driver.ts'

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
}
const pinOptions: Readonly<Record<string, readonly object[]>> = {
  simulated: [{}, { initial: true }, { direction: 'in' }, { pattern: [true, false], period: '1s' }],
}

describe('the driver lists', () => {
  it('name each driver once, and each runs its contract', () => {
    expect(sensorDrivers.map(({ kind }) => kind).sort()).toEqual(Object.keys(sensorOptions).sort())
    expect(pinDrivers.map(({ kind }) => kind).sort()).toEqual(Object.keys(pinOptions).sort())
  })
})

for (const driver of sensorDrivers) {
  for (const options of sensorOptions[driver.kind] ?? []) describeSensorDriver(driver, options)
}
for (const driver of pinDrivers) {
  for (const options of pinOptions[driver.kind] ?? []) describePinDriver(driver, options)
}
