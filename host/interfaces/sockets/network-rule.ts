/**
 * One grant of the network as it is written: a use alone for all there is, or a use and what it is for.
 *
 *     tcp-connect:HOST:PORTS  udp:HOST:PORTS  lookup:NAME
 *     tcp-listen:[HOST:]PORTS  udp-listen:[HOST:]PORTS
 *
 * HOST is `*`, an address, a network as 10.1.0.0/16, either in brackets where it is IPv6, or a name; PORTS is `*`, a
 * port, or a range as 8000-8010.
 */
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'
import type { NetworkUse } from '../../guest/index.ts'

/** What a grant can be of; `udp` alone covers `udp-listen`, as it did before there was such a thing. */
export const networkUses = [
  'tcp-connect',
  'tcp-listen',
  'udp',
  'udp-listen',
  'lookup',
] as const satisfies readonly NetworkUse[]

export interface NetworkRule {
  readonly use: NetworkUse
  readonly host: HostRule
  /** Inclusive. */
  readonly ports: { readonly first: number; readonly last: number }
}

export type HostRule =
  | { readonly kind: 'any' }
  | { readonly kind: 'name'; readonly name: string }
  /** Its text is what was written, in one spelling. */
  | { readonly kind: 'network'; readonly text: string; readonly members: BlockList }

/** Short ways to write a use. */
const shortUses: Readonly<Record<string, NetworkUse>> = { tcp: 'tcp-connect', listen: 'tcp-listen' }

/** The part of a grant behind its kind; a record takes no more. */
const maxLength = 128
const anyPort = { first: 0, last: 65_535 } as const
const anyHost: HostRule = { kind: 'any' }
/** RFC 1123: labels of letters, digits and hyphens; the last is no number, or it would be an address. */
const namePattern = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/

/** @returns null for what is no grant of the network */
export function parseNetworkRule(text: string): NetworkRule | null {
  if (text.length > maxLength) return null
  const [, word = '', goal] = /^([a-z-]+)(?::(.+))?$/i.exec(text) ?? []
  const use = shortUses[word] ?? networkUses.find((known) => known === word)
  if (use === undefined) return null
  if (goal === undefined) return word in shortUses ? null : { use, host: anyHost, ports: anyPort }
  if (use === 'lookup') {
    const name = goal.toLowerCase()
    return namePattern.test(name) ? { use, host: { kind: 'name', name }, ports: anyPort } : null
  }
  const isListening = use === 'tcp-listen' || use === 'udp-listen'
  const at = goal.lastIndexOf(':')
  if (at === -1 && !isListening) return null
  const host = at === -1 ? anyHost : parseHost(goal.slice(0, at))
  const ports = parsePorts(goal.slice(at + 1))
  if (host === null || ports === null || (isListening && host.kind === 'name')) return null
  return { use, host, ports }
}

/** The one way to write it. */
export function formatNetworkRule({ use, host, ports: { first, last } }: NetworkRule): string {
  if (use === 'lookup') return host.kind === 'name' ? `${use}:${host.name}` : use
  const isAnyPort = first === anyPort.first && last === anyPort.last
  if (host.kind === 'any' && isAnyPort) return use
  const ports = isAnyPort ? '*' : first === last ? String(first) : `${first}-${last}`
  return `${use}:${formatHost(host)}:${ports}`
}

function formatHost(host: HostRule): string {
  if (host.kind === 'any') return '*'
  return host.kind === 'name' ? host.name : host.text
}

function parsePorts(text: string): NetworkRule['ports'] | null {
  if (text === '*') return anyPort
  const [, from = '', to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? []
  const [first, last] = [Number(from), Number(to)]
  return from !== '' && first >= 1 && first <= last && last <= 65_535 ? { first, last } : null
}

function parseHost(text: string): HostRule | null {
  if (text === '*') return anyHost
  const [, bracketed] = /^\[(.+)\]$/.exec(text) ?? []
  const [address = '', prefix, ...more] = (bracketed ?? text).split('/')
  if (more.length > 0 || (bracketed === undefined ? !isIPv4(address) : !isIPv6(address))) {
    const name = text.toLowerCase()
    return namePattern.test(name) ? { kind: 'name', name } : null
  }
  const most = isIPv4(address) ? 32 : 128
  if (prefix !== undefined && (!/^(0|[1-9]\d{0,2})$/.test(prefix) || Number(prefix) > most)) return null
  if (address.includes('%')) return null
  const family = isIPv4(address) ? 'ipv4' : 'ipv6'
  const spelling = family === 'ipv4' ? address : new URL(`http://[${address}]`).hostname.slice(1, -1)
  const written = prefix === undefined ? spelling : `${spelling}/${prefix}`
  const members = new BlockList()
  members.addSubnet(address, prefix === undefined ? most : Number(prefix), family)
  return { kind: 'network', text: family === 'ipv4' ? written : `[${written}]`, members }
}

/** An IPv4 address in the clothes of IPv6 reaches what it reaches: `::ffff:10.0.0.1`. */
export function plainAddress(host: string): string {
  if (!isIPv6(host)) return host
  const [, high, low] =
    /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(new URL(`http://[${host}]`).hostname.slice(1, -1)) ?? []
  if (high === undefined || low === undefined) return host
  const bits = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return bits.flatMap((pair) => [pair >> 8, pair & 0xff]).join('.')
}

export function isMember(members: BlockList, address: string): boolean {
  const version = isIP(address)
  return version !== 0 && members.check(address, version === 4 ? 'ipv4' : 'ipv6')
}
