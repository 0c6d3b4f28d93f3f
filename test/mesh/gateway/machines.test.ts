/** What a gateway gives away, who can be dialled, and when to try for a direct connection: pure, in their own time. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Ledger, type Circuit } from '../../../mesh/gateway/ledger.ts'
import { gatewayLimits } from '../../../mesh/gateway/limits.ts'
import { Reachability } from '../../../mesh/gateway/reachability.ts'
import { Upgrades } from '../../../mesh/gateway/upgrades.ts'
import { SeededRandom } from '../../sim/index.ts'

describe('a gateway’s ledger', () => {
  test('connects with who keeps a place, for as long as it is kept', () => {
    const ledger = new Ledger()
    expect(ledger.connect('a', 'b', 0)).toMatchObject({ code: 'ERR_GATEWAY_NO_PLACE' })
    expect(ledger.reserve('b', 0)).toBe(gatewayLimits.placeMs)
    expect(ledger.connect('a', 'b', 1)).toEqual({ from: 'a', to: 'b' })
    expect(ledger.connect('a', 'b', gatewayLimits.placeMs)).toMatchObject({ code: 'ERR_GATEWAY_NO_PLACE' })
    expect(ledger.connect('b', 'b', 1)).toMatchObject({ code: 'ERR_GATEWAY_NO_PLACE' })
  })

  test('has room for so many nodes, and renews those that it has when it is full', () => {
    const ledger = new Ledger(1_000, { ...gatewayLimits, places: 2 })
    ledger.reserve('a', 0)
    ledger.reserve('b', 0)
    expect(ledger.reserve('c', 0)).toMatchObject({ code: 'ERR_GATEWAY_FULL' })
    expect(ledger.reserve('a', 10)).toBe(gatewayLimits.placeMs)
    ledger.release('b')
    expect(ledger.reserve('c', 10)).toBe(gatewayLimits.placeMs)
  })

  test('lets no member take what others need', () => {
    const ledger = new Ledger(1_000, { ...gatewayLimits, circuits: 4, circuitsFrom: 2, circuitsTo: 3 })
    for (const node of ['x', 'y']) ledger.reserve(node, 0)
    const open = [ledger.connect('a', 'x', 0), ledger.connect('a', 'y', 0)]
    expect(ledger.connect('a', 'x', 0)).toMatchObject({ code: 'ERR_GATEWAY_FULL' })
    open.push(ledger.connect('b', 'x', 0), ledger.connect('c', 'x', 0))
    expect(ledger.connect('d', 'y', 0)).toMatchObject({ code: 'ERR_GATEWAY_FULL' })
    ledger.close(open[1] as Circuit)
    expect(ledger.connect('d', 'x', 0)).toMatchObject({ code: 'ERR_GATEWAY_FULL' })
    expect(ledger.connect('d', 'y', 0)).toEqual({ from: 'd', to: 'y' })
    expect(ledger.needed(0).sort()).toEqual(['a', 'b', 'c', 'd', 'x', 'y'])
  })

  test('carries, over any run of pieces, no more than its rate and half of it for one member', () => {
    const pieces = fc.array(fc.tuple(fc.constantFrom(0, 1), fc.integer({ min: 1, max: 50_000 })), {
      minLength: 20,
      maxLength: 80,
    })
    fc.assert(
      fc.property(pieces, (script) => {
        const rate = 100_000
        const ledger = new Ledger(rate)
        for (const node of ['x', 'y']) ledger.reserve(node, 0)
        const circuits = [ledger.connect('a', 'x', 0), ledger.connect('b', 'y', 0)] as Circuit[]
        const readyMs = [0, 0]
        const carried = [0, 0]
        for (const [which, bytes] of script) {
          const at = readyMs[which] ?? 0
          const now = Math.max(at, ...readyMs)
          carried[which] = (carried[which] ?? 0) + bytes
          readyMs[which] = now + ledger.carry(circuits[which] as Circuit, bytes, now)
        }
        const seconds = Math.max(...readyMs) / 1_000
        // What was saved up in the first half second, and one piece that is owed.
        const all = (carried[0] ?? 0) + (carried[1] ?? 0)
        expect(all).toBeLessThanOrEqual(rate * (seconds + 0.5) + 50_001)
        for (const bytes of carried) expect(bytes).toBeLessThanOrEqual((rate / 2) * (seconds + 0.5) + 50_001)
      }),
    )
  })
})

describe('whether others can connect', () => {
  const own = ['/ip4/192.0.2.1/tcp/1']

  test('is known at once where its owner says it, or it listens on nothing', () => {
    expect(new Reachability('yes').isReachable).toBe(true)
    expect(new Reachability('no').isReachable).toBe(false)
    const silent = new Reachability('auto')
    expect(silent.isReachable).toBeNull()
    expect(silent.on({ type: 'addresses', list: [] }, 0)).toEqual([])
    expect(silent.isReachable).toBe(false)
  })

  test('is asked of three members; one that cannot is enough', () => {
    const auto = new Reachability('auto')
    auto.on({ type: 'addresses', list: own }, 0)
    const asked = auto.on({ type: 'peers', list: ['a', 'b', 'c', 'd'] }, 0)
    expect(asked.map(({ peer }) => peer)).toEqual(['a', 'b', 'c'])
    auto.on({ type: 'answered', peer: 'a', isReached: true }, 1)
    expect(auto.isReachable).toBeNull()
    auto.on({ type: 'answered', peer: 'b', isReached: false }, 2)
    expect(auto.isReachable).toBe(false)
    auto.on({ type: 'answered', peer: 'c', isReached: true }, 3)
    expect(auto.isReachable).toBe(false)
  })

  test('is asked again after a while, and when the addresses change; who was not asked is not heard', () => {
    const auto = new Reachability('auto')
    auto.on({ type: 'addresses', list: own }, 0)
    auto.on({ type: 'peers', list: ['a'] }, 0)
    auto.on({ type: 'answered', peer: 'z', isReached: false }, 1)
    auto.on({ type: 'answered', peer: 'a', isReached: true }, 1)
    expect(auto.isReachable).toBe(true)
    expect(auto.on({ type: 'tick' }, 60_000)).toEqual([])
    expect(auto.on({ type: 'tick' }, 601_000)).toHaveLength(1)
    auto.on({ type: 'answered', peer: 'a', isReached: null }, 602_000)
    expect(auto.isReachable).toBe(true)
    expect(auto.on({ type: 'addresses', list: ['/ip4/192.0.2.1/tcp/2'] }, 602_001)).toHaveLength(1)
  })
})

describe('tries for a direct connection', () => {
  test('come less and less often, a few at once, and end with it', () => {
    const upgrades = new Upgrades(new SeededRandom(3))
    expect(upgrades.due(['a'], 0)).toEqual([])
    const at: number[] = []
    for (let now = 0; now < 3_600_000; now += 500) {
      for (const peer of upgrades.due(['a'], now)) {
        at.push(now)
        upgrades.ended(peer, false, now)
      }
    }
    expect(at[0]).toBeLessThanOrEqual(4_500)
    expect(at.length).toBeGreaterThan(12)
    expect(at.length).toBeLessThan(60)
    const many = Array.from({ length: 20 }, (_, index) => `p${index}`)
    upgrades.due(many, 4_000_000)
    expect(upgrades.due(many, 4_100_000)).toHaveLength(4)
    expect(upgrades.due(many, 4_100_000)).toEqual([])
  })
})
