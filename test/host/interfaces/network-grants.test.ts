/** Grants of the network by host and port: how they are written, and what they open. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bindInterfaces,
  networkNames,
  networkPolicy,
  parseGrant,
  type AppContext,
} from '../../../host/interfaces/index.ts'
import { appContext } from './app-context.ts'

const v4 = (host: string, port: number) => ({ family: 'ipv4', host, port }) as const
const v6 = (host: string, port: number) => ({ family: 'ipv6', host, port }) as const

describe('a grant of the network', () => {
  it.each([
    ['tcp-connect', 'tcp-connect'],
    ['udp', 'udp'],
    ['lookup', 'lookup'],
    ['tcp:db.Example.com:5432', 'tcp-connect:db.example.com:5432'],
    ['listen:8080', 'tcp-listen:*:8080'],
    ['tcp-connect:10.1.0.0/16:80-90', 'tcp-connect:10.1.0.0/16:80-90'],
    ['tcp-connect:*:443', 'tcp-connect:*:443'],
    ['udp:*:*', 'udp'],
    ['udp:[FD00::/8]:53', 'udp:[fd00::/8]:53'],
    ['tcp-connect:[2001:DB8::0:1]:443', 'tcp-connect:[2001:db8::1]:443'],
    ['udp-listen:127.0.0.1:5353', 'udp-listen:127.0.0.1:5353'],
    ['lookup:Example.com', 'lookup:example.com'],
  ])('written %s is %s', (written, canonical) => {
    expect(parseGrant(`network:${written}`)).toEqual({ kind: 'network', name: canonical })
    expect(networkNames.canonical(canonical)).toBe(canonical)
  })

  it.each([
    'tcp',
    'tcp-connect:',
    'tcp-connect:db.example.com',
    'tcp-connect:db.example.com:0',
    'tcp-connect:db.example.com:65536',
    'tcp-connect:db.example.com:90-80',
    'tcp-connect:300.1.1.1:80',
    'tcp-connect:10.0.0.0/33:80',
    'tcp-connect:10.0.0.0/08:80',
    'tcp-connect:fd00::1:80',
    'tcp-connect:[fd00::1%eth0]:80',
    'tcp-connect:[10.0.0.1]:80',
    'tcp-connect:-a.example:80',
    'tcp-listen:db.example.com:80',
    'lookup:*',
    'lookup:10.0.0.1',
    'icmp:10.0.0.1:80',
    `tcp-connect:${'a'.repeat(60)}.${'b'.repeat(60)}.example:80`,
  ])('is not written %s', (written) => {
    expect(() => parseGrant(`network:${written}`)).toThrow(
      expect.objectContaining({ code: 'ERR_GRANT', hint: expect.stringContaining('tcp-connect:HOST:PORT') }),
    )
  })

  it('has one spelling, whatever was written', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'tcpudlisenokw:-.*/[]0129af') }), (text) => {
        const canonical = networkNames.canonical(text)
        if (canonical !== null) expect(networkNames.canonical(canonical)).toBe(canonical)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a network of grants by host and port', () => {
  it('opens the address and port that it names, and no other', () => {
    const policy = networkPolicy(['tcp-connect:10.1.0.0/16:80-90', 'tcp-connect:[fd00::/8]:443'])
    expect(policy.allows('tcp-connect', v4('10.1.2.3', 80))).toBe(true)
    expect(policy.allows('tcp-connect', v4('10.1.2.3', 90))).toBe(true)
    expect(policy.allows('tcp-connect', v4('10.1.2.3', 91))).toBe(false)
    expect(policy.allows('tcp-connect', v4('10.2.0.1', 80))).toBe(false)
    expect(policy.allows('udp', v4('10.1.2.3', 80))).toBe(false)
    expect(policy.allows('tcp-listen', v4('10.1.2.3', 80))).toBe(false)
    expect(policy.allows('tcp-connect', v6('fd12::1', 443))).toBe(true)
    expect(policy.allows('tcp-connect', v6('fe80::1', 443))).toBe(false)
  })

  it('knows an IPv4 address in the clothes of IPv6', () => {
    const policy = networkPolicy(['tcp-connect:10.0.0.1:80'])
    expect(policy.allows('tcp-connect', v6('::ffff:10.0.0.1', 80))).toBe(true)
    expect(policy.allows('tcp-connect', v6('::ffff:a00:2', 80))).toBe(false)
  })

  it('lets a server bind its port, and a client of UDP any free one', () => {
    const policy = networkPolicy(['tcp-listen:8080', 'udp:10.0.0.1:53', 'udp-listen:127.0.0.1:5353'])
    expect(policy.allows('tcp-listen', v4('0.0.0.0', 8080))).toBe(true)
    expect(policy.allows('tcp-listen', v4('0.0.0.0', 8081))).toBe(false)
    expect(policy.allows('tcp-listen', v4('0.0.0.0', 0))).toBe(false)
    expect(policy.allows('udp-listen', v4('0.0.0.0', 0))).toBe(true)
    expect(policy.allows('udp-listen', v4('0.0.0.0', 53))).toBe(false)
    expect(policy.allows('udp-listen', v4('127.0.0.1', 5353))).toBe(true)
    expect(policy.allows('udp', v4('10.0.0.1', 53))).toBe(true)
    expect(policy.allows('udp', v4('10.0.0.2', 53))).toBe(false)
  })

  it('opens with the old grants what they opened before', () => {
    const policy = networkPolicy(['tcp-connect', 'tcp-listen', 'udp', 'lookup'])
    for (const use of ['tcp-connect', 'tcp-listen', 'udp', 'udp-listen'] as const)
      expect(policy.allows(use, v4('192.0.2.7', 1234))).toBe(true)
    expect(policy.allows('lookup', 'anything.example')).toBe(true)
  })

  it('follows a name to what the resolver said of it, and to nothing else', () => {
    const policy = networkPolicy(['tcp-connect:db.example:5432'])
    expect(policy.allows('lookup', 'DB.example.')).toBe(true)
    expect(policy.allows('lookup', 'other.example')).toBe(false)
    expect(policy.allows('tcp-connect', v4('192.0.2.7', 5432))).toBe(false)
    policy.resolved('other.example', ['192.0.2.9'])
    policy.resolved('db.example', ['192.0.2.7', '2001:db8::7'])
    expect(policy.allows('tcp-connect', v4('192.0.2.7', 5432))).toBe(true)
    expect(policy.allows('tcp-connect', v6('2001:db8::7', 5432))).toBe(true)
    expect(policy.allows('tcp-connect', v4('192.0.2.7', 22))).toBe(false)
    expect(policy.allows('tcp-connect', v4('192.0.2.9', 5432))).toBe(false)
  })

  it('remembers what a turning resolver said lately, and forgets what it said long ago', () => {
    const policy = networkPolicy(['tcp-connect:db.example:5432'])
    for (let n = 1; n <= 5; n += 1) policy.resolved('db.example', [`192.0.2.${n}`])
    expect(policy.allows('tcp-connect', v4('192.0.2.2', 5432))).toBe(true)
    expect(policy.allows('tcp-connect', v4('192.0.2.1', 5432))).toBe(false)
  })

  it('does not let a name lead to what listens on this machine alone', () => {
    const policy = networkPolicy(['tcp-connect:evil.example:80', 'tcp-connect:localhost:80'])
    policy.resolved('evil.example', ['127.0.0.1', '::1', '169.254.169.254', '0.0.0.0', '::ffff:127.0.0.1'])
    for (const host of ['127.0.0.1', '169.254.169.254', '0.0.0.0'])
      expect(policy.allows('tcp-connect', v4(host, 80))).toBe(false)
    expect(policy.allows('tcp-connect', v6('::1', 80))).toBe(false)
    policy.resolved('localhost', ['127.0.0.1'])
    expect(policy.allows('tcp-connect', v4('127.0.0.1', 80))).toBe(true)
  })

  it('lets a program look up the address that it may reach, as programs do', () => {
    const policy = networkPolicy(['tcp-connect:10.0.0.0/8:80'])
    expect(policy.allows('lookup', '10.1.2.3')).toBe(true)
    expect(policy.allows('lookup', '11.1.2.3')).toBe(false)
    expect(policy.allows('lookup', 'name.example')).toBe(false)
  })
})

describe('what is denied', () => {
  function denying(goals: readonly unknown[][], changes: Partial<AppContext> = {}): string[] {
    const lines: string[] = []
    const context = appContext({
      log: (level, source, message) => lines.push(`${level} ${source} ${message}`),
      ...changes,
    })
    const bound = bindInterfaces([], context).find(({ id }) => id === 'wasi:sockets/network@0.2.12')
    const check = bound?.functions['check']
    if (check?.mode !== 'call') throw new Error('check is no call')
    for (const goal of goals) expect(() => check.run(goal)).toThrow()
    return lines
  }

  it('is told once each in the log of the app, with the grant that would allow it', () => {
    const ssh = ['tcp-connect', v4('10.0.0.5', 22)]
    expect(denying([ssh, ssh, ['lookup', 'db.example'], ['udp', v6('fd00::1', 53)], ssh])).toEqual(
      ['tcp-connect:10.0.0.5:22', 'lookup:db.example', 'udp:[fd00::1]:53'].map(
        (grant) =>
          `warn node denied on the network; to allow it, write network = ["${grant}"] under [grants]`,
      ),
    )
  })

  it('is told with the option that would allow it, where a program was started with options', () => {
    const howToGrant = (kind: string, name: string): string => `run it with --${kind} ${name}`
    expect(denying([['lookup', 'db.example']], { howToGrant })).toEqual([
      'warn node denied on the network; to allow it, run it with --network lookup:db.example',
    ])
  })

  it('fills no log, however many addresses are tried', () => {
    const lines = denying(Array.from({ length: 500 }, (_, n) => ['tcp-connect', v4('10.0.0.5', n + 1)]))
    expect(lines).toHaveLength(33)
    expect(lines.at(-1)).toBe('warn node the network denied it more than is listed here')
  })
})
