/** selvedge:device/sensor: readings of the sensors that the release was granted, by logical name. */
import { useDevice } from '../device-error.ts'
import type { InterfaceOffer } from '../offer.ts'

export const deviceSensor: InterfaceOffer = {
  id: 'selvedge:device/sensor@0.1.0',
  summary: 'read the granted sensors',
  grantKind: 'sensor',
  bind: ({ sensors }) => ({
    read: {
      mode: 'call',
      run: ([name]) =>
        useDevice(sensors, name, async (sensor) => {
          const { value, unit, timeMs } = await sensor.read()
          if (!Number.isFinite(value)) throw new Error(`the driver read ${value}`)
          return { value, unit, timeMs: BigInt(Math.max(0, Math.floor(timeMs))) }
        }),
    },
  }),
}
