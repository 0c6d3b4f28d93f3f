/** Bulk goes directly where it can: what runs through a gateway takes from everybody whom that leads. */
import type { Source } from './source.ts'

/**
 * Whether a source may be asked for this one: not through a gateway while another that is reached directly has it and
 * answers.
 */
export function isNearest(source: Source, number: number, all: Iterable<Source>, now: number): boolean {
  if (!source.isRelayed) return true
  for (const other of all) if (!other.isRelayed && other.has(number) && other.isLively(now)) return false
  return true
}
