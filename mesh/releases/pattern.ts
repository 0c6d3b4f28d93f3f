/**
 * Patterns of app names and grants: `*` stands for any run of characters, everything else for itself.
 * @returns whether the whole of `text` fits; takes time in proportion to pattern × text, whatever they are
 */
export function fitsPattern(pattern: string, text: string): boolean {
  let at = 0
  let position = 0
  let star = -1
  let starPosition = 0
  while (position < text.length) {
    if (pattern[at] === '*') {
      star = at++
      starPosition = position
    } else if (pattern[at] === text[position]) {
      at++
      position++
    } else if (star >= 0) {
      // Let the last star take one character more; an earlier one never needs to be asked again.
      at = star + 1
      position = ++starPosition
    } else {
      return false
    }
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
