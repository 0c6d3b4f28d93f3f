import { describe, expect, it } from 'vitest'
import { GroupClock } from '../../../host/replicas/group-clock.ts'
import { forgottenAfterMs, Heard } from '../../../host/replicas/heard.ts'
import { neighboursOf, storeGroup } from '../../../host/replicas/members.ts'
import { VirtualClock } from '../../sim/index.ts'

const now = Date.UTC(2026, 5, 1)
const vector = (counter: number): Map<string, number> => new Map([['n0/a', counter]])

describe('the time in a group', () => {
  it('is the median of the clocks that were heard, and a stamp may be a minute ahead of it', () => {
    const clock = new VirtualClock(now)
    const time = new GroupClock(clock)
    expect(time.time()).toEqual({ wallMs: now, latestMs: now + 60_000 })
    time.heard('n1', now + 10_000)
    time.heard('n2', Date.UTC(2035, 0, 1))
    expect(time.time().latestMs).toBe(now + 70_000)
    clock.advance(5_000)
    expect(time.time().latestMs).toBe(now + 75_000)
  })

  it('goes by the earlier of two clocks', () => {
    const time = new GroupClock(new VirtualClock(Date.UTC(2035, 0, 1)))
    time.heard('n1', now)
    expect(time.time().latestMs).toBe(now + 60_000)
    expect(time.aheadMs()).toBeGreaterThan(60_000)
  })

  it('does not ask clocks that were never set, and is unknown where none is', () => {
    const time = new GroupClock(new VirtualClock(5_000))
    expect(time.time()).toEqual({ wallMs: 0, latestMs: Infinity })
    time.heard('n1', 0)
    expect(time.time().latestMs).toBe(Infinity)
    time.heard('n2', now)
    expect(time.time().latestMs).toBe(now + 60_000)
    time.retain(new Set(['n1']))
    expect(time.time().latestMs).toBe(Infinity)
  })
})

describe('what can be forgotten', () => {
  it('is what every member knows', () => {
    const heard = new Heard()
    heard.retain(new Set(['n1', 'n2']), 0)
    heard.heard('n1', vector(5), 0)
    expect(heard.stable(vector(9), 0)).toBeNull()
    heard.heard('n2', vector(3), 0)
    expect(heard.stable(vector(9), 0)).toEqual({ stable: vector(3), everywhere: vector(3) })
    heard.heard('stranger', vector(1), 0)
    expect(heard.stable(vector(9), 0)?.stable).toEqual(vector(3))
  })

  it('does not wait for a member that was not heard of for long, nor for one that was turned out', () => {
    const heard = new Heard()
    heard.retain(new Set(['n1', 'n2']), 0)
    heard.heard('n1', vector(5), forgottenAfterMs)
    expect(heard.stable(vector(9), forgottenAfterMs)).toEqual({ stable: vector(5), everywhere: new Map() })
    heard.retain(new Set(['n1']), forgottenAfterMs)
    expect(heard.stable(vector(9), forgottenAfterMs)).toEqual({ stable: vector(5), everywhere: vector(5) })
  })

  it('of counters is nothing while somebody knows more', () => {
    const heard = new Heard()
    heard.retain(new Set(['n1']), 0)
    heard.heard('n1', vector(9), 0)
    expect(heard.stable(vector(5), 0)).toEqual({ stable: vector(5), everywhere: new Map() })
  })
})

describe('who shares a store', () => {
  it('is the first of a node’s groups that the app is for', () => {
    expect(storeGroup(['lobby', 'garage'], [])).toBe('garage')
    expect(storeGroup(['lobby', 'garage'], ['lobby'])).toBe('lobby')
    expect(storeGroup(['lobby'], ['garage'])).toBeNull()
    expect(storeGroup([], [])).toBe('')
    expect(storeGroup([], ['garage'])).toBeNull()
  })

  it('speaks with all in a small group, and with a few in a large one, so that all are connected', () => {
    const small = ['a', 'b', 'c']
    expect(neighboursOf('b', small)).toEqual(['a', 'c'])
    const large = Array.from({ length: 60 }, (_, at) => `n${at}`)
    const reached = new Set(['n0'])
    for (const node of reached) {
      const neighbours = neighboursOf(node, large)
      expect(neighbours.length).toBeLessThanOrEqual(6)
      for (const neighbour of neighbours) reached.add(neighbour)
    }
    expect(reached.size).toBe(60)
  })
})
