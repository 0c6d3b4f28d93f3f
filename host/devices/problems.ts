/** What can go wrong between a logical name in the node's TOML and the hardware behind it. */
import { defineProblems } from '../../core/index.ts'

export const deviceProblems = defineProblems({
  ERR_DEVICE_UNAVAILABLE: {
    kind: 'system',
    text: 'a sensor or pin does not answer',
    fix: 'check its wiring and its table in the node’s TOML; apps that need it go on as soon as it answers',
  },
  ERR_DEVICE_READ_ONLY: {
    kind: 'user',
    text: 'a pin that is an input was to be set',
    fix: 'give the pin `direction = "out"` in the node’s TOML, if what is wired to it may be driven',
  },
  ERR_DRIVER_UNKNOWN: {
    kind: 'user',
    text: 'the node’s TOML names a driver that this program does not have',
    fix: 'write one of the known drivers',
  },
})
