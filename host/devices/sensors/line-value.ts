/** A number in a line of text: the whole line, what a pattern catches, or a place in a JSON document. Pure. */
import { numberIn } from './text-value.ts'

export interface LineRule {
  /** The first group that takes part is the number, or the whole match where there is none. */
  readonly pattern: RegExp | null
  readonly pointer: string | null
}

/** @returns null where the line is something else, as many lines of a talkative device are */
export function valueIn(line: string, { pattern, pointer }: LineRule): number | null {
  const [whole, ...groups] = pattern === null || pointer !== null ? [line] : (pattern.exec(line) ?? [])
  const text = groups.find((group) => group !== undefined) ?? whole
  if (text === undefined) return null
  try {
    const value = numberIn(text, pointer ?? undefined)
    return Number.isFinite(value) ? value : null
  } catch {
    return null
  }
}
