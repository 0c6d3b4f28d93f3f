import { createServer, type AddressInfo, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { systemClock, type Clock } from '../../../core/index.ts'
import { placeOf } from '../../../mesh/transport/address.ts'
import { knock } from '../../../mesh/transport/knock.ts'
import { soon, TestNodes } from './nodes.ts'

const nodes = new TestNodes()
const servers: Server[] = []
afterEach(async () => {
  await nodes.stopAll()
  for (const server of servers.splice(0)) server.close()
})

/** A port where connections are taken by the system alone. */
async function mutePort(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}))
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

test('a node that runs answers a knock, and one that stopped is refused', async () => {
  const a = await nodes.start('a')
  const place = placeOf(a.addresses()[0] ?? '')
  if (place === null) throw new Error('it listens nowhere')
  expect(await knock(place, systemClock, soon())).toBe('speaks')
  await a.stop?.()
  expect(await knock(place, systemClock, soon())).toBe('refused')
})

test('a port where the host takes connections and nobody speaks is frozen', async () => {
  const port = await mutePort()
  expect(await knock({ host: '127.0.0.1', port }, systemClock, soon())).toBe('frozen')
})

test('a host that has not answered when the time is over is silent', async () => {
  // Before the system can have said anything.
  const over: Clock = {
    ...systemClock,
    after(_ms, run) {
      queueMicrotask(run)
      return () => {}
    },
  }
  const answer = knock({ host: '127.0.0.1', port: await mutePort() }, over, soon())
  expect(await answer).toBe('silent')
})

test('a knock that is called off is over at once', async () => {
  const port = await mutePort()
  expect(await knock({ host: '127.0.0.1', port }, systemClock, AbortSignal.abort())).toBe('silent')
})

test('a knock goes to the host where the peer was met, and nowhere else', async () => {
  const [a, b] = [await nodes.start('a'), await nodes.start('b')]
  const addresses = b.addresses()
  expect(await a.ways?.knock(b.self, addresses, soon())).toBeNull()
  await a.dial(addresses, soon())
  expect(await a.ways?.knock(b.self, addresses, soon())).toBe('speaks')
  expect(await a.ways?.knock(b.self, [`/ip4/127.0.0.2/tcp/${await mutePort()}`], soon())).toBeNull()
})

test.each([
  ['/ip4/10.0.0.7/tcp/4001/p2p/12D3Koo', { host: '10.0.0.7', port: 4001 }],
  ['/ip6/::ffff:10.0.0.7/tcp/4001', { host: '10.0.0.7', port: 4001 }],
  ['/ip6/FD00::1/tcp/4001', { host: 'fd00::1', port: 4001 }],
  ['/dns4/lobby.example/tcp/4001', null],
])('the host of %s is known where it is no name', (address, place) => {
  expect(placeOf(address)).toEqual(place)
})
