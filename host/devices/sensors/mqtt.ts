/** A topic of an MQTT broker as a sensor: a number as text, or a number in JSON. */
import * as v from 'valibot'
import type { Sensor, SensorDriver } from '../contract.ts'
import { noAvailability } from '../mqtt/availability.ts'
import {
  brokerField,
  brokerOf,
  filterField,
  pointerField,
  rangeField,
  staleField,
  unitField,
} from '../mqtt/broker-of.ts'
import { member, parsePointer, wholeText } from '../mqtt/payload.ts'
import { spokenSensor } from '../mqtt/spoken-sensor.ts'

const options = v.strictObject({
  broker: brokerField,
  topic: filterField,
  /** Where in the JSON the number stands (RFC 6901); the whole payload is the number where it is left out. */
  pointer: v.optional(pointerField),
  unit: v.optional(unitField, '1'),
  range: v.optional(rangeField),
  /** After this long without a word it is stale. */
  stale: v.optional(staleField, '15min'),
})

export const mqttSensor: SensorDriver<v.InferOutput<typeof options>> = {
  kind: 'mqtt',
  summary: 'a number on a topic of an MQTT broker, as text or in JSON',
  options,
  speaks: true,
  async open(name, { broker, topic, pointer, unit, range, stale }, context): Promise<Sensor> {
    const path = pointer === undefined ? null : parsePointer(pointer)
    return spokenSensor(
      name,
      {
        driver: 'mqtt',
        broker: brokerOf(broker, context),
        topic,
        pick: path === null ? wholeText : member(path),
        unit,
        range: range ?? null,
        staleAfterMs: stale,
        availability: noAvailability,
      },
      context,
    )
  },
}
