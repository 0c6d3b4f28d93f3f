/**
 * Durations and sizes as people write them: a number and a unit, `200ms`, `1.5 s`, `64 KiB`.
 *
 * A bare number is refused, because nobody can see whether it means seconds or milliseconds.
 */
import { pipe, rawTransform, string, type GenericSchema } from 'valibot'
import { isSelvedgeError } from '../../core/index.ts'
import { tomlProblems } from './problems.ts'

const durationUnits = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const
const sizeUnits = {
  B: 1,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
} as const

/** @returns whole milliseconds. @throws ERR_UNIT */
export function parseDuration(text: string): number {
  return parseQuantity(text, durationUnits, 'duration', '200ms, 1.5s, 5min, 2h or 1d')
}

/** @returns whole bytes; `kB` is 1000, `KiB` is 1024 (IEC 80000-13). @throws ERR_UNIT */
export function parseSize(text: string): number {
  return parseQuantity(text, sizeUnits, 'size', '512 B, 64 KiB, 1 MiB or 2 GB')
}

/** A schema for a field that holds a duration within [minMs, maxMs]; its output is milliseconds. */
export function durationField(min: string, max: string): GenericSchema<string, number> {
  return quantityField(parseDuration, min, max)
}

/** A schema for a field that holds a size within [min, max]; its output is bytes. */
export function sizeField(min: string, max: string): GenericSchema<string, number> {
  return quantityField(parseSize, min, max)
}

function quantityField(
  parse: (text: string) => number,
  min: string,
  max: string,
): GenericSchema<string, number> {
  const [least, most] = [parse(min), parse(max)]
  return pipe(
    string(),
    rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        const value = parse(dataset.value)
        if (value >= least && value <= most) return value
        addIssue({ message: `is out of range; write something from ${min} to ${max}` })
      } catch (error) {
        if (!isSelvedgeError(error, 'ERR_UNIT')) throw error
        addIssue({ message: `is not understood; ${error.hint}` })
      }
      return NEVER
    }),
  )
}

function parseQuantity(
  text: string,
  units: Readonly<Record<string, number>>,
  what: string,
  like: string,
): number {
  const refuse = (why: string): Error =>
    tomlProblems.error('ERR_UNIT', `${JSON.stringify(text.slice(0, 40))} is no ${what}: ${why}`, {
      hint: `write a number and its unit: ${like}`,
    })
  const match = /^\s*(\d{1,15}(?:\.\d{1,9})?)\s*([A-Za-z]*)\s*$/.exec(text.slice(0, 64))
  if (match === null) throw refuse('it should be a number and a unit')
  const [, number = '', unit = ''] = match
  if (unit === '') throw refuse('it has no unit')
  const name = Object.keys(units).find((known) => known === unit)
  const factor = name === undefined ? undefined : units[name]
  if (factor === undefined)
    throw refuse(`${JSON.stringify(unit)} is no unit of it (${Object.keys(units).join(', ')})`)
  const value = Math.round(Number(number) * factor)
  if (!Number.isSafeInteger(value)) throw refuse('it is too large')
  return value
}
