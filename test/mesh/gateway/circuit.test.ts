/** Connections through a gateway, over loopback: real libp2p, real admission. */
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../core/index.ts'
import { GatewayServer, gatewayLimits } from '../../../mesh/gateway/index.ts'
import {
  askOver,
  circuitAddress,
  gatewayProtocol,
  type Channel,
  type Transport,
  type TransportOptions,
} from '../../../mesh/transport/index.ts'
import { echo, firstFrame, soon, testLog, TestNodes, until } from '../transport/nodes.ts'

const nodes = new TestNodes()
const servers: GatewayServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) server.stop()
  await nodes.stopAll()
})

async function gateway(name: string, options: Partial<TransportOptions> = {}, bytesPerSecond?: number) {
  const transport = await nodes.start(name, options)
  const limit = bytesPerSecond === undefined ? {} : { bytesPerSecond }
  const server = new GatewayServer({ transport, clock: systemClock, log: testLog(), ...limit })
  server.start()
  servers.push(server)
  return { transport, server, address: transport.addresses()[0] ?? '' }
}

/** A node that listens on nothing and keeps a place with each of the gateways. */
async function hidden(name: string, gateways: readonly { transport: Transport; address: string }[]) {
  const transport = await nodes.start(name, { listen: [] })
  for (const at of gateways) {
    await transport.dial(at.address, soon())
    await reserve(transport, at.transport.self)
  }
  const addresses = gateways.map((at) => circuitAddress(at.address, at.transport.self, transport.self))
  return { transport, addresses }
}

async function reserve(transport: Transport, at: string) {
  const channel = await transport.open(at, gatewayProtocol, soon())
  const { answer } = await askOver(channel, { t: 'reserve' }, soon())
  return answer
}

describe('a node that listens on nothing', () => {
  test('is reached through its gateway, with its own key proven end to end', async () => {
    const g = await gateway('g')
    const b = await hidden('b', [g])
    expect(b.transport.addresses()).toEqual([])
    b.transport.handle('/t/1', echo)
    const a = await nodes.start('a')
    expect(await a.dial(b.addresses, soon())).toBe(b.transport.self)
    await until(() => b.transport.peers().includes(a.self))
    expect(a.ways?.gatewaysTo(b.transport.self)).toEqual([g.transport.self])
    expect(b.transport.ways?.gatewaysTo(a.self)).toEqual([g.transport.self])
    expect(a.addressesOf(b.transport.self)).toEqual(b.addresses)
    const channel = await a.open(b.transport.self, '/t/1', soon())
    await channel.send(new Uint8Array([7, 8]))
    expect(await firstFrame(channel)).toEqual(new Uint8Array([7, 8]))
    expect(g.server.counts).toMatchObject({ places: 1, circuits: 1, opened: 1, refused: 0 })
  })

  test('is reached through another gateway when the first does not know it', async () => {
    const [g1, g2] = [await gateway('g1'), await gateway('g2')]
    const b = await hidden('b', [g2])
    const wrong = circuitAddress(g1.address, g1.transport.self, b.transport.self)
    const a = await nodes.start('a')
    await a.dial([wrong, ...b.addresses], soon())
    expect(a.ways?.gatewaysTo(b.transport.self)).toEqual([g2.transport.self])
    expect(g1.server.counts.refused).toBe(1)
  })

  test('takes megabytes both ways through it, unharmed', async () => {
    const g = await gateway('g')
    const b = await hidden('b', [g])
    b.transport.handle('/t/1', echo)
    const a = await nodes.start('a')
    await a.dial(b.addresses, soon())
    const channel = await a.open(b.transport.self, '/t/1', soon())
    const sent = Array.from({ length: 24 }, (_, at) => new Uint8Array(512 * 1024).fill(at))
    const sending = (async () => {
      for (const frame of sent) await channel.send(frame)
    })()
    let at = 0
    for await (const frame of channel.messages) {
      expect(Buffer.compare(frame, sent[at] ?? new Uint8Array())).toBe(0)
      if (++at === sent.length) break
    }
    await sending
    expect(g.server.counts.bytes).toBeGreaterThan(2 * 24 * 512 * 1024)
  })

  test('is lost with its gateway, and found through the other', async () => {
    const [g1, g2] = [await gateway('g1'), await gateway('g2')]
    const b = await hidden('b', [g1, g2])
    const a = await nodes.start('a')
    await a.dial(b.addresses, soon())
    const [used] = a.ways?.gatewaysTo(b.transport.self) ?? []
    await (used === g1.transport.self ? g1 : g2).transport.stop?.()
    await until(() => !a.peers().includes(b.transport.self))
    await a.dial(b.addresses, soon())
    expect(a.ways?.gatewaysTo(b.transport.self)).not.toEqual([used])
  })
})

describe('a gateway', () => {
  test('does nothing for who is not admitted', async () => {
    const refusing = {
      greet: async () => new Uint8Array([1]),
      check: async () => Promise.reject(new Error('no')),
    }
    const g = await gateway('g', { gate: refusing })
    const stranger = await nodes.start('stranger', { listen: [] })
    await expect(stranger.dial(g.address, soon())).rejects.toMatchObject({ code: 'ERR_ADMISSION_REFUSED' })
    const asked = stranger
      .openBeforeAdmission(g.address, gatewayProtocol, soon())
      .then(({ channel }) => askOver(channel, { t: 'reserve' }, soon()))
    await expect(asked).rejects.toThrow()
    expect(g.server.counts).toMatchObject({ places: 0, circuits: 0 })
  })

  test('cannot put another in the place of the node that was asked for', async () => {
    const g = await nodes.start('g')
    const b = await nodes.start('b', { listen: [] })
    const impostor = await nodes.start('impostor', { listen: [] })
    await impostor.dial(g.addresses()[0] ?? '', soon())
    const { GatewayServer: Server } = await import('../../../mesh/gateway/index.ts')
    const twisted = new Server({
      transport: new Proxy(g, {
        get: (target, key) => {
          if (key === 'open') {
            return (_peer: string, protocol: string, signal: AbortSignal) =>
              target.open(impostor.self, protocol, signal)
          }
          const value = Reflect.get(target, key) as unknown
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      }),
      clock: systemClock,
      log: testLog(),
    })
    twisted.start()
    servers.push(twisted)
    await b.dial(g.addresses()[0] ?? '', soon())
    await reserve(b, g.self)
    const a = await nodes.start('a')
    const address = circuitAddress(g.addresses()[0] ?? '', g.self, b.self)
    await expect(a.dial([address], soon())).rejects.toMatchObject({ code: 'ERR_DIAL_UNREACHABLE' })
    expect(impostor.peers()).toEqual([g.self])
  })

  test('keeps no place for who is reached through a gateway itself', async () => {
    const g1 = await gateway('g1')
    const b = await hidden('b', [g1])
    const g2 = new GatewayServer({ transport: b.transport, clock: systemClock, log: testLog() })
    g2.start()
    servers.push(g2)
    const c = await nodes.start('c', { listen: [] })
    await c.dial(b.addresses, soon())
    expect(await reserve(c, b.transport.self)).toMatchObject({ t: 'no', code: 'ERR_GATEWAY_REQUEST' })
  })

  test('lets no more through than it may', async () => {
    const rate = 400_000
    const g = await gateway('g', {}, rate)
    const b = await hidden('b', [g])
    let got = 0
    b.transport.handle('/t/1', async (_peer: string, channel: Channel) => {
      for await (const frame of channel.messages) got += frame.length
    })
    const a = await nodes.start('a')
    await a.dial(b.addresses, soon())
    const channel = await a.open(b.transport.self, '/t/1', soon())
    const before = systemClock.monotonicMs()
    for (let at = 0; at < 10; at++) await channel.send(new Uint8Array(60_000))
    await until(() => got === 600_000)
    const seconds = (systemClock.monotonicMs() - before) / 1_000
    // What was saved up goes at once, one piece may be owed.
    const free = rate * gatewayLimits.memberShare * 0.5 + 256 * 1024
    expect(seconds).toBeGreaterThan((600_000 - free) / (rate * gatewayLimits.memberShare))
  })
})

describe('a direct way', () => {
  test('takes the place of one through a gateway when it is found', async () => {
    const g = await gateway('g')
    const b = await nodes.start('b')
    await b.dial(g.address, soon())
    await reserve(b, g.transport.self)
    const a = await nodes.start('a')
    const address = circuitAddress(g.address, g.transport.self, b.self)
    await a.dial([address], soon())
    const lost: string[] = []
    a.on('peer:lost', ({ peer }) => lost.push(peer))
    b.on('peer:lost', ({ peer }) => lost.push(peer))
    await a.ways?.connectDirectly(b.self, b.addresses(), soon())
    expect(a.ways?.isRelayed(b.self)).toBe(false)
    await until(() => a.addressesOf(b.self).length === 1 && b.addressesOf(a.self).length === 1)
    await until(() => g.server.counts.circuits === 0)
    expect(lost).toEqual([])
  })

  test('is tried first', async () => {
    const g = await gateway('g')
    const b = await nodes.start('b')
    await b.dial(g.address, soon())
    await reserve(b, g.transport.self)
    const a = await nodes.start('a')
    await a.dial([circuitAddress(g.address, g.transport.self, b.self), ...b.addresses()], soon())
    expect(a.ways?.gatewaysTo(b.self)).toEqual([])
    expect(g.server.counts.opened).toBe(0)
  })

  test('is told from one where nobody, or another node, answers', async () => {
    const [a, b, c] = [await nodes.start('a'), await nodes.start('b'), await nodes.start('c')]
    const [place = ''] = b.addresses()
    expect(await a.ways?.answersAt(b.self, place, soon())).toBe(true)
    expect(await a.ways?.answersAt(c.self, place.replace(/\/p2p\/.*/, ''), soon())).toBe(false)
    await b.stop?.()
    expect(await a.ways?.answersAt(b.self, place, soon())).toBe(false)
    expect(a.peers()).toEqual([])
  })
})
