/**
 * Text from elsewhere (a guest, a peer, a file) made safe to show: control characters could move the cursor, recolour
 * the terminal or forge lines, and directional overrides could reorder them. Whoever takes text in at a border passes
 * it through here; whoever draws it on a terminal does so again.
 */

/** Joiners are left: they steer nothing, and several scripts need them. */
const unsafe = '(?![\\u200c\\u200d])[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]'
const unsafeRuns = new RegExp(`(?:${unsafe})+`, 'gu')
const unsafeOnes = new RegExp(unsafe, 'gu')

/** On one line: each run of control characters and line breaks becomes one space. */
export function plainText(text: string): string {
  return text.replace(unsafeRuns, ' ')
}

/** As {@link plainText}; tabs and line feeds stay, and what is taken out leaves U+FFFD, so that it is seen. */
export function plainLines(text: string): string {
  return text.replace(unsafeOnes, (character) =>
    character === '\t' || character === '\n' ? character : '\ufffd',
  )
}

/** The first characters of a text, without half of a surrogate pair at the end: that is no text, and refused as such. */
export function wholeStart(text: string, mostUnits: number): string {
  const isHalf = text.length > mostUnits && /[\ud800-\udbff]/.test(text.charAt(mostUnits - 1))
  return text.slice(0, isHalf ? mostUnits - 1 : mostUnits)
}
