/** Topics of an MQTT broker as a pin: one to command it, one where it says its state, a word for on and one for off. */
import * as v from 'valibot'
import type { Pin, PinDriver } from '../contract.ts'
import { noAvailability } from '../mqtt/availability.ts'
import { brokerField, brokerOf, pointerField, topicField, wordField } from '../mqtt/broker-of.ts'
import { member, parsePointer, wholeText } from '../mqtt/payload.ts'
import { spokenPin } from '../mqtt/spoken-pin.ts'

const entries = {
  broker: brokerField,
  /** Where it is told what to be; an input where it is left out. */
  command: v.optional(topicField),
  /** Where it says what it is; what was written counts where it is left out. */
  state: v.optional(topicField),
  /** Where in the JSON of `state` the word stands; the whole payload is the word where it is left out. */
  pointer: v.optional(pointerField),
  on: v.optional(wordField, 'ON'),
  off: v.optional(wordField, 'OFF'),
  /** Let the broker keep the last command for a device that is away. */
  retain: v.optional(v.boolean(), false),
}
const options = v.strictObject(entries)

export const mqttPin: PinDriver<v.InferOutput<typeof options>> = {
  kind: 'mqtt',
  summary: 'topics of an MQTT broker: one to command, one for the state',
  speaks: true,
  options,
  directionOf: ({ command }) => (command === undefined ? 'in' : 'out'),
  async open(name, { broker, command, state, pointer, on, off, retain }, context): Promise<Pin> {
    const path = pointer === undefined ? null : parsePointer(pointer)
    const pick = path === null ? wholeText : member(path)
    return spokenPin(
      name,
      {
        driver: 'mqtt',
        direction: command === undefined ? 'in' : 'out',
        broker: brokerOf(broker, context),
        state: state === undefined ? null : { topic: state, pick, on, off },
        availability: noAvailability,
        command: command === undefined ? null : (level) => ({ topic: command, payload: level ? on : off }),
        isRetained: retain,
      },
      context,
    )
  },
}
