/** Links of a Markdown text that lead to files which are packed stay; of others the words remain. */
import { posix } from 'node:path'

export function packedLinks(text: string, name: string, packed: ReadonlySet<string>): string {
  return text.replace(/\[([^\]]+)\]\(([^)#\s]+)(#[^)\s]*)?\)/g, (whole, words: string, target: string) => {
    if (/^[a-z]+:/.test(target)) return whole
    return packed.has(posix.normalize(posix.join(posix.dirname(name), target))) ? whole : words
  })
}
