/** What a reading must be before anybody gets to see it. Pure. */
import type { Range, Reading } from '../contract.ts'

export interface Scale {
  readonly unit: string
  readonly range: Range | null
}

/** Why this cannot be a reading of that sensor; null where it can. */
export function wrongWith({ value, unit }: Reading, scale: Scale): string | null {
  if (typeof value !== 'number' || !Number.isFinite(value)) return `it reads ${String(value).slice(0, 40)}`
  if (unit !== scale.unit) return `it reads in ${String(unit).slice(0, 16)} and not in ${scale.unit}`
  const { range } = scale
  if (range === null || (value >= range.min && value <= range.max)) return null
  return `it reads ${valueText(value)} ${unit}, out of its range from ${range.min} to ${range.max}`
}

/** Four significant digits: more is noise in a reading. */
function valueText(value: number): string {
  return String(Number(value.toPrecision(4)))
}
