/** Addresses as people write them and as the wire wants them. */
import { isIP } from 'node:net'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { messageOf } from '../../core/index.ts'
import { transportProblems } from './problems.ts'

const maxAddressLength = 512
const hostPort = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/\s[\]]+)):(\d{1,5})$/
const hostName =
  /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/

/**
 * Reads `HOST:PORT`, `[IPv6]:PORT` or a multiaddr over TCP.
 * @returns the multiaddr as text
 * @throws ERR_ADDRESS saying which part is wrong
 */
export function parseAddress(text: string): string {
  if (text.length > maxAddressLength) {
    throw transportProblems.error(
      'ERR_ADDRESS',
      `an address has ${text.length} characters, more than ${maxAddressLength}`,
    )
  }
  if (text.startsWith('/')) return parseMultiaddr(text).toString()
  const match = hostPort.exec(text)
  if (match === null) {
    throw transportProblems.error('ERR_ADDRESS', `"${text}" is neither HOST:PORT nor a multiaddr`)
  }
  const host = match[1] ?? match[2] ?? ''
  const port = Number(match[3])
  if (port > 65_535) throw transportProblems.error('ERR_ADDRESS', `port ${port} in "${text}" is over 65535`)
  const family = isIP(host)
  if (match[1] !== undefined && family !== 6) {
    throw transportProblems.error('ERR_ADDRESS', `"${host}" in "${text}" is no IPv6 address`)
  }
  if (family === 0 && (!hostName.test(host) || /^[\d.]+$/.test(host))) {
    throw transportProblems.error(
      'ERR_ADDRESS',
      `"${host}" in "${text}" is neither an IP address nor a host name`,
    )
  }
  const protocol = family === 4 ? 'ip4' : family === 6 ? 'ip6' : 'dns'
  return `/${protocol}/${host}/tcp/${port}`
}

/** @throws ERR_ADDRESS for anything but a multiaddr with a TCP port */
export function parseMultiaddr(text: string): Multiaddr {
  let address: Multiaddr
  try {
    address = multiaddr(text)
  } catch (error) {
    throw transportProblems.error('ERR_ADDRESS', `"${text}" is not a multiaddr: ${messageOf(error)}`, {
      cause: error,
    })
  }
  if (!address.getComponents().some((component) => component.name === 'tcp')) {
    throw transportProblems.error(
      'ERR_ADDRESS',
      `"${text}" has no TCP port, and TCP is what this node speaks`,
    )
  }
  return address
}

/** The `/p2p/ID` at the end of a multiaddr, or null. */
export function peerOfAddress(text: string): string | null {
  const match = /\/p2p\/([A-Za-z0-9]+)$/.exec(text)
  return match?.[1] ?? null
}

export interface Place {
  /** An IP address; one of IPv4 in its own form, however it came. */
  readonly host: string
  readonly port: number
}

/** The host and port of a multiaddr; null for a name, which may lead anywhere. */
export function placeOf(text: string): Place | null {
  const match = /^\/ip[46]\/(?:::ffff:)?([0-9a-fA-F:.]+)\/tcp\/(\d+)(?:\/|$)/.exec(text)
  if (match === null) return null
  return { host: (match[1] as string).toLowerCase(), port: Number(match[2]) }
}

/** True for an IP address that means the machine that uses it. */
export function isLoopbackHost(host: string): boolean {
  return host === '::1' || host.startsWith('127.')
}

/** True for addresses that reach this machine only. */
export function isLoopback(text: string): boolean {
  return /^\/(ip4\/127\.|ip6\/::1\/|dns[46]?\/localhost\/)/.test(text)
}
