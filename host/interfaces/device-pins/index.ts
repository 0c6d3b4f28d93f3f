/** selvedge:device/pins: the digital inputs and outputs that the release was granted, by logical name. */
import { useDevice } from '../device-error.ts'
import type { InterfaceOffer } from '../offer.ts'

export const devicePins: InterfaceOffer = {
  id: 'selvedge:device/pins@0.1.0',
  summary: 'read and set the granted pins',
  grantKind: 'pin',
  bind: ({ pins }) => ({
    read: { mode: 'call', run: ([name]) => useDevice(pins, name, (pin) => pin.read()) },
    write: {
      mode: 'call',
      run: ([name, level]) => useDevice(pins, name, (pin) => pin.write(level === true)),
    },
  }),
}
