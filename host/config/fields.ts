/** Fields that several tables of the node's TOML have. */
import * as v from 'valibot'
import { sizeField } from '../toml/index.ts'

/** Entries in each table of names; more than any board has connectors. */
export const maxNames = 64
const nameRule = 'is no usable name; write up to 63 lower-case letters, digits and hyphens, a letter first'
/** What people call a node, a group, a device or an app. */
export const name = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,62}$/, nameRule))

/** The text of one setting of an app. */
export const setting = v.pipe(
  v.string(),
  v.maxLength(4_096, 'is too long; a setting has at most 4096 characters'),
)

/** A whole number between bounds, with a default. */
export function bounded(fallback: number, min: number, max: number) {
  const isWithin = (value: number): boolean => Number.isInteger(value) && value >= min && value <= max
  const problem = `is out of range; write a whole number from ${min} to ${max}`
  return v.optional(v.pipe(v.number(), v.check(isWithin, problem)), fallback)
}

/** As a person writes a size; bytes where it is left out. */
export function size(fallbackBytes: number) {
  return v.optional(sizeField('0 B', '8192 GiB'), `${fallbackBytes} B`)
}

/** Files, keys, objects; more than that no disk of a small device holds. */
export const mostItems = 1_000_000_000

/** A table of at most {@link maxNames} entries by name. */
export function named<Item>(item: v.GenericSchema<unknown, Item>) {
  return v.optional(
    v.pipe(
      v.record(name, item),
      v.check(
        (table: Record<string, Item>) => Object.keys(table).length <= maxNames,
        `has too many entries; at most ${maxNames} fit`,
      ),
    ),
    {},
  )
}

/** A host name as a browser or Prometheus sends it. */
export const hostName = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9.-]{0,252}$/, 'is no host name; write it in lower case and without a port'),
)
