/**
 * Names of functions as their author wrote them. Most toolchains keep them so in the name section; what the linker
 * left mangled is read here: Rust's legacy form, which is also the plain part of C++'s (Itanium ABI, `_ZN…E`). What
 * is not understood stays as it is.
 */

/** Of a name that a guest chooses. */
const maxNameChars = 120

const escapes: readonly (readonly [string, string])[] = [
  ['$LT$', '<'],
  ['$GT$', '>'],
  ['$LP$', '('],
  ['$RP$', ')'],
  ['$RF$', '&'],
  ['$BP$', '*'],
  ['$C$', ','],
  ['$u20$', ' '],
  ['$u7b$', '{'],
  ['$u7d$', '}'],
  ['..', '::'],
]

export function readableName(name: string): string {
  const parts = name.startsWith('_ZN') ? partsOf(name.slice(3)) : null
  const path = parts === null ? name : parts.join('::')
  // Rust appends a hash of the whole type.
  return path.replace(/::h[0-9a-f]{16}$/, '').slice(0, maxNameChars)
}

/** @returns null where it is not a row of lengths and names that ends with E */
function partsOf(text: string): string[] | null {
  const parts: string[] = []
  let rest = text
  while (!rest.startsWith('E')) {
    const digits = /^\d{1,4}/.exec(rest)?.[0]
    if (digits === undefined) return null
    const end = digits.length + Number(digits)
    const part = rest.slice(digits.length, end)
    if (part.length !== Number(digits) || part === '') return null
    parts.push(unescaped(part))
    rest = rest.slice(end)
  }
  return parts.length === 0 ? null : parts
}

function unescaped(part: string): string {
  const text = part.replace(/^_\$/, '$')
  return escapes.reduce((before, [escape, character]) => before.replaceAll(escape, character), text)
}
