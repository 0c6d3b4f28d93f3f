/** A sensor that introduces itself to Home Assistant: found by its id, with the unit that it says. */
import * as v from 'valibot'
import type { Sensor, SensorDriver } from '../contract.ts'
import {
  brokerField,
  brokerOf,
  rangeField,
  staleField,
  topicField,
  unitField,
  wordField,
} from '../mqtt/broker-of.ts'
import { discover } from '../mqtt/ha-discovery.ts'
import { spokenSensor } from '../mqtt/spoken-sensor.ts'
import { ucumOf } from '../mqtt/units.ts'
import { deviceProblems } from '../problems.ts'

const options = v.strictObject({
  broker: brokerField,
  /** Its `unique_id`, or the object id in the topic of its configuration. */
  id: wordField,
  /** Home Assistant’s discovery prefix. */
  prefix: v.optional(topicField, 'homeassistant'),
  component: v.optional(v.picklist(['sensor', 'binary_sensor', 'number']), 'sensor'),
  /** In place of what it says. */
  unit: v.optional(unitField),
  range: v.optional(rangeField),
  /** In place of what it says, or 2 h. */
  stale: v.optional(staleField),
})

const usualStaleMs = 2 * 3_600_000

export const homeAssistantSensor: SensorDriver<v.InferOutput<typeof options>> = {
  kind: 'homeassistant',
  summary: 'a sensor that introduces itself by Home Assistant’s MQTT discovery',
  options,
  speaks: true,
  async open(name, table, context): Promise<Sensor> {
    const { prefix, component, id, unit, range, stale } = table
    const broker = brokerOf(table.broker, context)
    const { config, onGone, close } = await discover({ broker, prefix, component, wanted: id }, context)
    try {
      const known = unit ?? ucumOf(config.unit)
      if (known === null) {
        const message = `${name} measures in ${JSON.stringify(config.unit.slice(0, 40))}, which has no UCUM name here`
        throw deviceProblems.error('ERR_DEVICE_UNAVAILABLE', message, {
          hint: 'write unit = "…" in its table',
        })
      }
      const { on, off } = { on: config.payloadOn, off: config.payloadOff }
      const isBinary = component === 'binary_sensor'
      return spokenSensor(
        name,
        {
          driver: 'homeassistant',
          broker,
          topic: config.stateTopic,
          pick: isBinary ? (payload) => levelOf(config.pick(payload), on, off) : config.pick,
          unit: known,
          range: range ?? null,
          staleAfterMs: stale ?? config.expireAfterMs ?? usualStaleMs,
          availability: config.availability,
          onGone,
          close,
        },
        context,
      )
    } catch (error) {
      close()
      throw error
    }
  },
}

function levelOf(word: unknown, on: string, off: string): unknown {
  if (word === on) return 1
  return word === off ? 0 : word
}
