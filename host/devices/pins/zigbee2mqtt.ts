/** A switch, plug, lamp or contact behind Zigbee2MQTT: commands go to `BASE/NAME/set`, states come on `BASE/NAME`. */
import * as v from 'valibot'
import type { Pin, PinDriver } from '../contract.ts'
import { brokerField, brokerOf, wordField } from '../mqtt/broker-of.ts'
import { member } from '../mqtt/payload.ts'
import { spokenPin } from '../mqtt/spoken-pin.ts'
import { zigbeeAvailability, zigbeeOptions } from '../mqtt/zigbee2mqtt.ts'

const options = v.strictObject({
  broker: brokerField,
  ...zigbeeOptions,
  property: v.optional(wordField, 'state'),
  /** "in" for what only tells, such as `contact` or `occupancy`. */
  direction: v.optional(v.picklist(['in', 'out']), 'out'),
  /** Its words; `true` and `false` for an input, `ON` and `OFF` for an output where they are left out. */
  on: v.optional(wordField),
  off: v.optional(wordField),
})

type ZigbeePinOptions = v.InferOutput<typeof options>

function wordsOf({ direction, on, off }: ZigbeePinOptions): { on: string; off: string } {
  const isOutput = direction === 'out'
  return { on: on ?? (isOutput ? 'ON' : 'true'), off: off ?? (isOutput ? 'OFF' : 'false') }
}

export const zigbeePin: PinDriver<ZigbeePinOptions> = {
  kind: 'zigbee2mqtt',
  summary: 'a switch, plug, lamp or contact, through Zigbee2MQTT',
  speaks: true,
  options,
  directionOf: ({ direction }) => direction,
  async open(name, table, context): Promise<Pin> {
    const { broker, base, device, property, direction } = table
    const { on, off } = wordsOf(table)
    const topic = `${base}/${device}`
    const isOutput = direction === 'out'
    return spokenPin(
      name,
      {
        driver: 'zigbee2mqtt',
        direction,
        broker: brokerOf(broker, context),
        state: { topic, pick: member([property]), on, off },
        availability: zigbeeAvailability(base, device),
        command: isOutput
          ? (level) => ({ topic: `${topic}/set`, payload: JSON.stringify({ [property]: level ? on : off }) })
          : null,
        isRetained: false,
        // It keeps no states at the broker unless told to; one that sleeps does not answer.
        ...(isOutput && { ask: { topic: `${topic}/get`, payload: JSON.stringify({ [property]: '' }) } }),
      },
      context,
    )
  },
}
