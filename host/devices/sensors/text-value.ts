/** The number in what a program or a server wrote: the whole text, or a place in a JSON document. Pure. */
import * as v from 'valibot'
import { messageOf } from '../../../core/index.ts'

/** Options of drivers that find their value in a text. */
export const textValueOptions = {
  /** UCUM symbol. */
  unit: v.optional(v.pipe(v.string(), v.regex(/^\S{1,16}$/, 'is no unit; write a UCUM symbol as "lx"')), '1'),
  /** Where in a JSON document the number is, as RFC 6901 has it; the whole text is one where it is left out. */
  pointer: v.optional(
    v.pipe(v.string(), v.regex(/^(?:\/.{0,200})?$/, 'is no JSON pointer; write it as "/sensors/0/value"')),
  ),
  /** What the number is multiplied with: 0.001 makes Cel of thousandths. */
  scale: v.optional(v.pipe(v.number(), v.finite()), 1),
  /** Smallest difference that it tells, in `unit`. */
  resolution: v.optional(v.pipe(v.number(), v.finite(), v.minValue(1e-9))),
}

/** Characters of a text that an error shows. */
const shownLength = 60
const numberPattern = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?$/i

/**
 * @param pointer undefined for a text that is the number
 * @throws Error saying what stands there instead
 */
export function numberIn(text: string, pointer: string | undefined): number {
  if (pointer === undefined) return numberOf(text)
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (error) {
    throw new Error(`it wrote no JSON: ${messageOf(error)}`, { cause: error })
  }
  const value = at(document, pointer)
  if (typeof value === 'number') return value
  if (typeof value === 'string') return numberOf(value)
  const what = value === undefined ? 'nothing' : JSON.stringify(value).slice(0, shownLength)
  throw new Error(`at ${pointer === '' ? 'the top' : pointer} of its JSON is ${what}, and no number`)
}

function numberOf(text: string): number {
  const trimmed = text.trim()
  // "nan" passes on as what it is: it is for whoever checks readings to refuse it.
  if (/^[+-]?nan$/i.test(trimmed)) return NaN
  if (trimmed.length <= 64 && numberPattern.test(trimmed)) return Number(trimmed)
  const shown = JSON.stringify(trimmed.slice(0, shownLength))
  throw new Error(trimmed === '' ? 'it wrote nothing' : `it wrote ${shown}, and no number`)
}

/** RFC 6901: `~1` is a slash, `~0` a tilde. */
function at(document: unknown, pointer: string): unknown {
  const steps = pointer.split('/').slice(1)
  return steps.reduce<unknown>((value, step) => {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    return (value as Record<string, unknown>)[key]
  }, document)
}
