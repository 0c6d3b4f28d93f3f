/** Which gateways a node keeps places with: the state machine, in its own time. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Places, type Candidate, type PlacesEvent } from '../../../mesh/gateway/places.ts'
import { SeededRandom } from '../../sim/index.ts'

const placeMs = 300_000

function candidate(node: string, changes: Partial<Candidate> = {}): Candidate {
  return { node, isSameGroup: false, isAlive: true, rttMs: 10, ...changes }
}

function needing(...list: readonly Candidate[]): Places {
  const places = new Places(new SeededRandom(1))
  places.on({ type: 'candidates', list }, 0)
  return places
}

/** Asks at `nowMs`, and every gateway says yes. */
function settle(places: Places, nowMs: number): string[] {
  const asked = places.on({ type: 'needed', isNeeded: true }, nowMs).filter(({ type }) => type === 'ask')
  for (const { gateway } of asked) places.on({ type: 'given', gateway, ms: placeMs }, nowMs)
  return asked.map(({ gateway }) => gateway)
}

describe('a node that nobody can dial', () => {
  test('keeps places with two gateways: of its own group first, then live ones, then near ones', () => {
    const far = candidate('far', { rttMs: 200 })
    const near = candidate('near', { rttMs: 3 })
    const dead = candidate('dead', { isSameGroup: true, isAlive: false, rttMs: 1 })
    const own = candidate('own', { isSameGroup: true, rttMs: 80 })
    expect(settle(needing(far, near, dead, own), 0)).toEqual(['own', 'near'])
  })

  test('renews a place at two thirds of its time, and keeps it meanwhile', () => {
    const places = needing(candidate('g1'))
    settle(places, 0)
    expect(places.on({ type: 'tick' }, placeMs * 0.66)).toEqual([])
    expect(places.on({ type: 'tick' }, placeMs * 0.67)).toEqual([{ type: 'ask', gateway: 'g1' }])
    expect(places.on({ type: 'tick' }, placeMs * 0.7)).toEqual([])
    places.on({ type: 'refused', gateway: 'g1' }, placeMs * 0.7)
    expect(places.held(placeMs * 0.99)).toEqual(['g1'])
    expect(places.held(placeMs)).toEqual([])
  })

  test('asks another at once when one is lost', () => {
    const places = needing(candidate('g1'), candidate('g2'), candidate('g3'))
    const [lost = ''] = settle(places, 0)
    const asked = places.on({ type: 'lost', gateway: lost }, 1_000)
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatchObject({ type: 'ask' })
    expect(places.held(1_000)).not.toContain(lost)
    expect(asked[0]?.gateway).not.toBe(lost)
  })

  test('asks at once who refused before, when a place is lost or when that one comes to life', () => {
    const refusing = (): Places => {
      const places = needing(
        candidate('g1'),
        candidate('g2', { rttMs: 300 }),
        candidate('g3', { rttMs: 300 }),
      )
      settle(places, 0)
      const [kept] = places.held(0).filter((gateway) => gateway !== 'g1')
      places.on({ type: 'lost', gateway: kept ?? '' }, 0)
      for (let nowMs = 0; nowMs < 150_000; nowMs += 1_000) {
        for (const { gateway } of places.on({ type: 'tick' }, nowMs)) {
          places.on({ type: 'refused', gateway }, nowMs)
        }
        for (const gateway of ['g2', 'g3']) places.on({ type: 'refused', gateway }, nowMs)
      }
      return places
    }
    const lost = refusing()
    expect(lost.on({ type: 'tick' }, 150_000)).toEqual([])
    const asked = lost.on({ type: 'lost', gateway: 'g1' }, 150_000).map(({ gateway }) => gateway)
    expect(asked.sort()).toEqual(['g2', 'g3'])

    const revived = refusing()
    const rest = [candidate('g1'), candidate('g3', { rttMs: 300 })]
    revived.on({ type: 'candidates', list: [...rest, candidate('g2', { isAlive: false })] }, 150_000)
    expect(revived.on({ type: 'candidates', list: [...rest, candidate('g2')] }, 150_001)).toEqual([
      { type: 'ask', gateway: 'g2' },
    ])
  })

  test('does not wait for the connection to one that is dead', () => {
    const places = needing(candidate('g1'), candidate('g2'))
    settle(places, 0)
    const list = [candidate('g1', { isAlive: false }), candidate('g2'), candidate('g3')]
    expect(places.on({ type: 'candidates', list }, 1_000)).toEqual([{ type: 'ask', gateway: 'g3' }])
    const after = places.on({ type: 'given', gateway: 'g3', ms: placeMs }, 1_100)
    expect(after).toEqual([{ type: 'release', gateway: 'g1' }])
    expect(places.held(1_100)).toEqual(['g2', 'g3'])
  })

  test('changes to a gateway of its own group without a moment with fewer', () => {
    const places = needing(candidate('g1'), candidate('g2'))
    settle(places, 0)
    const list = [candidate('g1'), candidate('g2'), candidate('own', { isSameGroup: true })]
    expect(places.on({ type: 'candidates', list }, 1_000)).toEqual([{ type: 'ask', gateway: 'own' }])
    expect(places.held(1_000)).toHaveLength(2)
    places.on({ type: 'given', gateway: 'own', ms: placeMs }, 1_100)
    expect(places.held(1_100)).toContain('own')
    expect(places.held(1_100)).toHaveLength(2)
    expect(places.on({ type: 'tick' }, 2_000)).toEqual([])
  })

  test('gives its places up when it is reached', () => {
    const places = needing(candidate('g1'), candidate('g2'))
    settle(places, 0)
    const released = places.on({ type: 'needed', isNeeded: false }, 1_000)
    expect(released.map(({ type }) => type)).toEqual(['release', 'release'])
    expect(places.held(1_000)).toEqual([])
  })

  test('asks one that refuses later and later', () => {
    const places = needing(candidate('g1'))
    places.on({ type: 'needed', isNeeded: true }, 0)
    const at: number[] = []
    let now = 0
    for (let step = 0; step < 6_000; step++, now += 100) {
      if (places.on({ type: 'tick' }, now).length > 0 || step === 0) {
        at.push(now)
        places.on({ type: 'refused', gateway: 'g1' }, now)
      }
    }
    expect(at.length).toBeGreaterThan(8)
    expect(at.length).toBeLessThan(30)
    expect((at.at(-1) ?? 0) - (at.at(-2) ?? 0)).toBeGreaterThan(20_000)
  })
})

const names = ['g1', 'g2', 'g3', 'g4'] as const
const anyName = fc.constantFrom(...names)
const anyEvent: fc.Arbitrary<PlacesEvent> = fc.oneof(
  fc.record({ type: fc.constant('needed' as const), isNeeded: fc.boolean() }),
  fc.record({
    type: fc.constant('candidates' as const),
    list: fc.uniqueArray(
      fc.record({
        node: anyName,
        isSameGroup: fc.boolean(),
        isAlive: fc.boolean(),
        rttMs: fc.option(fc.integer({ min: 0, max: 500 })),
      }),
      { selector: ({ node }) => node },
    ),
  }),
  fc.record({
    type: fc.constant('given' as const),
    gateway: anyName,
    ms: fc.integer({ min: 1, max: placeMs }),
  }),
  fc.record({ type: fc.constantFrom('refused' as const, 'lost' as const), gateway: anyName }),
  fc.constant({ type: 'tick' as const }),
)

test('whatever happens: never two questions to one gateway, and once all is well two places and peace', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyEvent, fc.integer({ min: 0, max: 60_000 })), { maxLength: 60 }),
      (script) => {
        const places = new Places(new SeededRandom(7))
        const asking = new Set<string>()
        let now = 0
        const feed = (event: PlacesEvent): void => {
          if (event.type === 'given' || event.type === 'refused') asking.delete(event.gateway)
          for (const { type, gateway } of places.on(event, now)) {
            if (type !== 'ask') continue
            expect(asking.has(gateway)).toBe(false)
            asking.add(gateway)
          }
        }
        for (const [event, ms] of script) {
          now += ms
          // Answers come to questions only.
          const isAnswer = event.type === 'given' || event.type === 'refused'
          if (!isAnswer || asking.has(event.gateway)) feed(event)
        }
        feed({ type: 'candidates', list: names.map((node) => candidate(node)) })
        feed({ type: 'needed', isNeeded: true })
        for (let step = 0; step < 200; step++) {
          now += 1_000
          for (const gateway of Array.from(asking)) feed({ type: 'given', gateway, ms: placeMs })
          feed({ type: 'tick' })
        }
        expect(places.held(now)).toHaveLength(2)
      },
    ),
  )
})
