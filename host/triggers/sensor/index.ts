/**
 * `kind = "sensor"`: makes events of a granted sensor's readings, of all or of those that its rule picks.
 *
 * A sensor that speaks by itself is listened to; any other, and one whose trigger names a period, is read at a steady
 * rate. The rate is kept by counting from the start, so a slow timer delays one reading and not all that follow; a
 * reading that is due while the one before is still under way is left out rather than made late.
 */
import * as v from 'valibot'
import type { Reading } from '../../devices/index.ts'
import type { EventFacts, TriggerKind } from '../contract.ts'
import { dayMs, msField, nameField, said, writtenDuration } from '../fields.ts'
import { triggerProblems } from '../problems.ts'
import { followReadings } from './readings.ts'
import { freshRule, judgeReading } from './rule.ts'

/** A sensor read more often than this is a driver's business, not an event's. */
const shortestMs = 5
const defaultPeriodMs = 1_000

const number = v.pipe(v.number('is no number'), v.finite('is no finite number'))
const amount = v.pipe(
  number,
  v.check((value) => value > 0, 'is not above 0'),
)
const hysteresis = v.pipe(number, v.minValue(0, 'is under 0'))
const rule = {
  change: v.optional(amount),
  above: v.optional(number),
  below: v.optional(number),
  hysteresis: v.optional(hysteresis),
}

const options = v.pipe(
  v.strictObject({
    /** Logical name. */
    sensor: nameField,
    /** From one reading to the next; without it, as the sensor speaks, or every second. */
    everyMs: v.optional(msField(shortestMs, dayMs, 'from 5 ms to a day')),
    ...rule,
  }),
  v.forward(
    v.check(
      ({ hysteresis: given, above, below }) =>
        given === undefined || above !== undefined || below !== undefined,
      'is for a threshold; write above or below too, or remove it',
    ),
    ['hysteresis'],
  ),
)

type SensorTriggerOptions = v.InferOutput<typeof options>

/** A type, because interfaces have no index signature. */
export type SensorPayload = {
  readonly sensor: string
  readonly value: number
  readonly unit: string
  readonly timeMs: number
}

function payloadOf(sensor: string, { value, unit, timeMs }: Reading): SensorPayload {
  return { sensor, value, unit, timeMs: Math.max(0, Math.floor(timeMs)) }
}

function eventOf({ sensor, value, unit, timeMs }: SensorPayload, { id }: EventFacts): unknown {
  return { id: BigInt(id), sensor, reading: { value, unit, timeMs: BigInt(timeMs) } }
}

export const sensorTrigger: TriggerKind<SensorTriggerOptions, SensorPayload> = {
  kind: 'sensor',
  summary:
    'an event for each reading of a sensor, each change by an amount, or each time a threshold is crossed',
  written: { sensor: nameField, every: v.optional(writtenDuration('5ms', '1d')), ...rule },
  toSpec: ({ sensor, every, change, above, below, hysteresis: given }) =>
    said({ sensor, everyMs: every, change, above, below, hysteresis: given } as Record<
      string,
      string | number
    >),
  fromOption(text) {
    const [sensor = '', every, ...rest] = text.split(':')
    if (rest.length > 0) throw new Error('it has too many parts')
    return { sensor, ...(every !== undefined && { every }) }
  },
  options,
  handlers: ['selvedge:edge/sensor-handler@0.1.0'],
  batchHandlers: ['selvedge:edge/sensor-batch-handler@0.1.0'],
  method: 'handle',
  delivery: 'at-most-once',
  requiredGrants: ({ sensor }) => [`sensor:${sensor}`],
  args: (payload, facts) => [eventOf(payload, facts)],
  batchArgs: (events) => [events.map(({ payload, facts }) => eventOf(payload, facts))],
  start({ sensor: name, everyMs, ...rules }, context) {
    const { sensors, clock, emit, failed } = context
    let state = freshRule
    let isFailing = false
    const fail = (why: string): void => {
      if (isFailing) return
      isFailing = true
      failed(triggerProblems.error('ERR_TRIGGER_READING', `the sensor "${name}" gave no reading: ${why}`))
    }
    const take = (reading: Reading): void => {
      if (!Number.isFinite(reading.value)) return fail(`the driver read ${reading.value}`)
      isFailing = false
      const judged = judgeReading(state, reading.value, rules)
      state = judged.state
      if (judged.tells) emit({ payload: payloadOf(name, reading) })
    }
    const sensor = sensors.get(name)
    if (sensor?.watch !== undefined && everyMs === undefined) return { stop: sensor.watch(take) }
    const followed = { name, sensors, everyMs: everyMs ?? defaultPeriodMs }
    return { stop: followReadings(followed, clock, take, fail) }
  },
}
