/**
 * Whether a request says one thing about the host it is for (RFC 9112, 3.2). Two Host fields, or one that is no host,
 * are read differently by different programs, which is how a request gets past the one that was to judge it.
 */
import type { IncomingMessage } from 'node:http'

/** RFC 3986, 3.2.2 and 3.2.3: a name (an empty one too), an IPv4 address, or an IP literal; and a port. */
const hostAndPort =
  /^(?:\[(?:[\dA-Fa-f:.]+|v[\dA-Fa-f]+\.[\w\-.~!$&'()*+,;=:]+)\]|(?:[\w\-.~!$&'()*+,;=]|%[\dA-Fa-f]{2})*)(?::\d*)?$/
/** The same in a target that is a whole URL, where it may not be empty (RFC 9110, 4.2.1) nor name a user (4.2.4). */
const urlAuthority = /^https?:\/\/([^/?#]*)/i

/** @returns what is wrong with it, in words for the log; null where nothing is */
export function hostFault({ rawHeaders, httpVersion, url = '' }: IncomingMessage): string | null {
  let value: string | null = null
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue
    if (value !== null) return 'it has more than one Host field'
    value = rawHeaders[at + 1]!
  }
  if (value === null) {
    // HTTP/1.0 knew no such field.
    if (httpVersion !== '1.0') return 'it has no Host field'
  } else if (!hostAndPort.test(value)) return 'its Host field names no host'
  if (url.startsWith('/')) return null
  const authority = urlAuthority.exec(url)?.[1]
  if (authority === undefined) return null
  if (authority === '' || authority.startsWith(':') || !hostAndPort.test(authority)) {
    return 'its target names no host'
  }
  return null
}
