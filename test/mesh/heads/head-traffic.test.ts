import { expect, test } from 'vitest'
import { HeadTraffic } from '../../../mesh/heads/head-traffic.ts'
import type { HeadId } from '../../../mesh/heads/head.ts'

const prefixes = ['release/', 'node/', 'trust']

function id(key: string): HeadId {
  return { key, order: [1, 0], digest: 'ab'.repeat(32) }
}

function received(traffic: HeadTraffic): Record<string, number> {
  return Object.fromEntries(traffic.tallies.map(({ kind, receivedBytes }) => [kind, receivedBytes]))
}

test('a message about heads of several kinds is shared out among them', () => {
  const traffic = new HeadTraffic(prefixes)
  traffic.received({ t: 'have', ids: [id('release/a'), id('node/1'), id('node/2'), id('trust')] }, 400)
  expect(received(traffic)).toEqual({ release: 100, node: 200, trust: 100, comparison: 0, other: 0 })
})

test('of heads themselves each kind has as much as its bytes', () => {
  const traffic = new HeadTraffic(prefixes)
  const heads = [
    { key: 'release/', bytes: new Uint8Array(92) },
    { key: 'node/123', bytes: new Uint8Array(292) },
  ]
  traffic.sent({ t: 'heads', heads }, 440)
  expect(traffic.tallies).toContainEqual({ kind: 'release', receivedBytes: 0, sentBytes: 110 })
  expect(traffic.tallies).toContainEqual({ kind: 'node', receivedBytes: 0, sentBytes: 330 })
})

test('what compares, or is about nothing, is comparison', () => {
  const traffic = new HeadTraffic(prefixes)
  traffic.received({ t: 'summary', count: 3, digest: 'cd'.repeat(32) }, 50)
  traffic.received({ t: 'compare', salt: new Uint8Array(8), branches: [], leaves: [] }, 20)
  traffic.received({ t: 'want', keys: [] }, 7)
  expect(received(traffic)).toMatchObject({ comparison: 77, other: 0 })
})

test('keys of no known kind share one row, however many a peer names', () => {
  const traffic = new HeadTraffic(prefixes)
  for (let index = 0; index < 1_000; index += 1) {
    traffic.received({ t: 'want', keys: [`kind-${index}/x`, '__proto__/x'] }, 10)
  }
  expect(received(traffic)).toEqual({ release: 0, node: 0, trust: 0, comparison: 0, other: 10_000 })
})
