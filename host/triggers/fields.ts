/** Fields that several kinds of triggers have, in the signed form and as a person writes them. */
import * as v from 'valibot'
import { namePattern } from '../interfaces/index.ts'
import { durationField } from '../toml/index.ts'

/** Why a name is refused, as problem and remedy. */
const nameRefusal = 'is no name; write small letters, digits and "-", at most 63, a letter first'

/** A logical name, or an app's, a node's or a group's. */
export const nameField = v.pipe(v.string(nameRefusal), v.regex(namePattern, nameRefusal))

/** A duration in whole milliseconds, with its bounds in words. */
export function msField(leastMs: number, mostMs: number, words: string): v.GenericSchema<number, number> {
  return v.pipe(
    v.number('is no whole number of milliseconds'),
    v.integer('is no whole number of milliseconds'),
    v.check((ms) => ms >= leastMs && ms <= mostMs, `is not ${words}`),
  )
}

/** The same as a person writes it: `200ms`. */
export const writtenDuration = durationField

export const dayMs = 86_400_000

/** Without the fields that were not said. */
export function said(
  fields: Readonly<Record<string, string | number | boolean | undefined>>,
): Readonly<Record<string, string | number | boolean>> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as Readonly<Record<string, string | number | boolean>>
}
