/** Topics of a device that Zigbee2MQTT brings to the broker: JSON on `BASE/NAME`, and whether it is there beside it. */
import * as v from 'valibot'
import type { AvailabilityRule, AvailabilitySource } from './availability.ts'
import { topicField } from './broker-of.ts'
import { wordOf, type Pick } from './payload.ts'

export const zigbeeOptions = {
  /** Its friendly name. */
  device: topicField,
  /** Zigbee2MQTT’s `base_topic`. */
  base: v.optional(topicField, 'zigbee2mqtt'),
}

/** Old versions write the word itself, newer ones an object around it. */
const availabilityWord: Pick = (payload) => {
  const text = Buffer.from(payload.subarray(0, 256)).toString('utf8').trim()
  if (!text.startsWith('{')) return text
  const state = (JSON.parse(text) as { state?: unknown }).state
  return wordOf(state)
}

const wordAt = (topic: string): AvailabilitySource => ({
  topic,
  pick: availabilityWord,
  online: 'online',
  offline: 'offline',
})

/** The device’s own word, and that of Zigbee2MQTT itself: where the bridge is gone, no device is there. */
export function zigbeeAvailability(base: string, device: string): AvailabilityRule {
  return { sources: [wordAt(`${base}/${device}/availability`), wordAt(`${base}/bridge/state`)], mode: 'all' }
}
