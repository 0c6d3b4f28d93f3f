/** What a node tells of the calls that it has under way: rarely, roughly, and nothing where there is nothing to tell. */
import { describe, expect, it } from 'vitest'
import { LoadMeter } from '../../../host/calls/load-meter.ts'
import { VirtualClock } from '../../sim/index.ts'

function meter() {
  const clock = new VirtualClock()
  const told: [number, Record<string, number>][] = []
  const made = new LoadMeter({
    clock,
    tell: (load) => void told.push([clock.monotonicMs(), Object.fromEntries(load)]),
  })
  /** So many calls of an app, one behind the other in each of so many rows. */
  const busy = (app: string, rows: number, callMs: number, untilMs: number): void => {
    for (let row = 0; row < rows; row++) {
      const next = (): void => {
        if (clock.monotonicMs() >= untilMs) return
        const end = made.begin(app)
        clock.after(callMs, () => {
          end()
          next()
        })
      }
      next()
    }
  }
  return { clock, told, made, busy }
}

describe('the load of a node', () => {
  it('is told in powers of two when it comes and when it is over', () => {
    const { clock, told, busy, made } = meter()
    busy('shop', 5, 40, 3_000)
    clock.advance(1_000)
    expect(told).toEqual([[500, { shop: 4 }]])
    expect(Object.fromEntries(made.load)).toEqual({ shop: 4 })
    clock.advance(10_000)
    expect(told).toHaveLength(2)
    expect(told[1]?.[1]).toEqual({})
  })

  it('is not told where calls are few and short, and no timer is left when they are over', () => {
    const { clock, told, busy } = meter()
    busy('shop', 1, 5, 40)
    clock.advance(2_000)
    expect(told).toEqual([])
    let timers = 0
    const counting = new LoadMeter({
      clock: {
        ...clock,
        monotonicMs: () => clock.monotonicMs(),
        now: () => 0,
        after: () => (timers++, () => {}),
      },
      tell: () => {},
    })
    counting.begin('shop')()
    expect(timers).toBe(1)
  })

  it('is told again while it lasts, and not back and forth between two steps', () => {
    const { clock, told, made } = meter()
    const ends = [made.begin('shop'), made.begin('shop'), made.begin('shop')]
    for (let step = 0; step < 40; step++) {
      clock.advance(500)
      // Between two and four: about three on average.
      if (step % 2 === 0) ends.push(made.begin('shop'))
      else ends.pop()?.()
    }
    expect(new Set(told.map(([, load]) => load['shop'])).size).toBe(1)
    expect(told.map(([atMs]) => atMs)).toEqual([500, 5_500, 10_500, 15_500])
  })

  it('counts a call that fails as one that is over', async () => {
    const { clock, told, made } = meter()
    const failing = made.count('shop', () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    clock.advance(5_000)
    expect(told).toEqual([])
  })
})
