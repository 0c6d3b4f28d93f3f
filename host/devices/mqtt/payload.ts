/** What a payload says: all of it, or one member of the JSON in it. Whatever is in it comes from outside. */

/** Reads one value out of a payload. @throws Error in words for a person */
export type Pick = (payload: Uint8Array) => unknown

/** Longest text that is looked at as one number or word. */
const maxWordBytes = 256

/** The whole payload as text, without white space around it. */
export const wholeText: Pick = (payload) => {
  if (payload.length > maxWordBytes)
    throw new Error(`it has ${payload.length} bytes, and no number that long`)
  return Buffer.from(payload).toString('utf8').trim()
}

/**
 * One member of the JSON in a payload.
 * @param path names and indices, outermost first; the whole document where it is empty
 */
export function member(path: readonly string[]): Pick {
  return (payload) => {
    let value = parse(payload)
    for (const key of path) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) {
        throw new Error(`it has no ${path.join('.')}`)
      }
      value = (value as Record<string, unknown>)[key]
    }
    return value
  }
}

function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8')) as unknown
  } catch {
    // Also where it is nested deeper than the stack is.
    throw new Error(`it is no JSON: ${shown(payload)}`)
  }
}

/**
 * The path that a JSON pointer names (RFC 6901): `/soil/0/moisture`.
 * @returns null where the text is none
 */
export function parsePointer(text: string): readonly string[] | null {
  if (text === '') return []
  if (!text.startsWith('/') || /~(?![01])/.test(text)) return null
  return text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** A number, a number as text, or yes and no as 1 and 0. @throws Error in words */
export function numberOf(value: unknown): number {
  if (typeof value === 'boolean') return value ? 1 : 0
  const isText = typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value.trim())
  const number = typeof value === 'number' || isText ? Number(value) : Number.NaN
  if (!Number.isFinite(number)) throw new Error(`it says ${brief(value)}, which is no number`)
  return number
}

/** A value as a word to compare with others: what a person writes for it in TOML. */
export function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}

function shown(payload: Uint8Array): string {
  return brief(Buffer.from(payload.subarray(0, 64)).toString('utf8'))
}
