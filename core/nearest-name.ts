/** What a person probably meant: for typed commands and options, keys of a file, names of drivers and devices. */
import { closest, distance } from 'fastest-levenshtein'

/** Levenshtein is quadratic: no known name is longer than this, so nothing longer can be near one. */
const maxNameLength = 64

/**
 * The known name that `name` probably stands for: one that it begins, or one that a few letters
 * turn it into, whatever the case.
 * @returns null where none is near: more than a third of the letters (two at least, never over half) would change
 */
export function nearestName(name: string, known: readonly string[]): string | null {
  if (known.length === 0 || name.length > maxNameLength) return null
  const typed = name.toLowerCase()
  const names = new Map(known.map((each) => [each.toLowerCase(), each]))
  const best = closest(typed, [...names.keys()])
  const allowed = Math.min(Math.max(2, Math.floor(best.length / 3)), Math.floor(best.length / 2))
  const isBeginning = typed.length > 1 && best.startsWith(typed)
  return isBeginning || distance(typed, best) <= allowed ? (names.get(best) ?? null) : null
}
