/**
 * Whether a publisher may give a grant: one of its patterns fits it, or fits a grant that gives all of it and more.
 * The mesh does not know what grants open; it knows only of which kind a word alone stands for all that may follow it.
 */
import { fitsPattern } from './pattern.ts'

/** `network:tcp-connect` is every connection, `network:tcp-connect:HOST:PORT` one. Not so `http:`, where a port follows. */
const nestedKind = 'network'
/** A word of that kind that gives another one too. */
const including: Readonly<Record<string, string>> = { 'udp-listen': 'udp' }

/** @param patterns of a publisher's entry, as `sensor:*` */
export function isBelow(patterns: readonly string[], grant: string): boolean {
  const grants = [grant, ...widerGrants(grant)]
  return patterns.some((pattern) => grants.some((text) => fitsPattern(pattern, text)))
}

function widerGrants(grant: string): string[] {
  const [kind, word] = grant.split(':', 2)
  if (kind !== nestedKind || word === undefined) return []
  const wider = including[word]
  return [word, ...(wider === undefined ? [] : [wider])].map((name) => `${kind}:${name}`)
}
