/**
 * A sensor that knows two values and has a wire for them: a photoresistor behind a comparator, a motion detector, a float
 * switch, a reed contact. It is an input of a GPIO chip, read by one of the drivers of pins, with a number for each level.
 */
import * as v from 'valibot'
import type { Cancel } from '../../../core/index.ts'
import type { DriverContext, Pin, Reading, Sensor, SensorDriver } from '../contract.ts'
import { finite, unitField } from '../options.ts'
import { biasField, gpiochipPin } from '../pins/gpiochip.ts'
import { lineFields } from '../pins/line-options.ts'
import { onoffPin } from '../pins/onoff.ts'
import { pollField, sysfsPin } from '../pins/sysfs.ts'

const options = v.strictObject({
  chip: lineFields.chip,
  line: lineFields.line,
  activeLow: lineFields.activeLow,
  /** The driver of pins that reads it. */
  via: v.optional(v.picklist(['gpiochip', 'sysfs', 'onoff']), 'gpiochip'),
  /** What it reads while the pin is on, and while it is off. */
  on: v.optional(finite, 1),
  off: v.optional(finite, 0),
  unit: v.optional(unitField, '1'),
  bias: biasField,
  poll: pollField,
})

type Options = v.InferOutput<typeof options>

export const pinSensor: SensorDriver<Options> = {
  kind: 'pin',
  summary: 'an input pin as a sensor of two values: light or dark, motion or none',
  // It tells each change. How it is without one is asked, by an app with a period as well.
  speaks: true,
  options,
  async open(name, wanted, context): Promise<Sensor> {
    return sensorOf(name, wanted, await openInput(name, wanted, context), context)
  },
}

function openInput(name: string, wanted: Options, context: DriverContext): Promise<Pin> {
  const { chip, line, activeLow, via, bias, poll } = wanted
  const input = { chip, line, activeLow, direction: 'in' } as const
  if (via === 'sysfs') return sysfsPin.open(name, { ...input, poll }, context)
  if (via === 'onoff') return onoffPin.open(name, input, context)
  return gpiochipPin.open(name, { ...input, bias }, context)
}

function sensorOf(name: string, { on, off, unit }: Options, pin: Pin, { clock }: DriverContext): Sensor {
  const readingOf = (level: boolean, timeMs: number): Reading => ({ value: level ? on : off, unit, timeMs })
  return {
    name,
    driver: 'pin',
    unit,
    range: { min: Math.min(on, off), max: Math.max(on, off) },
    resolution: on === off ? null : Math.abs(on - off),
    // A door that stays shut for a week is no fault.
    staleAfterMs: null,
    async read(signal) {
      signal?.throwIfAborted()
      return readingOf(await pin.read(), clock.now())
    },
    watch(listener) {
      let isToldFirst = false
      const cancel = pin.watch(({ level, timeMs }) => {
        isToldFirst = true
        listener(readingOf(level, timeMs))
      })
      // Whoever begins to listen hears how it is; an input that cannot be read says so when it is asked.
      pin.read().then(
        (level) => {
          if (!isToldFirst) listener(readingOf(level, clock.now()))
        },
        () => {},
      )
      return () => {
        isToldFirst = true
        cancel()
      }
    },
    onGone: (listener): Cancel => pin.onGone?.(listener) ?? (() => {}),
    close: () => pin.close(),
  }
}
