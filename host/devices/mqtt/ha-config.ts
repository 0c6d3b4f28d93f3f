/**
 * The message with which a device introduces itself to Home Assistant (MQTT discovery), as far as a sensor or a switch
 * needs it: pure, from bytes to topics. Names may be abbreviated, and `~` stands for a base topic.
 * https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
 */
import { topicProblem } from '../../mqtt/index.ts'
import type { AvailabilityRule, AvailabilitySource } from './availability.ts'
import { member, wholeText, wordOf, type Pick } from './payload.ts'
import { parseTemplate } from './template.ts'

export interface HaConfig {
  readonly uniqueId: string | null
  readonly stateTopic: string
  readonly pick: Pick
  /** As it stands there. */
  readonly unit: string
  /** After this long its word is worth nothing, by its own account; null where it does not say. */
  readonly expireAfterMs: number | null
  readonly availability: AvailabilityRule
  /** null for what takes no commands. */
  readonly commandTopic: string | null
  /** Words it is commanded with, and those it says. */
  readonly payloadOn: string
  readonly payloadOff: string
  readonly stateOn: string
  readonly stateOff: string
  readonly isRetained: boolean
}

/** Short names that Home Assistant takes in place of the long ones. */
const shortNames: Readonly<Record<string, string>> = {
  stat_t: 'state_topic',
  cmd_t: 'command_topic',
  val_tpl: 'value_template',
  unit_of_meas: 'unit_of_measurement',
  uniq_id: 'unique_id',
  obj_id: 'object_id',
  exp_aft: 'expire_after',
  avty: 'availability',
  avty_t: 'availability_topic',
  avty_tpl: 'availability_template',
  avty_mode: 'availability_mode',
  pl_avail: 'payload_available',
  pl_not_avail: 'payload_not_available',
  pl_on: 'payload_on',
  pl_off: 'payload_off',
  stat_on: 'state_on',
  stat_off: 'state_off',
  ret: 'retain',
  t: 'topic',
}
/** Sources of one device’s availability. */
const maxAvailability = 8

type Table = Readonly<Record<string, unknown>>

/** @throws Error in words for a person, saying what of it cannot be used */
export function readHaConfig(payload: Uint8Array): HaConfig {
  let document: unknown
  try {
    document = JSON.parse(Buffer.from(payload).toString('utf8'))
  } catch {
    throw new Error('its configuration is no JSON')
  }
  const table = longNames(document)
  const base = textOf(table, '~') ?? ''
  const topicAt = (from: Table, name: string): string | null => topicOf(from, name, base)
  const stateTopic = topicAt(table, 'state_topic')
  if (stateTopic === null) throw new Error('its configuration names no state_topic')
  const expireAfter = table.expire_after
  // Lamps of this schema take and say JSON; their words are fixed.
  const isJson = textOf(table, 'schema') === 'json'
  const payloadOn = isJson ? '{"state":"ON"}' : (textOf(table, 'payload_on') ?? 'ON')
  const payloadOff = isJson ? '{"state":"OFF"}' : (textOf(table, 'payload_off') ?? 'OFF')
  return {
    uniqueId: textOf(table, 'unique_id'),
    stateTopic,
    pick: isJson ? member(['state']) : templateOf(table, 'value_template'),
    unit: textOf(table, 'unit_of_measurement') ?? '',
    expireAfterMs: typeof expireAfter === 'number' && expireAfter > 0 ? expireAfter * 1_000 : null,
    availability: availabilityOf(table, topicAt),
    commandTopic: topicAt(table, 'command_topic'),
    payloadOn,
    payloadOff,
    stateOn: isJson ? 'ON' : (textOf(table, 'state_on') ?? payloadOn),
    stateOff: isJson ? 'OFF' : (textOf(table, 'state_off') ?? payloadOff),
    isRetained: table.retain === true,
  }
}

function longNames(document: unknown): Table {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new Error('its configuration is no JSON object')
  }
  return Object.fromEntries(
    Object.entries(document).map(([name, value]) => [
      Object.hasOwn(shortNames, name) ? (shortNames[name] ?? name) : name,
      value,
    ]),
  )
}

function textOf(table: Table, name: string): string | null {
  if (!Object.hasOwn(table, name)) return null
  const value = table[name]
  // Words for on and off are sometimes written as true and false.
  return value === null || value === undefined ? null : wordOf(value).slice(0, 4_096)
}

function topicOf(table: Table, name: string, base: string): string | null {
  const text = textOf(table, name)
  if (text === null) return null
  const topic = text.replace(/^~|~$/, () => base)
  const problem = topicProblem(topic)
  if (problem !== null) throw new Error(`its ${name} ${problem.split('; ')[0] ?? 'is no topic'}`)
  return topic
}

function templateOf(table: Table, name: string): Pick {
  const template = textOf(table, name)
  if (template === null) return wholeText
  const pick = parseTemplate(template)
  if (pick !== null) return pick
  throw new Error(`its ${name} is more than {{ value_json.NAME }}: ${template.slice(0, 120)}`)
}

function availabilityOf(
  table: Table,
  topicAt: (from: Table, name: string) => string | null,
): AvailabilityRule {
  const source = (from: Table, topicName: string, templateName: string): AvailabilitySource[] => {
    const topic = topicAt(from, topicName)
    if (topic === null) return []
    const online = textOf(from, 'payload_available') ?? 'online'
    const offline = textOf(from, 'payload_not_available') ?? 'offline'
    return [{ topic, pick: templateOf(from, templateName), online, offline }]
  }
  const listed = Array.isArray(table.availability) ? (table.availability as unknown[]) : []
  const sources = [
    ...source(table, 'availability_topic', 'availability_template'),
    ...listed.slice(0, maxAvailability).flatMap((one) => source(longNames(one), 'topic', 'value_template')),
  ]
  const mode = textOf(table, 'availability_mode')
  return { sources, mode: mode === 'all' || mode === 'any' ? mode : 'latest' }
}
