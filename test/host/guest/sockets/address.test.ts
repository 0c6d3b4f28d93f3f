import { isIPv6 } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  fromWire,
  isBindable,
  isReachable,
  parseIp,
  parseIpv6,
  toWire,
  type SocketAddress,
} from '../../../../host/guest/sockets/address.ts'

const port = fc.integer({ min: 0, max: 65_535 })
const ipv4 = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 })
const ipv6 = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 65_535 })), {
  minLength: 8,
  maxLength: 8,
})
const address: fc.Arbitrary<SocketAddress> = fc.oneof(
  fc.record({ tag: fc.constant('ipv4' as const), val: fc.record({ port, address: ipv4 }) }),
  fc.record({
    tag: fc.constant('ipv6' as const),
    val: fc.record({ port, flowInfo: fc.constant(0), address: ipv6, scopeId: fc.constant(0) }),
  }),
)
const at = (text: string, on = 80): SocketAddress => {
  const found = parseIp(text)!
  return fromWire({ family: found.tag, host: text, port: on })
}

describe('an address', () => {
  it('is the same after it went over the wire', () => {
    fc.assert(
      fc.property(address, (value) => {
        expect(fromWire(toWire(value))).toEqual(value)
      }),
    )
  })

  it('is read from any text that Node.js takes for one, and from no other', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV6(), fc.string(), fc.stringMatching(/^[0-9a-f:.]{0,20}$/)), (text) => {
        expect(parseIpv6(text) !== null).toBe(isIPv6(text))
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['::', [0, 0, 0, 0, 0, 0, 0, 0]],
    ['::1', [0, 0, 0, 0, 0, 0, 0, 1]],
    ['fe80::1%eth0', [0xfe80, 0, 0, 0, 0, 0, 0, 1]],
    ['::ffff:1.2.3.4', [0, 0, 0, 0, 0, 0xffff, 0x0102, 0x0304]],
  ])('%s has its numbers', (text, numbers) => expect(parseIpv6(text)).toEqual(numbers))

  it.each([
    '',
    '1.2.3',
    '1.2.3.256',
    'a.b.c.d',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    'g::',
  ])('%j is none', (text) => expect(parseIp(text)).toBeNull())

  it('can be bound or reached where the WIT says so', () => {
    expect(isBindable(at('0.0.0.0', 0), 'ipv4')).toBe(true)
    expect(isReachable(at('0.0.0.0'), 'ipv4')).toBe(false)
    expect(isReachable(at('127.0.0.1', 0), 'ipv4')).toBe(false)
    expect(isReachable(at('127.0.0.1'), 'ipv4')).toBe(true)
    expect(isReachable(at('127.0.0.1'), 'ipv6')).toBe(false)
    expect(isBindable(at('224.0.0.1'), 'ipv4')).toBe(false)
    expect(isBindable(at('255.255.255.255'), 'ipv4')).toBe(false)
    expect(isBindable(at('ff02::1'), 'ipv6')).toBe(false)
    expect(isBindable(at('::ffff:127.0.0.1'), 'ipv6')).toBe(false)
    expect(isReachable(at('::1'), 'ipv6')).toBe(true)
  })
})
