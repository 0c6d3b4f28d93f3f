/** Two and three nodes that find out what they hold differently, by comparing alone. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Head } from '../../../mesh/heads/head.ts'
import { headFingerprint } from '../../../mesh/heads/head-tree.ts'
import { headSyncDefaults } from '../../../mesh/heads/head-sync.ts'
import { Company, makeHead } from './harness.ts'

const appKey = (at: number): string => `release/app-${at}`

/** Holds heads from the start, without a word to anybody. */
function give(company: Company, name: string, heads: readonly Head[]): void {
  for (const head of heads) company.feed(name, { type: 'changed', head })
}

/** Both hold `shared`; then so many differ, some newer on one side, some only there. */
function pairWith(shared: number, differences: number, seed = 1): Company {
  const company = new Company(['a', 'b'], seed)
  const heads = Array.from({ length: shared }, (_, at) => makeHead(appKey(at), [1, 0]))
  for (const name of ['a', 'b']) give(company, name, heads)
  for (let at = 0; at < differences; at++) {
    const key = at % 2 === 0 && shared > 0 ? appKey((at * 7) % shared) : `release/new-${at}`
    give(company, at % 3 === 0 ? 'a' : 'b', [makeHead(key, [2, at])])
  }
  return company
}

const holdings = fc.array(fc.tuple(fc.nat(200), fc.nat(3), fc.nat(2)), { maxLength: 150 })

test('two nodes agree after one meeting, whatever each held before', () => {
  fc.assert(
    fc.property(holdings, holdings, fc.nat(), (ours, theirs, seed) => {
      const company = new Company(['a', 'b'], seed)
      const headsOf = (list: typeof ours): Head[] =>
        list.map(([key, order, content]) => makeHead(appKey(key), [order, 0], `${content}`))
      give(company, 'a', headsOf(ours))
      give(company, 'b', headsOf(theirs))
      company.link('a', 'b')
      company.settle()
      expect(company.isAgreed()).toBe(true)
      const best = new Map([...ours, ...theirs].map(([key]) => [key, 0]))
      for (const [key, order] of [...ours, ...theirs]) best.set(key, Math.max(best.get(key) ?? 0, order))
      expect(company.node('a').summary().count).toBe(best.size)
      for (const [key, order] of best) expect(company.node('b').get(appKey(key))?.order[0]).toBe(order)
      expect(company.misbehaved).toEqual([])
    }),
  )
})

test('three nodes in a row agree by comparing alone, when every announcement of a change is lost', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(2), fc.nat(40), fc.nat(5)), { maxLength: 80 }),
      fc.nat(),
      (changes, seed) => {
        const company = new Company(['a', 'b', 'c'], seed)
        company.isLost = (message) => message.t === 'have'
        company.link('a', 'b')
        company.link('b', 'c')
        for (const [node, key, order] of changes) {
          give(company, ['a', 'b', 'c'][node] as string, [makeHead(appKey(key), [order, 0], `${node}`)])
          company.settle()
        }
        company.pass(10_000)
        expect(company.isAgreed()).toBe(true)
      },
    ),
    { numRuns: 50 },
  )
})

test('ten differences between two nodes with 10,000 apps take at most 8 KB besides the ten records', () => {
  const company = pairWith(10_000, 10)
  company.link('a', 'b')
  company.settle()
  expect(company.isAgreed()).toBe(true)
  expect(company.overheadBytes).toBeLessThanOrEqual(8 * 1024)
})

test('bytes grow with the difference, hardly with what is held', () => {
  fc.assert(
    fc.property(fc.nat(3_000), fc.nat(40), fc.nat(), (shared, differences, seed) => {
      const company = pairWith(shared, differences, seed)
      company.link('a', 'b')
      company.settle()
      expect(company.isAgreed()).toBe(true)
      // A branch of 140 bytes for each digit that tells a difference from the rest, a leaf, its ids, and what is asked.
      const levels = Math.ceil(Math.log(shared + 16) / Math.log(16))
      expect(company.overheadBytes).toBeLessThanOrEqual(500 + differences * (450 + 150 * levels))
    }),
    { numRuns: 25 },
  )
})

test('two nodes that hold the same say so in two short messages, and again every few seconds', () => {
  const company = pairWith(1_000, 0)
  company.link('a', 'b')
  company.settle()
  expect(company.messages).toBe(2)
  expect(company.overheadBytes).toBeLessThan(200)
  company.pass(20_000)
  expect(company.messages).toBeLessThan(40)
})

test('nodes that go on changing while they compare agree once they stop', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const company = pairWith(300, 60, seed)
      company.isLost = (message) => message.t === 'have'
      company.link('a', 'b')
      for (let at = 0; at < 100; at++) {
        give(company, at % 2 === 0 ? 'a' : 'b', [makeHead(appKey((seed + at * 13) % 400), [3, at])])
        company.settle()
        if (at % 10 === 0) company.pass(400)
      }
      company.pass(10_000)
      expect(company.isAgreed()).toBe(true)
      expect(company.misbehaved).toEqual([])
    }),
    { numRuns: 20 },
  )
})

test('two halves that both went on agree on all of both', () => {
  const company = new Company(['a1', 'a2', 'b1', 'b2'])
  const give2 = (names: readonly string[], heads: readonly Head[]): void => {
    for (const name of names) give(company, name, heads)
  }
  give2(
    ['a1', 'a2', 'b1', 'b2'],
    Array.from({ length: 500 }, (_, at) => makeHead(appKey(at), [1, 0])),
  )
  give2(
    ['a1', 'a2'],
    Array.from({ length: 200 }, (_, at) => makeHead(appKey(at), [2, 0], 'left')),
  )
  give2(
    ['b1', 'b2'],
    Array.from({ length: 200 }, (_, at) => makeHead(appKey(at + 100), [2, 0], 'right')),
  )
  for (const [a, b] of [
    ['a1', 'a2'],
    ['a2', 'b1'],
    ['b1', 'b2'],
  ] as const)
    company.link(a, b)
  company.pass(10_000)
  expect(company.isAgreed()).toBe(true)
  expect(company.node('b2').get(appKey(0))?.order).toEqual([2, 0])
  expect(company.node('a1').get(appKey(250))?.order).toEqual([2, 0])
})

test('a node that comes back after 10,000 releases has them all, within its limits', () => {
  const company = new Company(['a', 'b'])
  give(
    company,
    'a',
    Array.from({ length: 10_000 }, (_, at) => makeHead(appKey(at), [2, 0])),
  )
  give(
    company,
    'b',
    Array.from({ length: 100 }, (_, at) => makeHead(appKey(at), [1, 0])),
  )
  company.link('a', 'b')
  company.pass(30_000)
  expect(company.isAgreed()).toBe(true)
  expect(company.misbehaved).toEqual([])
  // An id is announced about twice, and the list itself is never sent.
  expect(company.overheadBytes).toBeLessThan(10_000 * 200)
})

test('a neighbour that says it holds the same, whatever that is, hides nothing of what others bring', () => {
  const company = pairWith(200, 0)
  const victim = makeHead(appKey(7), [9, 0])
  give(company, 'b', [victim])
  company.feed('a', { type: 'peer-up', peer: 'liar' })
  const before = company.node('a').summary()
  for (let round = 0; round < 20; round++) {
    company.nowMs += headSyncDefaults.beginMs
    const actions = company
      .node('a')
      .on({ type: 'message', peer: 'liar', message: { t: 'summary', ...before } }, company.nowMs)
    expect(actions).toEqual([])
  }
  company.link('a', 'b')
  company.settle()
  expect(company.node('a').get(victim.key)?.digest).toBe(victim.digest)
})

test('a comparison answered with itself for ever ends after as many rounds as a place has digits', () => {
  const company = pairWith(5_000, 0)
  const node = company.node('a')
  node.on({ type: 'peer-up', peer: 'mirror' }, 0)
  const salt = new Uint8Array(16).fill(3)
  let messages = [{ prefix: '', fingerprints: new Uint8Array(128).fill(1) }]
  let rounds = 0
  while (messages.length > 0) {
    // Every branch that comes back is sent again with other fingerprints: there is always a difference.
    const actions = node.on(
      {
        type: 'message',
        peer: 'mirror',
        message: { t: 'compare', salt, branches: messages.slice(0, 64), leaves: [] },
      },
      rounds * 60_000,
    )
    messages = actions.flatMap((action) =>
      action.type === 'send' && action.message.t === 'compare'
        ? action.message.branches.map(({ prefix }) => ({ prefix, fingerprints: new Uint8Array(128).fill(1) }))
        : [],
    )
    rounds++
    expect(rounds).toBeLessThanOrEqual(16)
  }
  expect(rounds).toBeGreaterThan(2)
})

test('questions for names are answered only where they can have come from a leaf', () => {
  const company = pairWith(1_000, 0)
  const node = company.node('a')
  node.on({ type: 'peer-up', peer: 'x' }, 0)
  const salt = new Uint8Array(16).fill(3)
  const fingerprints = new Uint8Array(headFingerprint(node.get(appKey(1)) as Head, salt))
  const ask = (prefix: string): unknown[] =>
    node.on(
      { type: 'message', peer: 'x', message: { t: 'name', salt, parts: [{ prefix, fingerprints }] } },
      0,
    )
  expect(ask('')).toEqual([])
  const digits = Array.from({ length: 256 }, (_, at) => at.toString(16).padStart(2, '0'))
  expect(digits.flatMap(ask)).toMatchObject([
    { type: 'send', message: { t: 'found', ids: [{ key: appKey(1) }] } },
  ])
})
