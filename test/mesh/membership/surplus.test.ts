import { expect, test } from 'vitest'
import * as fc from 'fast-check'
import { keptConnections, Surplus } from '../../../mesh/membership/surplus.ts'

const peers = (count: number): string[] => Array.from({ length: count }, (_, n) => `n${n}`)
const neighbours = peers(8)

test('as many connections as cost little are kept, whoever they are with', () => {
  expect(new Surplus().due(peers(keptConnections), neighbours, 0)).toEqual([])
})

test('what is beyond is hung up on, and never a neighbour', () => {
  const closed = new Surplus().due(peers(40), neighbours, 0)
  expect(closed).toHaveLength(40 - keptConnections)
  expect(closed.filter((node) => neighbours.includes(node))).toEqual([])
})

test('peers that some part asked for stay until their time is over', () => {
  const surplus = new Surplus()
  for (const node of peers(40)) surplus.pin(node, 45_000)
  surplus.pin('n8', 100_000)
  // A shorter wish does not take back a longer one.
  surplus.pin('n8', 1_000)
  expect(surplus.due(peers(40), neighbours, 0)).toEqual([])
  const closed = surplus.due(peers(40), neighbours, 50_000)
  expect(closed).toHaveLength(40 - keptConnections)
  expect(closed).not.toContain('n8')
})

test('a peer is asked for until its time is over, and no longer', () => {
  const surplus = new Surplus()
  expect(surplus.isPinned('n1', 0)).toBe(false)
  surplus.pin('n1', 5_000)
  expect(surplus.isPinned('n1', 4_999)).toBe(true)
  expect(surplus.isPinned('n1', 5_000)).toBe(false)
})

test('it is looked for twice a minute at most', () => {
  const surplus = new Surplus()
  expect(surplus.due(peers(20), neighbours, 1_000)).toHaveLength(4)
  expect(surplus.due(peers(20), neighbours, 30_000)).toEqual([])
  expect(surplus.due(peers(20), neighbours, 31_000)).toHaveLength(4)
})

test('however many there are, those that are needed stay and no more go than must', () => {
  const ids = fc.uniqueArray(fc.integer({ min: 0, max: 60 }).map((n) => `n${n}`))
  fc.assert(
    fc.property(ids, ids, ids, (connected, near, wanted) => {
      const surplus = new Surplus()
      for (const node of wanted) surplus.pin(node, 10)
      const closed = surplus.due(connected, near, 0)
      expect(closed.every((node) => !near.includes(node) && !wanted.includes(node))).toBe(true)
      expect(connected.length - closed.length).toBeGreaterThanOrEqual(
        Math.min(connected.length, keptConnections),
      )
    }),
  )
})
