/** The variants `method` and `scheme`, as the guest has them and as they are written. */
export interface Variant {
  readonly tag: string
  readonly val?: string | undefined
}

const plainMethods = ['get', 'head', 'post', 'put', 'delete', 'connect', 'options', 'trace', 'patch'] as const

const byText = new Map<string, Variant>(plainMethods.map((tag) => [tag.toUpperCase(), { tag }]))

/** Methods are case-sensitive (RFC 9110, 9.1): `get` is not `GET`. */
export function methodOf(text: string): Variant {
  return byText.get(text) ?? { tag: 'other', val: text }
}

export function methodText({ tag, val }: Variant): string {
  return tag === 'other' ? (val ?? '') : tag.toUpperCase()
}

const http: Variant = { tag: 'HTTP' }
const https: Variant = { tag: 'HTTPS' }

export function schemeOf(text: 'http' | 'https'): Variant {
  return text === 'http' ? http : https
}

/** @returns null for a scheme that nobody here speaks */
export function schemeText({ tag, val }: Variant): 'http' | 'https' | null {
  const text = (tag === 'other' ? (val ?? '') : tag).toLowerCase()
  return text === 'http' || text === 'https' ? text : null
}
