/** What can go wrong between a logical name in the node's TOML and the hardware behind it. */
import { defineProblems } from '../../core/index.ts'

export const deviceProblems = defineProblems({
  ERR_DEVICE_UNAVAILABLE: {
    kind: 'system',
    text: 'a sensor or pin does not answer',
    fix: 'check its wiring and its table in the node’s TOML; apps that need it go on as soon as it answers',
  },
  ERR_DEVICE_MISSING: {
    kind: 'system',
    text: 'a sensor or pin of the node’s TOML is not there',
    fix: 'plug it in, or correct its table in the node’s TOML; the node looks for it every few seconds and needs no restart',
  },
  ERR_DEVICE_STALE: {
    kind: 'system',
    text: 'a sensor answered before and does not any more',
    fix: 'check its wiring and its power; where it is meant to speak seldom, give it `stale = "1h"` in the node’s TOML',
  },
  ERR_DEVICE_FAULTY: {
    kind: 'system',
    text: 'a sensor or pin is there and says what cannot be, or fails',
    fix: 'look for what it says there; where only its readings are out of range and right, give it `range = [MIN, MAX]` in the node’s TOML',
  },
  ERR_DEVICE_READING: {
    kind: 'system',
    text: 'a sensor gave a reading that cannot be one: no number, or out of its range',
    fix: 'check its wiring; where the values are right, give it `range = [MIN, MAX]` in the node’s TOML',
  },
  ERR_DEVICE_READ_ONLY: {
    kind: 'user',
    text: 'a pin that is an input was to be set',
    fix: 'give the pin `direction = "out"` in the node’s TOML, if what is wired to it may be driven',
  },
  ERR_I2C_SILENT: {
    kind: 'system',
    text: 'no chip on an I²C bus answers to an address',
    fix: 'see whether `i2cdetect -y BUS` shows the address; if not, check power, SDA, SCL and the chip’s address pin',
  },
  ERR_I2C_BUS: {
    kind: 'system',
    text: 'a transaction on an I²C bus broke off',
    fix: 'check the wiring, its length and the pull-up resistors of SDA and SCL; lower the speed of the bus',
  },
  ERR_I2C_ARBITRATION: {
    kind: 'system',
    text: 'two masters spoke on an I²C bus at once',
    fix: 'try again; where it happens often, see what else drives SDA and SCL',
  },
  ERR_I2C_ADDRESS: {
    kind: 'user',
    text: 'an address of an I²C bus was used that its name does not stand for',
    fix: 'add it to `addresses` of the bus in the node’s TOML, if the app may speak to that chip',
  },
  ERR_I2C_TOO_LARGE: {
    kind: 'user',
    text: 'a transaction on an I²C bus is larger than Linux takes',
    fix: 'make several transactions of it',
  },
  ERR_DRIVER_UNKNOWN: {
    kind: 'user',
    text: 'the node’s TOML names a driver that this program does not have',
    fix: 'write one of the known drivers',
  },
})
