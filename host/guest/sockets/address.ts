/** Addresses: WIT's numbers to text and back, and which of them a socket may be bound or connected to (RFC 4291, 6890). */
import type { Family, WireAddress } from './wire.ts'

export type IpAddress =
  | { readonly tag: 'ipv4'; readonly val: readonly number[] }
  | { readonly tag: 'ipv6'; readonly val: readonly number[] }

export type SocketAddress =
  | { readonly tag: 'ipv4'; readonly val: { readonly port: number; readonly address: readonly number[] } }
  | {
      readonly tag: 'ipv6'
      readonly val: {
        readonly port: number
        readonly flowInfo: number
        readonly address: readonly number[]
        readonly scopeId: number
      }
    }

export function toWire(address: SocketAddress): WireAddress {
  const { port, address: numbers } = address.val
  const host = address.tag === 'ipv4' ? numbers.join('.') : numbers.map((part) => part.toString(16)).join(':')
  return { family: address.tag, host, port }
}

export function fromWire({ family, host, port }: WireAddress): SocketAddress {
  return family === 'ipv4'
    ? { tag: 'ipv4', val: { port, address: parseIpv4(host) ?? [0, 0, 0, 0] } }
    : {
        tag: 'ipv6',
        val: { port, flowInfo: 0, address: parseIpv6(host) ?? Array<number>(8).fill(0), scopeId: 0 },
      }
}

/** @returns null where the text is no address */
export function parseIp(text: string): IpAddress | null {
  const ipv4 = parseIpv4(text)
  if (ipv4 !== null) return { tag: 'ipv4', val: ipv4 }
  const ipv6 = parseIpv6(text)
  return ipv6 === null ? null : { tag: 'ipv6', val: ipv6 }
}

export function parseIpv4(text: string): number[] | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  const numbers = match?.slice(1).map(Number) ?? []
  return match !== null && numbers.every((part) => part <= 255) ? numbers : null
}

/** With `::`, and with an IPv4 address at the end; a zone is cut off. */
export function parseIpv6(text: string): number[] | null {
  const bare = text.split('%', 1)[0] ?? ''
  if (!/^[0-9a-fA-F:.]{2,45}$/.test(bare)) return null
  const halves = bare.split('::')
  if (halves.length > 2) return null
  const [head, tail] = halves.map(partsOf)
  if (head === undefined || head === null || tail === null) return null
  if (tail === undefined) return head.length === 8 ? head : null
  const missing = 8 - head.length - tail.length
  return missing < 1 ? null : [...head, ...Array<number>(missing).fill(0), ...tail]
}

function partsOf(text: string): number[] | null {
  if (text === '') return []
  const parts: number[] = []
  const pieces = text.split(':')
  for (const [index, piece] of pieces.entries()) {
    const ipv4 = index === pieces.length - 1 ? parseIpv4(piece) : null
    if (ipv4 !== null) parts.push((ipv4[0]! << 8) | ipv4[1]!, (ipv4[2]! << 8) | ipv4[3]!)
    else if (/^[0-9a-fA-F]{1,4}$/.test(piece)) parts.push(Number.parseInt(piece, 16))
    else return null
  }
  return parts
}

/** Whether a socket of this family can be bound to it: unicast, and not an IPv4 address in disguise. */
export function isBindable(address: SocketAddress, family: Family): boolean {
  return address.tag === family && isUnicast(address) && !isMapped(address)
}

/** Whether such a socket can send to it. */
export function isReachable(address: SocketAddress, family: Family): boolean {
  return isBindable(address, family) && !isAny(address) && address.val.port !== 0
}

export function sameAddress(one: SocketAddress, other: SocketAddress): boolean {
  const [left, right] = [toWire(one), toWire(other)]
  return left.host === right.host && left.port === right.port && left.family === right.family
}

function isAny({ val }: SocketAddress): boolean {
  return val.address.every((part) => part === 0)
}

function isUnicast({ tag, val }: SocketAddress): boolean {
  const first = val.address[0] ?? 0
  if (tag === 'ipv6') return first < 0xff00
  return first < 224 && !val.address.every((part) => part === 255)
}

/** `::ffff:a.b.c.d`, and its deprecated forebear `::a.b.c.d` is none. */
function isMapped({ tag, val }: SocketAddress): boolean {
  return tag === 'ipv6' && val.address.slice(0, 5).every((part) => part === 0) && val.address[5] === 0xffff
}
