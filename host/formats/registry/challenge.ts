/** What a registry asks for when it does not know who asks: `WWW-Authenticate` (RFC 9110, 11.6.1), Basic or Bearer. */

export interface Challenge {
  readonly scheme: 'basic' | 'bearer'
  readonly parameters: Readonly<Record<string, string>>
}

const maxHeader = 4_096

/** @returns the challenges that are understood, in the order given; none for what cannot be read */
export function readChallenges(header: string): Challenge[] {
  const text = header.slice(0, maxHeader)
  return [...text.matchAll(/(?:^|,\s*|\s)(bearer|basic)(?=\s|,|$)/gi)].map((match, index, all) => {
    const start = match.index + match[0].length
    const end = all[index + 1]?.index ?? text.length
    return {
      scheme: (match[1] ?? '').toLowerCase() === 'basic' ? 'basic' : 'bearer',
      parameters: parametersOf(text.slice(start, end)),
    }
  })
}

function parametersOf(text: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [, name = '', quoted, bare] of text.matchAll(
    /([a-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi,
  )) {
    found[name.toLowerCase()] = quoted === undefined ? (bare ?? '') : quoted.replace(/\\(.)/g, '$1')
  }
  return found
}
