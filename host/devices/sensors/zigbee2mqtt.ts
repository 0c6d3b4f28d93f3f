/** One property of a Zigbee device, through Zigbee2MQTT: `illuminance`, `temperature`, `battery` … */
import * as v from 'valibot'
import type { Sensor, SensorDriver } from '../contract.ts'
import { brokerField, brokerOf, rangeField, staleField, unitField, wordField } from '../mqtt/broker-of.ts'
import { member } from '../mqtt/payload.ts'
import { spokenSensor } from '../mqtt/spoken-sensor.ts'
import { unitOfProperty } from '../mqtt/units.ts'
import { zigbeeAvailability, zigbeeOptions } from '../mqtt/zigbee2mqtt.ts'

const options = v.strictObject({
  broker: brokerField,
  ...zigbeeOptions,
  /** Member of the JSON that the device publishes; dots lead into objects. */
  property: wordField,
  /** Known for usual properties; "1" for others where it is left out. */
  unit: v.optional(unitField),
  range: v.optional(rangeField),
  /** Devices on a battery report about once an hour when nothing changes. */
  stale: v.optional(staleField, '2h'),
})

export const zigbeeSensor: SensorDriver<v.InferOutput<typeof options>> = {
  kind: 'zigbee2mqtt',
  summary: 'a property of a Zigbee device, through Zigbee2MQTT',
  options,
  speaks: true,
  async open(name, { broker, base, device, property, unit, range, stale }, context): Promise<Sensor> {
    return spokenSensor(
      name,
      {
        driver: 'zigbee2mqtt',
        broker: brokerOf(broker, context),
        topic: `${base}/${device}`,
        pick: member(property.split('.')),
        unit: unit ?? unitOfProperty(property) ?? '1',
        range: range ?? null,
        staleAfterMs: stale,
        availability: zigbeeAvailability(base, device),
      },
      context,
    )
  },
}
