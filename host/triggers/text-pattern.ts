/** Patterns of keys and names: `*` stands for any text, also for none. */
import * as v from 'valibot'

const refusal = 'is no pattern; write at most 256 characters, where * stands for any text'
/** Each star may have to be tried at every place. */
const maxStars = 4

export const patternField = v.pipe(
  v.string(refusal),
  v.minLength(1, refusal),
  v.maxLength(256, refusal),
  v.check((text) => text.split('*').length - 1 <= maxStars, `has too many stars; at most ${maxStars} fit`),
)

/** @returns what tells whether a text fits; everything does where there is no pattern */
export function fits(pattern: string | undefined): (text: string) => boolean {
  if (pattern === undefined) return () => true
  const parts = pattern.split('*')
  const [head = '', tail = ''] = [parts[0], parts.at(-1)]
  if (parts.length === 1) return (text) => text === pattern
  return (text) => {
    if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length)
      return false
    // The first place where a part is found is as good as any later one.
    let at = head.length
    for (const part of parts.slice(1, -1)) {
      const found = text.indexOf(part, at)
      if (found === -1) return false
      at = found + part.length
    }
    return at <= text.length - tail.length
  }
}
