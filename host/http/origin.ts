/** Origins as grants name them: `https://api.example.com`, scheme, host and port and nothing else (RFC 6454). */

/** Longer names no resolver takes. */
const maxChars = 120
/** A name (an international one in its ASCII form), an address, and a port. */
const written = /^https?:\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?\/?$/i

/**
 * The one way to write an origin: host in lower case, the scheme's own port left out.
 * @returns null for what is none: another scheme, a path, a user
 */
export function originOf(text: string): string | null {
  if (text.length > maxChars || !written.test(text)) return null
  try {
    return new URL(text).origin
  } catch {
    return null
  }
}
