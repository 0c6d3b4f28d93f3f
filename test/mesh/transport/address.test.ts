import { expect, test } from 'vitest'
import { parseAddress } from '../../../mesh/transport/index.ts'
import { settlePorts, sortedAddresses } from '../../../mesh/transport/listen.ts'

test.each([
  ['192.0.2.7:4001', '/ip4/192.0.2.7/tcp/4001'],
  ['[2001:db8::7]:4001', '/ip6/2001:db8::7/tcp/4001'],
  ['garage.example:0', '/dns/garage.example/tcp/0'],
  ['localhost:80', '/dns/localhost/tcp/80'],
  ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0'],
])('%s is read as %s', (text, expected) => {
  expect(parseAddress(text)).toBe(expected)
})

test.each([
  ['', 'neither HOST:PORT'],
  ['garage', 'neither HOST:PORT'],
  ['garage:', 'neither HOST:PORT'],
  ['2001:db8::7:4001', 'neither HOST:PORT'],
  ['[192.0.2.7]:1', 'no IPv6 address'],
  ['1.2.3:80', 'neither an IP address nor a host name'],
  ['-x:80', 'neither an IP address nor a host name'],
  ['host:65536', 'over 65535'],
  ['/ip4/300.0.0.1/tcp/1', 'not a multiaddr'],
  ['/ip4/127.0.0.1', 'no TCP port'],
  ['/ip4/127.0.0.1/udp/5', 'no TCP port'],
  [`${'a'.repeat(600)}:1`, '602 characters'],
])('"%s" is refused, saying %s', (text, why) => {
  expect(() => parseAddress(text)).toThrow(why)
  expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'ERR_ADDRESS' }) as Error)
})

test('a port that the system chose is kept, one that a person chose is not touched', () => {
  expect(
    settlePorts(
      ['/ip4/0.0.0.0/tcp/0', '/ip4/127.0.0.1/tcp/4001'],
      ['/ip4/10.0.0.5/tcp/38111/p2p/x', '/ip4/127.0.0.1/tcp/4001/p2p/x'],
    ),
  ).toEqual(['/ip4/0.0.0.0/tcp/38111', '/ip4/127.0.0.1/tcp/4001'])
})

test('addresses that others can reach come first', () => {
  expect(sortedAddresses(['/ip4/127.0.0.1/tcp/1', '/ip4/10.0.0.5/tcp/1'], 'me')).toEqual([
    '/ip4/10.0.0.5/tcp/1/p2p/me',
    '/ip4/127.0.0.1/tcp/1/p2p/me',
  ])
})
