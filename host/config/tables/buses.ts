/** `[buses.NAME]`: an I²C bus, and the addresses on it that apps with `i2c:NAME` may speak to. */
import * as v from 'valibot'
import { i2cAddresses, i2cDrivers } from '../../devices/index.ts'

const { first, last } = i2cAddresses
const rule = `is no address of a chip; write a whole number from ${first} to ${last}, as 0x23`
const address = v.pipe(v.number(), v.integer(rule), v.minValue(first, rule), v.maxValue(last, rule))
const busRule = 'is no bus; write the number behind /dev/i2c-, from 0 to 255'

export const busTable = v.strictObject({
  driver: v.optional(
    v.picklist(i2cDrivers, `is no driver of a bus; write one of ${i2cDrivers.join(', ')}`),
    'i2ctransfer',
  ),
  bus: v.pipe(v.number(busRule), v.integer(busRule), v.minValue(0, busRule), v.maxValue(255, busRule)),
  /** Without them the name would open every chip on the bus, the board's own among them. */
  addresses: v.pipe(
    v.array(address),
    v.minLength(1, 'is empty; write the addresses that apps may speak to, as [0x23]'),
    v.maxLength(last - first + 1, 'has too many addresses'),
  ),
})
