/** Range and resolution of a sensor whose values are `(raw + offset) · scale`, as the kernel's drivers give them. */
import type { Range } from '../contract.ts'

/** @param raw lowest and highest raw value @param scales all that it may be set to */
export function rangeOf(raw: Range, offset: number, scales: readonly number[]): Range | null {
  const ends = scales.flatMap((scale) => [(raw.min + offset) * scale, (raw.max + offset) * scale])
  const [min, max] = [Math.min(...ends), Math.max(...ends)]
  return Number.isFinite(min) && Number.isFinite(max) && min < max ? { min, max } : null
}

/** `[min step max]`, or values in a row, as `*_available` files have them; empty for any other text. */
export function parseAvailable(text: string): {
  readonly values: readonly number[]
  readonly step: number | null
} {
  const isRange = text.startsWith('[') && text.endsWith(']')
  const words = (isRange ? text.slice(1, -1) : text).trim().split(/\s+/)
  const values = words.map(Number)
  if (text.trim() === '' || !values.every(Number.isFinite)) return { values: [], step: null }
  const [min, step, max] = values
  if (!isRange) return { values, step: null }
  if (values.length !== 3 || min === undefined || step === undefined || max === undefined)
    return { values: [], step: null }
  return { values: [min, max], step }
}

/** `le:u12/16>>4` of a scan element: the lowest and highest raw value; null for any other text. */
export function parseScanType(text: string): Range | null {
  const match = /^(?:le|be):([su])(\d{1,2})\/\d{1,3}(?:X\d{1,2})?>>\d{1,2}$/.exec(text)
  const bits = Number(match?.[2])
  if (match === null || bits < 1 || bits > 64) return null
  return match[1] === 'u'
    ? { min: 0, max: 2 ** bits - 1 }
    : { min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 }
}
