/** Listening addresses: keep the port the system chose, and show the most useful address first. */
import { isLoopback } from './address.ts'

/**
 * Puts the ports that were given in place of 0, so that a node whose network is switched off and on again is
 * found where its peers remember it.
 */
export function settlePorts(wanted: readonly string[], actual: readonly string[]): string[] {
  const free = [...actual]
  return wanted.map((address) => {
    const match = /^(\/ip[46]\/)([^/]+)(\/tcp\/)0$/.exec(address)
    if (match === null) return address
    const [, family = '', host = '', tcp = ''] = match
    const isAny = host === '0.0.0.0' || host === '::'
    const at = free.findIndex((text) => text.startsWith(isAny ? family : `${family}${host}${tcp}`))
    const port = /\/tcp\/(\d+)/.exec(at < 0 ? '' : (free.splice(at, 1)[0] ?? ''))?.[1]
    return port === undefined ? address : `${family}${host}${tcp}${port}`
  })
}

/** Each with `/p2p/ID`; what other machines can reach comes before loopback. */
export function sortedAddresses(addresses: readonly string[], self: string): string[] {
  const full = addresses.map((address) => (address.includes('/p2p/') ? address : `${address}/p2p/${self}`))
  return full.sort((a, b) => Number(isLoopback(a)) - Number(isLoopback(b)))
}
