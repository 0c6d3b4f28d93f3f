/** A number in a line of text: the whole line, what a pattern catches, or a place in a JSON document (RFC 6901). */
import { parseDecimal } from '../attribute.ts'

export interface LineRule {
  /** The first group that takes part is the number. */
  readonly pattern: RegExp | null
  readonly pointer: string | null
}

/** @returns null where the line is something else, as many lines of a talkative device are */
export function valueIn(line: string, { pattern, pointer }: LineRule): number | null {
  if (pointer !== null) return atPointer(line, pointer)
  if (pattern === null) return parseDecimal(line.trim())
  const match = pattern.exec(line)
  const [whole, ...groups] = match ?? []
  const text = groups.find((group) => group !== undefined) ?? whole
  return text === undefined ? null : parseDecimal(text.trim())
}

function atPointer(line: string, pointer: string): number | null {
  let value: unknown
  try {
    value = JSON.parse(line) as unknown
  } catch {
    return null
  }
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return null
    value = (value as Readonly<Record<string, unknown>>)[key]
  }
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  return typeof value === 'string' ? parseDecimal(value.trim()) : null
}
