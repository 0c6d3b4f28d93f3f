/** Origins as grants name them: `https://api.example.com`, scheme, host and port and nothing else (RFC 6454). */

/** Longer names no resolver takes. */
const maxChars = 120

/**
 * The one way to write an origin: host in lower case, the scheme's own port left out.
 * @returns null for what is none: another scheme, a path, a user
 */
export function originOf(text: string): string | null {
  if (text.length > maxChars || !/^https?:\/\/[^/?#@\s\\]+\/?$/i.test(text)) return null
  try {
    const { origin, username, password } = new URL(text)
    return username === '' && password === '' ? origin : null
  } catch {
    return null
  }
}
