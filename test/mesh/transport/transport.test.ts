import { createServer, type AddressInfo, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { SelvedgeError } from '../../../core/index.ts'
import { dialFailureOf, type AdmissionGate, type Channel } from '../../../mesh/transport/index.ts'
import { echo, firstFrame, openGate, soon, TestNodes, until } from './nodes.ts'

const nodes = new TestNodes()
afterEach(() => nodes.stopAll())

function serveEcho(peer: string, channel: Channel): void {
  echo(peer, channel).catch(() => {})
}

const strangersStayOut: AdmissionGate = {
  greet: async () => new TextEncoder().encode('member'),
  check: async (_remote, greeting) => {
    if (new TextDecoder().decode(greeting) === 'member') return
    throw new SelvedgeError(
      'ERR_TEST_STRANGER',
      'remote',
      'the certificate is of another mesh',
      'bring another',
    )
  },
}
const stranger: AdmissionGate = { ...openGate, greet: async () => new TextEncoder().encode('stranger') }

test('two nodes that admit each other see each other and exchange frames', async () => {
  const [a, b] = [await nodes.start('a'), await nodes.start('b')]
  b.handle('/selvedge/echo/1', serveEcho)
  expect(await a.dial(b.addresses()[0] ?? '', soon())).toBe(b.self)
  await until(() => b.peers().length === 1)
  expect(a.peers()).toEqual([b.self])
  expect(b.peers()).toEqual([a.self])
  const channel = await a.open(b.self, '/selvedge/echo/1', soon())
  await channel.send(new Uint8Array([1, 2, 3]))
  expect(await firstFrame(channel)).toEqual(new Uint8Array([1, 2, 3]))
})

test('a channel opened the moment the dial returns is served, though the other side is still finishing', async () => {
  const [a, b] = [await nodes.start('a'), await nodes.start('b')]
  b.handle('/selvedge/echo/1', serveEcho)
  for (let round = 0; round < 10; round++) {
    await a.dial(b.addresses(), soon())
    const channel = await a.open(b.self, '/selvedge/echo/1', soon())
    await channel.send(new Uint8Array([round]))
    expect(await firstFrame(channel)).toEqual(new Uint8Array([round]))
    a.disconnect(b.self)
    await until(() => b.peers().length === 0)
  }
})

test('the refused side learns the code and message of the refusal, and neither lists the other', async () => {
  const [a, b] = [
    await nodes.start('a', { gate: stranger }),
    await nodes.start('b', { gate: strangersStayOut }),
  ]
  const refusals: string[] = []
  b.on('peer:refused', ({ by, code }) => refusals.push(`b: ${by} ${code}`))
  a.on('peer:refused', ({ by, code }) => refusals.push(`a: ${by} ${code}`))
  const error = await a.dial(b.addresses(), soon()).catch((error: unknown) => error)
  expect(error).toMatchObject({ code: 'ERR_ADMISSION_REFUSED' })
  expect((error as Error).message).toContain('the certificate is of another mesh [ERR_TEST_STRANGER]')
  expect(dialFailureOf(error)).toBe('admission')
  await until(() => refusals.length === 2)
  expect(refusals.toSorted()).toEqual(['a: them ERR_TEST_STRANGER', 'b: us ERR_TEST_STRANGER'])
  expect([a.peers(), b.peers()]).toEqual([[], []])
})

test('the dialling side may refuse too, with the error of its own gate', async () => {
  const [a, b] = [
    await nodes.start('a', { gate: strangersStayOut }),
    await nodes.start('b', { gate: stranger }),
  ]
  await expect(a.dial(b.addresses(), soon())).rejects.toMatchObject({ code: 'ERR_TEST_STRANGER' })
  await until(() => b.peers().length === 0)
  expect(a.peers()).toEqual([])
})

test('before admission a member protocol is refused and a protocol of that time is served', async () => {
  const [a, b] = [await nodes.start('a'), await nodes.start('b')]
  const served: string[] = []
  b.handle('/selvedge/heads/2', () => served.push('heads'))
  b.handleBeforeAdmission('/selvedge/join/1', serveEcho)
  const address = b.addresses()[0] ?? ''
  const join = await a.openBeforeAdmission(address, '/selvedge/join/1', soon())
  expect(join.peer).toBe(b.self)
  await join.channel.send(new Uint8Array([7]))
  expect(await firstFrame(join.channel)).toEqual(new Uint8Array([7]))
  await expect(a.open(b.self, '/selvedge/heads/2', soon())).rejects.toMatchObject({
    code: 'ERR_PEER_NOT_ADMITTED',
  })
  const cheeky = await a
    .openBeforeAdmission(address, '/selvedge/heads/2', soon())
    .then(({ channel }) => firstFrame(channel))
    .catch((error: unknown) => error)
  expect(cheeky).toBeInstanceOf(Error)
  expect(served).toEqual([])
  // The same connection may be admitted afterwards.
  expect(await a.dial(address, soon())).toBe(b.self)
})

test('a network switched off loses its peers and can be switched on again at the same address', async () => {
  const [a, b] = [await nodes.start('a'), await nodes.start('b')]
  const before = b.addresses()
  await a.dial(before, soon())
  await until(() => b.peers().length === 1)
  const lost: string[] = []
  a.on('peer:lost', ({ peer }) => lost.push(peer))
  await b.stop?.()
  await b.stop?.()
  await until(() => lost.length === 1)
  expect(b.addresses()).toEqual([])
  await expect(b.dial(a.addresses(), soon())).rejects.toMatchObject({ code: 'ERR_NETWORK_OFF' })
  b.handle('/selvedge/echo/1', serveEcho)
  await b.start?.()
  await b.start?.()
  expect(b.addresses()).toEqual(before)
  await a.dial(before, soon())
  const channel = await a.open(b.self, '/selvedge/echo/1', soon())
  await channel.send(new Uint8Array([9]))
  expect(await firstFrame(channel)).toEqual(new Uint8Array([9]))
})

test('two nodes that dial each other at once end up connected, seen once', async () => {
  const [a, b] = [await nodes.start('a'), await nodes.start('b')]
  let admissions = 0
  a.on('peer:admitted', () => admissions++)
  await Promise.all([a.dial(b.addresses(), soon()), b.dial(a.addresses(), soon())])
  await until(() => a.peers().length === 1 && b.peers().length === 1)
  expect(admissions).toBe(1)
})

test('a taken port is an error that names the address', async () => {
  const server = await listen()
  const { port } = server.address() as AddressInfo
  try {
    const transport = nodes.make('a', { listen: [`127.0.0.1:${port}`] })
    await expect(transport.start?.()).rejects.toMatchObject({
      code: 'ERR_PORT_IN_USE',
      message: expect.stringContaining(`127.0.0.1:${port}`) as string,
    })
  } finally {
    server.close()
  }
})

test('an address this machine does not have is an error that names it', async () => {
  const transport = nodes.make('a', { listen: ['192.0.2.1:4001'] })
  await expect(transport.start?.()).rejects.toMatchObject({
    code: 'ERR_ADDRESS',
    message: expect.stringContaining('192.0.2.1') as string,
  })
})

test('a port where nothing listens any more is told from silence', async () => {
  const [a, b] = [await nodes.start('a'), await nodes.start('b')]
  const addresses = b.addresses()
  await a.dial(addresses, soon())
  await b.stop?.()
  await until(() => a.peers().length === 0)
  const refused = await a.dial(addresses, soon()).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'ERR_DIAL_REFUSED' })
  expect(dialFailureOf(refused)).toBe('refused')
})

test('a refusal from loopback proves nothing about a peer never met on this machine', async () => {
  const [a, b] = [await nodes.start('a'), await nodes.start('b')]
  const addresses = b.addresses()
  await b.stop?.()
  const error = await a.dial(addresses, soon()).catch((error: unknown) => error)
  expect(dialFailureOf(error)).toBe('unreachable')
})

test('only the host where a peer was last met tells that it is gone; a private address may be another machine’s', async () => {
  const [a, b] = [await nodes.start('a'), await nodes.start('b')]
  const [own] = b.addresses()
  await a.dial([own ?? ''], soon())
  await b.stop?.()
  await until(() => a.peers().length === 0)
  // Another host answers here, where nothing listens on that port.
  const elsewhere = (own ?? '').replace('127.0.0.1', '127.0.0.2')
  const error = await a.dial([elsewhere], soon()).catch((caught: unknown) => caught)
  expect(dialFailureOf(error)).toBe('unreachable')
  const both = await a.dial([elsewhere, own ?? ''], soon()).catch((caught: unknown) => caught)
  expect(dialFailureOf(both)).toBe('refused')
})

test('a program that takes connections and says nothing is a timeout', async () => {
  const server = await listen()
  const { port } = server.address() as AddressInfo
  try {
    const a = await nodes.start('a')
    const error = await a.dial(`127.0.0.1:${port}`, AbortSignal.timeout(300)).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'ERR_DIAL_TIMEOUT' })
  } finally {
    server.close()
  }
})

test('a node does not connect to itself', async () => {
  const a = await nodes.start('a')
  await expect(a.dial(a.addresses(), soon())).rejects.toMatchObject({ code: 'ERR_ADDRESS' })
})

test('a banned peer is cut off and kept out in both directions', async () => {
  const [a, b] = [await nodes.start('a'), await nodes.start('b')]
  await a.dial(b.addresses(), soon())
  await until(() => b.peers().length === 1)
  b.ban(a.self, 60_000, 'sent wrong bytes')
  expect(b.peers()).toEqual([])
  await until(() => a.peers().length === 0)
  await expect(b.dial(a.addresses(), soon())).rejects.toMatchObject({ code: 'ERR_PEER_BANNED' })
  await a.dial(b.addresses(), soon()).catch(() => {})
  expect(b.peers()).toEqual([])
})

test('a gate that never answers does not hold a dial beyond its signal', async () => {
  const silent: AdmissionGate = { ...openGate, check: () => new Promise(() => {}) }
  const [a, b] = [await nodes.start('a'), await nodes.start('b', { gate: silent })]
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    await expect(from.dial(to.addresses(), AbortSignal.timeout(300))).rejects.toThrow()
    expect(from.peers()).toEqual([])
  }
})

function listen(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer(() => {})
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}
