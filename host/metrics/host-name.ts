/**
 * Which Host fields are taken at the address for metrics. A page in somebody's browser can send requests to this
 * machine under a name that it has pointed here (DNS rebinding), and read the answers; not under an IP address, nor
 * under a name that no public server can answer for.
 */
import { isIP } from 'node:net'

/** localhost and *.localhost: RFC 6761, 6.3; *.local: RFC 6762, 3. */
const ownNames = /^(?:.+\.)?(?:localhost|local)$/

/**
 * @param field of the request
 * @param known further names, in lower case
 */
export function isOwnHost(field: string | undefined, known: readonly string[]): boolean {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(field ?? '')
  if (match === null) return false
  if (match[1] !== undefined) return isIP(match[1]) === 6
  const name = (match[2] ?? '').toLowerCase().replace(/\.$/, '')
  return isIP(name) === 4 || ownNames.test(name) || known.includes(name)
}

/** Whether only this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  return host === '::1' || host.toLowerCase() === 'localhost' || /^127(?:\.\d{1,3}){3}$/.test(host)
}
