/** What may stand in a message head: RFC 9110 (fields, methods), RFC 3986 (targets), and what a guest must leave alone. */
import { httpGuestLimits } from './limits.ts'

/** RFC 9110, 5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** RFC 9110, 5.5, over bytes as characters; obs-text included. */
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/
/** Path and query of RFC 3986, with the few characters beside them that browsers send unescaped. */
const target = /^[/?][A-Za-z0-9\-._~!$&'()*+,;=:@%/?[\]{}|^`"<>\\]*$/
const scheme = /^[A-Za-z][A-Za-z0-9+\-.]*$/
const host = /^(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9\-._~!$&'()*+,;=%]+)$/

/** Of a connection, or of the message's framing: they are the node's. As wasmtime's list. */
const forbidden: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'host',
  'http2-settings',
])

export function isFieldName(name: string): boolean {
  return token.test(name)
}

/** @param value bytes as characters */
export function isFieldValue(value: string): boolean {
  return fieldValue.test(value)
}

/** @param name in lower case */
export function isForbiddenField(name: string): boolean {
  return forbidden.has(name)
}

export function isMethod(method: string): boolean {
  return method.length <= httpGuestLimits.methodChars && token.test(method)
}

export function isPathWithQuery(path: string): boolean {
  return path.length <= httpGuestLimits.pathChars && target.test(path)
}

export function isScheme(text: string): boolean {
  return text.length <= httpGuestLimits.methodChars && scheme.test(text)
}

/** Host and port, without the user that RFC 9110 forbids there. */
export function isAuthority(text: string): boolean {
  if (text.length > httpGuestLimits.authorityChars) return false
  const colon = text.endsWith(']') ? -1 : text.lastIndexOf(':')
  const name = colon < 0 ? text : text.slice(0, colon)
  if (!host.test(name)) return false
  if (colon < 0) return true
  const port = text.slice(colon + 1)
  return /^\d{1,5}$/.test(port) && Number(port) <= 65_535
}

/** RFC 9110, 15: others are invalid. */
export function isStatusCode(status: number): boolean {
  return Number.isInteger(status) && status >= 100 && status <= 599
}
