/** A switch or lamp that introduces itself to Home Assistant, or a binary sensor as an input. */
import * as v from 'valibot'
import type { Pin, PinDriver } from '../contract.ts'
import { brokerField, brokerOf, topicField, wordField } from '../mqtt/broker-of.ts'
import { discover } from '../mqtt/ha-discovery.ts'
import { spokenPin } from '../mqtt/spoken-pin.ts'
import { deviceProblems } from '../problems.ts'

const options = v.strictObject({
  broker: brokerField,
  /** Its `unique_id`, or the object id in the topic of its configuration. */
  id: wordField,
  /** Home Assistant’s discovery prefix. */
  prefix: v.optional(topicField, 'homeassistant'),
  component: v.optional(v.picklist(['switch', 'light', 'binary_sensor']), 'switch'),
})

type HomeAssistantPinOptions = v.InferOutput<typeof options>

const directionOf = ({ component }: HomeAssistantPinOptions): 'in' | 'out' =>
  component === 'binary_sensor' ? 'in' : 'out'

export const homeAssistantPin: PinDriver<HomeAssistantPinOptions> = {
  kind: 'homeassistant',
  summary: 'a switch or lamp that introduces itself by Home Assistant’s MQTT discovery',
  speaks: true,
  options,
  directionOf,
  async open(name, table, context): Promise<Pin> {
    const { prefix, component, id } = table
    const broker = brokerOf(table.broker, context)
    const { config, onGone, close } = await discover({ broker, prefix, component, wanted: id }, context)
    const direction = directionOf(table)
    const { commandTopic, payloadOn, payloadOff, stateTopic, stateOn, stateOff, pick } = config
    try {
      if (direction === 'out' && commandTopic === null) {
        throw deviceProblems.error('ERR_DEVICE_UNAVAILABLE', `${name} names no topic for commands`)
      }
      return spokenPin(
        name,
        {
          driver: 'homeassistant',
          direction,
          broker,
          state: { topic: stateTopic, pick, on: stateOn, off: stateOff },
          availability: config.availability,
          command:
            direction === 'in' || commandTopic === null
              ? null
              : (level) => ({ topic: commandTopic, payload: level ? payloadOn : payloadOff }),
          isRetained: config.isRetained,
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
