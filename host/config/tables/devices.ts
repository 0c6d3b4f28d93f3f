/**
 * `[sensors.NAME]` and `[pins.NAME]`: `driver`, beside it the options of that driver, and what every device may say of how
 * the node looks after it.
 */
import * as v from 'valibot'
import { pinDrivers, sensorDrivers, type DeviceConfig, type DeviceDriver } from '../../devices/index.ts'
import { durationField } from '../../toml/index.ts'

const finite = v.pipe(v.number(), v.finite())
const care = {
  /** How often it is asked whether it answers where no app does; 10 s where it is left out. */
  check: v.optional(durationField('100ms', '1d')),
}
const sensorCare = {
  ...care,
  /** Silent for longer, it is stale; 30 s, or the driver's own, where it is left out. */
  stale: v.optional(durationField('1s', '31d')),
  /** Lowest and highest reading that can be right, over what the driver knows. */
  range: v.optional(
    v.pipe(
      v.tuple([finite, finite]),
      v.check(([min, max]) => min < max, 'is no range; write the lower end first'),
    ),
  ),
}

interface Care {
  readonly check?: number
  readonly stale?: number
  readonly range?: readonly [number, number]
}

function deviceOf(drivers: readonly DeviceDriver<unknown, unknown>[], common: v.ObjectEntries) {
  // What a driver means by such a name itself is the driver's.
  const tables = drivers.map(({ kind, options: { entries } }) =>
    v.strictObject({ ...common, ...entries, driver: v.literal(kind) }),
  )
  const own = new Map(drivers.map(({ kind, options: { entries } }) => [kind, Object.keys(entries)]))
  return v.pipe(
    v.variant('driver', tables),
    v.transform((table): DeviceConfig => {
      const { driver, ...rest } = table as { driver: string } & Record<string, unknown>
      const isCare = ([name]: readonly [string, unknown]): boolean =>
        Object.hasOwn(common, name) && own.get(driver)?.includes(name) !== true
      const all = Object.entries(rest)
      const { check, stale, range } = Object.fromEntries(all.filter(isCare)) as Care
      const given = {
        ...(check !== undefined && { checkMs: check }),
        ...(stale !== undefined && { staleAfterMs: stale }),
        ...(range !== undefined && { range: { min: range[0], max: range[1] } }),
      }
      const options = Object.fromEntries(all.filter((entry) => !isCare(entry)))
      return { driver, options, ...(Object.keys(given).length > 0 && { care: given }) }
    }),
  )
}

export const sensorTable = deviceOf(sensorDrivers, sensorCare)
export const pinTable = deviceOf(pinDrivers, care)
