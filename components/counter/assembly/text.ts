/** What comes in over HTTP, and goes out. */

export function textOf(bytes: Uint8Array): string {
  return String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length).trim()
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text))
}

/** Up to 18 digits: any sum of a few of them stays within 64 bits. */
export function isNumber(text: string): bool {
  const start = text.startsWith('-') ? 1 : 0
  if (text.length === start || text.length - start > 18) return false
  for (let at = start; at < text.length; at++) if (!isDigit(text.charCodeAt(at))) return false
  return true
}

export function isName(text: string): bool {
  if (text.length === 0 || text.length > 100) return false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const isLetter = (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a)
    // "-", "_" and "/"
    if (!isLetter && !isDigit(code) && code !== 0x2d && code !== 0x5f && code !== 0x2f) return false
  }
  return true
}

function isDigit(code: i32): bool {
  return code >= 0x30 && code <= 0x39
}
