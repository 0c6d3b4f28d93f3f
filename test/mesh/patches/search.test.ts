/** The decision alone: whom to ask, what to get, how long to wait. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PatchOffer } from '../../../mesh/patches/messages.ts'
import {
  PatchSearch,
  searchDefaults,
  type SearchAction,
  type SearchEvent,
} from '../../../mesh/patches/search.ts'

const offer = (name: string, sizeBytes = 5_000): PatchOffer => ({
  base: 0,
  digest: name.repeat(64).slice(0, 64),
  sizeBytes,
})
const known = (peer: string, patches: readonly PatchOffer[] = [], expecting = false): SearchEvent => ({
  type: 'known',
  peer,
  expecting,
  patches,
})
const asked = (actions: readonly SearchAction[]): string[] =>
  actions.flatMap((action) => (action.type === 'ask' ? [action.peer] : []))
const typesOf = (actions: readonly SearchAction[]): string[] => actions.map(({ type }) => type)

/** A search with these peers. */
function searching(...peers: string[]): PatchSearch {
  const search = new PatchSearch(1_000_000)
  for (const peer of peers) search.handle({ type: 'peer-up', peer }, 0)
  return search
}

describe('asking', () => {
  test('goes to few at a time, in the order in which they were named', () => {
    const search = new PatchSearch(1_000_000)
    const actions = ['a', 'b', 'c', 'd'].flatMap((peer) => search.handle({ type: 'peer-up', peer }, 0))
    expect(asked(actions)).toEqual(['a', 'b'])
    expect(asked(search.handle(known('a'), 10))).toEqual(['c'])
    expect(asked(search.handle({ type: 'link-lost', peer: 'b' }, 20))).toEqual(['d'])
  })

  test('stops while somebody expects a patch, and goes on when that takes too long', () => {
    const search = searching('a', 'b', 'c')
    expect(typesOf(search.handle(known('a', [], true), 10))).toEqual([])
    expect(typesOf(search.handle(known('b'), 20))).toEqual([])
    expect(search.isExpecting(20)).toBe(true)
    expect(asked(search.handle({ type: 'tick' }, 10 + searchDefaults.expectMs))).toEqual(['c'])
    // A promise that was not kept counts once.
    search.handle(known('a', [], true), 6_000)
    expect(search.isExpecting(6_000)).toBe(false)
  })

  test('who does not answer in time is passed over, and still heard', () => {
    const search = searching('a', 'b', 'c')
    const actions = search.handle({ type: 'tick' }, searchDefaults.answerMs)
    expect(asked(actions)).toEqual(['c'])
    expect(typesOf(search.handle(known('a', [offer('1')]), 3_000))).toEqual(['get'])
  })

  test('nobody makes this node get something by answering what was not asked', () => {
    const search = searching('a', 'b', 'c')
    expect(typesOf(search.handle(known('c', [offer('1')]), 10))).toEqual([])
    expect(typesOf(search.handle(known('stranger', [offer('1')]), 10))).toEqual([])
  })
})

describe('getting', () => {
  test('takes the smallest, and none that is larger than what is left to fetch', () => {
    const search = searching('a')
    expect(search.handle(known('a', [offer('1', 9_000), offer('2', 4_000)]), 10)).toEqual([
      { type: 'get', peer: 'a', offer: offer('2', 4_000) },
    ])
    const late = searching('a')
    late.handle({ type: 'left', bytes: 4_000 }, 5)
    expect(typesOf(late.handle(known('a', [offer('2', 4_000)]), 10))).toEqual([])
  })

  test('what is offered by two is got from the other where one does not send it', () => {
    const search = searching('a', 'b')
    search.handle(known('a', [offer('1')]), 10)
    search.handle(known('b', [offer('1')]), 20)
    const actions = search.handle({ type: 'tick' }, 10_000)
    expect(typesOf(actions)).toEqual(['dawdled', 'get'])
    expect(actions[1]).toMatchObject({ peer: 'b' })
  })

  test('what was wrong is not taken from anybody again, and who sent it not asked', () => {
    const search = searching('a', 'b', 'c')
    search.handle(known('a', [offer('1')]), 10)
    search.handle(known('b', [offer('1')]), 20)
    expect(typesOf(search.handle({ type: 'arrived', peer: 'a' }, 30))).toEqual(['apply'])
    const actions = search.handle({ type: 'wrong', peer: 'a', digest: offer('1').digest, reason: 'no' }, 40)
    expect(typesOf(actions)).toEqual(['misbehaved', 'ask'])
    expect(asked(search.handle({ type: 'peer-up', peer: 'a' }, 50))).toEqual([])
  })

  test('nothing follows when it fits', () => {
    const search = searching('a', 'b')
    search.handle(known('a', [offer('1')]), 10)
    search.handle({ type: 'arrived', peer: 'a' }, 20)
    expect(search.handle({ type: 'fits' }, 30)).toEqual([])
    expect(search.handle(known('b', [offer('2', 1)]), 40)).toEqual([])
    expect(search.isExpecting(50)).toBe(false)
  })
})

describe('waiting', () => {
  test('ends at once without peers, or where none knows patches', () => {
    expect(typesOf(new PatchSearch(1_000_000).handle({ type: 'tick' }, 0))).toEqual(['unpromising'])
    const search = searching('a')
    expect(typesOf(search.handle({ type: 'link-lost', peer: 'a' }, 10))).toEqual(['unpromising'])
  })

  test('ends a moment after all have answered that they have nothing', () => {
    const search = searching('a')
    expect(typesOf(search.handle(known('a'), 10))).toEqual([])
    expect(typesOf(search.handle({ type: 'tick' }, 9 + searchDefaults.graceMs))).toEqual([])
    expect(typesOf(search.handle({ type: 'tick' }, 10 + searchDefaults.graceMs))).toEqual(['unpromising'])
  })
})

test('whatever peers do, one patch is got at a time, chunks are let go in time and once, and a shunned peer stays out', () => {
  const peer = fc.constantFrom('a', 'b', 'c', 'd')
  const patches = fc.array(
    fc.record({
      base: fc.constant(0),
      digest: fc.constantFrom('1', '2', '3'),
      sizeBytes: fc.integer({ min: 1, max: 2_000_000 }),
    }),
    { maxLength: 3 },
  )
  const event: fc.Arbitrary<SearchEvent> = fc.oneof(
    fc.record({
      type: fc.constantFrom(
        'peer-up' as const,
        'peer-down' as const,
        'link-lost' as const,
        'gone' as const,
        'arrived' as const,
      ),
      peer,
    }),
    fc.record({ type: fc.constant('known' as const), peer, expecting: fc.boolean(), patches }),
    fc.record({
      type: fc.constant('wrong' as const),
      peer,
      digest: fc.constantFrom('1', '2', null),
      reason: fc.constant(''),
    }),
    fc.record({ type: fc.constant('untried' as const), digest: fc.constantFrom('1', '2', '3') }),
    fc.record({ type: fc.constant('left' as const), bytes: fc.integer({ min: 0, max: 1_000_000 }) }),
  )
  const steps = fc.array(fc.tuple(event, fc.integer({ min: 0, max: 900 })), { maxLength: 120 })
  const property = fc.property(steps, (run) => {
    const search = new PatchSearch(1_000_000)
    let now = 0
    let given: SearchAction[] = search.handle({ type: 'tick' }, now)
    const shunned = new Set<string>()
    let getting: string | null = null
    const look = (actions: SearchAction[]): void => {
      for (const action of actions) {
        if ('peer' in action && action.type !== 'misbehaved') expect(shunned.has(action.peer)).toBe(false)
        if (action.type === 'misbehaved') {
          expect(shunned.has(action.peer)).toBe(false)
          shunned.add(action.peer)
        }
        if (action.type === 'get') {
          expect(getting).toBeNull()
          expect(action.offer.sizeBytes).toBeLessThan(1_000_000)
          getting = action.peer
        }
      }
      given = [...given, ...actions]
    }
    for (const [next, ms] of run) {
      now += ms
      // The driver keeps these in step: only what is being got can end.
      if (next.type === 'arrived' && next.peer !== getting) continue
      if (next.type === 'untried' && getting === null) continue
      const before = getting
      if ('peer' in next && next.peer === before && next.type !== 'known' && next.type !== 'peer-up')
        getting = null
      if (next.type === 'untried') getting = null
      look(search.handle(next, now))
      if (next.type === 'arrived') {
        getting = null
        look(search.handle({ type: 'untried', digest: '1' }, now))
      }
      const late = search.handle({ type: 'tick' }, now)
      if (late.some(({ type }) => type === 'dawdled')) getting = null
      look(late)
    }
    expect(typesOf(given).filter((type) => type === 'unpromising').length).toBeLessThanOrEqual(1)
    // With nothing on its way any more, and all the patience spent, chunks are let go.
    for (let at = 0; at < 600; at++) {
      now += 500
      const late = search.handle({ type: 'tick' }, now)
      if (late.some(({ type }) => type === 'dawdled')) getting = null
      look(late)
    }
    expect(typesOf(given)).toContain('unpromising')
  })
  fc.assert(property, { numRuns: 300 })
})
