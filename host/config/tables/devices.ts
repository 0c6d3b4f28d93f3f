/** `[sensors.NAME]` and `[pins.NAME]`: `driver`, and beside it the options of that driver. */
import * as v from 'valibot'
import { pinDrivers, sensorDrivers, type DeviceConfig, type DeviceDriver } from '../../devices/index.ts'

function deviceOf(drivers: readonly DeviceDriver<unknown, unknown>[]) {
  const options = drivers.map(({ kind, options: { entries } }) =>
    v.strictObject({ ...entries, driver: v.literal(kind) }),
  )
  return v.pipe(
    v.variant('driver', options),
    v.transform((table): DeviceConfig => {
      const { driver, ...rest } = table as { driver: string } & Record<string, unknown>
      return { driver, options: rest }
    }),
  )
}

export const sensorTable = deviceOf(sensorDrivers)
export const pinTable = deviceOf(pinDrivers)
