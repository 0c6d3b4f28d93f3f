/** Text with colours in it, cut to columns: what is cut off ends in an ellipsis, and no colour leaks out. */
import { visibleLength } from './table.ts'

// oxlint-disable-next-line no-control-regex
const piece = /\u001b\[[0-9;]*m|[^\u001b]/gu
const resetColour = '\u001b[0m'

/** @param columns at least 1 */
export function cutTo(text: string, columns: number): string {
  if (visibleLength(text) <= columns) return text
  let kept = ''
  let used = 0
  let hasColour = false
  for (const [part] of text.matchAll(piece)) {
    if (part.startsWith('\u001b')) {
      hasColour = true
      kept += part
    } else if (used + part.length < columns) {
      kept += part
      used += part.length
    } else {
      break
    }
  }
  return `${kept}…${hasColour ? resetColour : ''}`
}
