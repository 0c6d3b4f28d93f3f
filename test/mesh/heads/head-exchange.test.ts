import { afterEach, expect, test } from 'vitest'
import { digestOf, systemClock, systemRandom } from '../../../core/index.ts'
import { createHeadExchange, headLimits, type Head, type HeadExchange } from '../../../mesh/heads/index.ts'
import type { Transport } from '../../../mesh/transport/index.ts'
import { soon, testLog, TestNodes, until } from '../transport/nodes.ts'

const nodes = new TestNodes()
const exchanges: HeadExchange[] = []
afterEach(async () => {
  for (const exchange of exchanges.splice(0)) exchange.stop()
  await nodes.stopAll()
})

interface TestNode {
  readonly transport: Transport
  readonly exchange: HeadExchange
  readonly seen: string[]
}

/** Takes every head whose bytes do not say "bad"; the first bytes are its order. */
async function start(name: string): Promise<TestNode> {
  const transport = await nodes.start(name)
  const seen: string[] = []
  const exchange: HeadExchange = createHeadExchange({
    transport,
    clock: systemClock,
    random: systemRandom,
    log: testLog(),
    accept: async (key, bytes) => {
      seen.push(key)
      const text = new TextDecoder().decode(bytes)
      if (text.includes('bad')) return 'refused'
      if (text.includes('broken')) throw new Error('a bug of the owner')
      exchange.changed(makeHead(key, Number.parseInt(text, 10), text))
      return 'accepted'
    },
  })
  exchange.start()
  exchanges.push(exchange)
  return { transport, exchange, seen }
}

function makeHead(key: string, first: number, text = `${first}`): Head {
  const bytes = new TextEncoder().encode(text)
  return { key, order: [first, 0], digest: digestOf(bytes), bytes }
}

function textOf(node: TestNode, key: string): string | undefined {
  const head = node.exchange.get(key)
  return head === undefined ? undefined : new TextDecoder().decode(head.bytes)
}

test('heads reach nodes that are not connected to their origin, through a neighbour', async () => {
  const [a, b, c] = [await start('a'), await start('b'), await start('c')]
  a.exchange.changed(makeHead('trust', 1))
  await a.transport.dial(b.transport.addresses(), soon())
  await c.transport.dial(b.transport.addresses(), soon())
  await until(() => textOf(c, 'trust') === '1')
  c.exchange.changed(makeHead('trust', 2))
  c.exchange.changed(makeHead('release/x', 1))
  await until(() => textOf(a, 'trust') === '2' && textOf(a, 'release/x') === '1')
  expect(a.exchange.summary()).toEqual(c.exchange.summary())
  expect(b.seen.toSorted()).toEqual(['release/x', 'trust', 'trust'])
})

test('what changed while two nodes were apart is compared when they meet again', async () => {
  const [a, b] = [await start('a'), await start('b')]
  await a.transport.dial(b.transport.addresses(), soon())
  await until(() => a.exchange.peers().length === 1 && b.exchange.peers().length === 1)
  await b.transport.stop?.()
  // Channels end before their connection does, and a dial over one that is open still is done at once.
  await until(() => a.exchange.peers().length === 0 && a.transport.peers().length === 0)
  a.exchange.changed(makeHead('trust', 3))
  b.exchange.changed(makeHead('release/x', 4))
  await b.transport.start?.()
  await a.transport.dial(b.transport.addresses(), soon())
  await until(() => textOf(b, 'trust') === '3' && textOf(a, 'release/x') === '4')
})

test('what its owner refuses, or fails to judge, is not held nor passed on, and others still come through', async () => {
  const [a, b, c] = [await start('a'), await start('b'), await start('c')]
  await a.transport.dial(b.transport.addresses(), soon())
  await c.transport.dial(b.transport.addresses(), soon())
  a.exchange.changed(makeHead('release/x', 1, '1 bad'))
  a.exchange.changed(makeHead('release/y', 1, '1 broken'))
  a.exchange.changed(makeHead('release/z', 1))
  await until(() => textOf(c, 'release/z') === '1')
  expect(b.exchange.get('release/x')).toBeUndefined()
  expect(b.exchange.get('release/y')).toBeUndefined()
  expect(c.seen).toEqual(['release/z'])
})

test('heads of the largest size pass, and one above it stays where it is', async () => {
  const [a, b] = [await start('a'), await start('b')]
  await a.transport.dial(b.transport.addresses(), soon())
  for (const key of ['release/a', 'release/b', 'release/c'])
    a.exchange.changed(largeHead(key, headLimits.headBytes))
  a.exchange.changed(largeHead('release/d', headLimits.headBytes + 1))
  await until(() => b.exchange.summary().count === 3)
  expect(a.exchange.summary().count).toBe(3)
})

test('a peer that sends rubbish again and again is shut out', async () => {
  const [a, b] = [await start('a'), await nodes.start('b')]
  b.handle('/selvedge/heads/2', () => {})
  await b.dial(a.transport.addresses(), soon())
  await until(() => a.transport.peers().length === 1)
  for (let round = 0; round < 100 && b.peers().length > 0; round++) {
    const channel = await b.open(a.transport.self, '/selvedge/heads/2', soon()).catch(() => null)
    await channel?.send(new Uint8Array([0xff])).catch(() => {})
  }
  await until(() => b.peers().length === 0)
  await b.dial(a.transport.addresses(), soon()).catch(() => {})
  expect(a.transport.peers()).toEqual([])
})

function largeHead(key: string, sizeBytes: number): Head {
  return makeHead(key, 1, `1${' '.repeat(sizeBytes - 1)}`)
}
