/**
 * Triggers as a person writes them, in the manifest or as `--trigger`, and as the signed record carries them. What each
 * kind may say stands with the kind, in host/triggers; how its events are delivered is the same for all of them.
 */
import * as v from 'valibot'
import { isSelvedgeError, messageOf, nearestName } from '../../core/index.ts'
import type { TriggerSpec } from '../../mesh/index.ts'
import {
  deliverySpec,
  planTriggers,
  triggerKinds,
  writtenDelivery,
  type TriggerKind,
  type WrittenDelivery,
} from '../triggers/index.ts'
import { manifestProblems } from './problems.ts'

/** Why a name is refused, as problem and remedy. */
export const nameRefusal = 'is no name; write small letters, digits and "-", at most 63, a letter first'

/** As it was read: durations in milliseconds. */
export interface Trigger extends WrittenDelivery {
  readonly kind: string
  readonly [field: string]: unknown
}

function shapeOf({
  kind,
  written,
  delivery,
}: TriggerKind): v.StrictObjectSchema<
  { kind: v.LiteralSchema<string, undefined> } & v.ObjectEntries,
  undefined
> {
  return v.strictObject({ kind: v.literal(kind), ...written, ...(delivery !== null && writtenDelivery) })
}

/** One of the kinds, by its `kind`. */
export const triggerSchema = v.variant('kind', triggerKinds.map(shapeOf)) as unknown as v.GenericSchema<
  unknown,
  Trigger
>

/** The signed form: `{ kind: 'sensor', sensor: 'light', everyMs: 200 }`. */
export function toSpec({ kind: name, ...written }: Trigger): TriggerSpec {
  const kind = triggerKinds.find((candidate) => candidate.kind === name)
  return { kind: name, ...kind?.toSpec(written), ...deliverySpec(written) }
}

/**
 * What of the triggers only their kinds can tell, as a cron line that never runs.
 * @returns in words what is wrong; null where nothing is
 */
export function triggerFault(triggers: readonly Trigger[], grants: readonly string[]): string | null {
  try {
    planTriggers(triggers.map(toSpec), grants)
    return null
  } catch (error) {
    // A grant that lacks is told by whoever knows where it is written.
    if (isSelvedgeError(error, 'ERR_TRIGGER_INVALID')) return error.message
    if (isSelvedgeError(error, 'ERR_TRIGGER_GRANT')) return null
    throw error
  }
}

/** The grants that a trigger cannot do without. */
export function grantsNeeded(trigger: Trigger): readonly string[] {
  const { kind: name, ...spec } = toSpec(trigger)
  const kind = triggerKinds.find((candidate) => candidate.kind === name)
  return kind?.requiredGrants(spec) ?? []
}

/**
 * Reads `--trigger KIND` or `--trigger KIND:…`: `http`, `start`, `sensor:light:200ms`, `pin:button:rising`, `timer:5s`,
 * `cron:0 6 * * *`, `peer:lost`.
 * @throws ERR_RELEASE_OPTION
 */
export function parseTriggerOption(text: string): Trigger {
  const [, name = '', rest = ''] = /^([^:]*):?([^]*)$/.exec(text.slice(0, 300)) ?? []
  const refuse = (why: string): Error =>
    manifestProblems.error('ERR_RELEASE_OPTION', `--trigger ${text.slice(0, 80)}: ${why}`, {
      hint: 'write for example --trigger http, start, sensor:light:200ms, pin:button:rising, timer:5s or "cron:0 6 * * *"',
    })
  const kind = triggerKinds.find((candidate) => candidate.kind === name)
  if (kind?.fromOption === undefined) {
    const nearest = nearestName(
      name,
      triggerKinds.map((candidate) => candidate.kind),
    )
    const question = kind === undefined && nearest !== null ? `; did you mean "${nearest}"?` : ''
    throw refuse(
      kind === undefined
        ? `there is no trigger of kind ${JSON.stringify(name)}${question}`
        : 'it can only be written in a selvedge.toml',
    )
  }
  let read
  try {
    read = v.safeParse(shapeOf(kind), { kind: name, ...kind.fromOption(rest) })
  } catch (error) {
    throw refuse(messageOf(error))
  }
  if (!read.success) {
    const [{ path, input, message }] = read.issues
    const field = path?.map(({ key }) => String(key)).join('.') ?? ''
    throw refuse(`${field}: ${JSON.stringify(input) ?? 'nothing'} ${message}`)
  }
  const trigger = read.output as Trigger
  const fault = triggerFault([trigger], grantsNeeded(trigger))
  if (fault !== null) throw refuse(fault.replace(/^triggers\[0\]\.?/, ''))
  return trigger
}
