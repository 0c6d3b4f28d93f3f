/**
 * Triggers as a person writes them, in the manifest or as `--trigger`, and as the signed record carries them.
 *
 * A new kind of trigger is one entry in `triggerSchema`, one in `toSpec` and one in `parseTriggerOption`.
 */
import { literal, optional, pipe, regex, strictObject, string, variant, type InferOutput } from 'valibot'
import { isSelvedgeError } from '../../core/index.ts'
import type { TriggerSpec } from '../../mesh/index.ts'
import { namePattern } from '../interfaces/index.ts'
import { durationField, parseDuration } from '../toml/index.ts'
import { manifestProblems } from './problems.ts'

/** A sensor read more often than this is a driver's business, not an event's. */
export const shortestPeriod = '5ms'
export const longestPeriod = '1d'
const defaultPeriod = '1s'

/** Why a name is refused, as problem and remedy. */
export const nameRefusal = 'is no name; write small letters, digits and "-", at most 63, a letter first'

export const triggerSchema = variant('kind', [
  strictObject({
    kind: literal('sensor'),
    sensor: pipe(string(), regex(namePattern, nameRefusal)),
    /** From one reading to the next. */
    every: optional(durationField(shortestPeriod, longestPeriod), defaultPeriod),
  }),
  /** Requests to `/APP/…`; how they get there is the node's business. */
  strictObject({ kind: literal('http') }),
  /** Runs the command, once each time the app starts. */
  strictObject({ kind: literal('start') }),
])

export type Trigger = InferOutput<typeof triggerSchema>

/** The signed form: `{ kind: 'sensor', sensor: 'light', everyMs: 200 }`. */
export function toSpec(trigger: Trigger): TriggerSpec {
  if (trigger.kind !== 'sensor') return { kind: trigger.kind }
  return { kind: trigger.kind, sensor: trigger.sensor, everyMs: trigger.every }
}

/**
 * Reads `--trigger http`, `--trigger start`, or `--trigger sensor:NAME[:PERIOD]`, e.g. `sensor:light:200ms`; without a period, every
 * second.
 * @throws ERR_RELEASE_OPTION
 */
export function parseTriggerOption(text: string): Trigger {
  const [kind = '', name = '', period = defaultPeriod, ...rest] = text.slice(0, 200).split(':')
  const refuse = (why: string): Error =>
    manifestProblems.error('ERR_RELEASE_OPTION', `--trigger ${text.slice(0, 80)}: ${why}`, {
      hint: 'write --trigger http, start, sensor:NAME or sensor:NAME:PERIOD, for example sensor:light:200ms',
    })
  if (text === 'http' || text === 'start') return { kind: text }
  if (kind !== 'sensor') throw refuse(`there is no trigger of kind ${JSON.stringify(kind)}`)
  if (!namePattern.test(name)) throw refuse(`${JSON.stringify(name)} is no sensor's name`)
  if (rest.length > 0) throw refuse('it has too many parts')
  try {
    const every = parseDuration(period)
    if (every >= parseDuration(shortestPeriod) && every <= parseDuration(longestPeriod)) {
      return { kind, sensor: name, every }
    }
  } catch (error) {
    if (isSelvedgeError(error, 'ERR_UNIT')) throw refuse(error.message)
    throw error
  }
  throw refuse(`the period is not from ${shortestPeriod} to ${longestPeriod}`)
}
