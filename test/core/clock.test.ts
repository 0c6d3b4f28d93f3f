import { describe, expect, it } from 'vitest'
import { backoffMs, delay, every, systemClock, systemRandom, type Random } from '../../core/index.ts'
import { VirtualClock } from '../sim/virtual-clock.ts'

const chance = (fraction: number): Random => ({ fraction: () => fraction, bytes: (n) => new Uint8Array(n) })

describe('every', () => {
  it('repeats from end to start until cancelled', () => {
    const clock = new VirtualClock()
    const at: number[] = []
    const cancel = every(clock, 100, () => at.push(clock.monotonicMs()))
    clock.advance(350)
    cancel()
    clock.advance(500)
    expect(at).toEqual([100, 200, 300])
  })

  it('can be cancelled from inside a turn', () => {
    const clock = new VirtualClock()
    let turns = 0
    const cancel = every(clock, 10, () => {
      turns += 1
      if (turns === 2) cancel()
    })
    clock.advance(100)
    expect(turns).toBe(2)
  })
})

describe('delay', () => {
  it('resolves when its time has come', async () => {
    const clock = new VirtualClock()
    const waited = delay(clock, 50)
    clock.advance(50)
    await expect(waited).resolves.toBeUndefined()
  })

  it('rejects with the reason of a signal that aborts first, and leaves no timer', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const waited = delay(clock, 50, stop.signal)
    stop.abort(new Error('enough'))
    clock.advance(100)
    await expect(waited).rejects.toThrow('enough')
    await expect(delay(clock, 50, stop.signal)).rejects.toThrow('enough')
  })
})

describe('backoff', () => {
  it('grows from half the base to the cap', () => {
    expect(backoffMs(0, 100, 1_000, chance(0))).toBe(50)
    expect(backoffMs(2, 100, 1_000, chance(0.999_999))).toBeCloseTo(400, 1)
    expect(backoffMs(500, 100, 1_000, chance(0.999_999))).toBeCloseTo(1_000, 1)
  })

  it('never exceeds a cap below the base', () => {
    expect(backoffMs(0, 100, 20, chance(0.5))).toBe(20)
  })
})

it('the system clock fires its timers, forgets cancelled ones, and never goes back', async () => {
  const before = systemClock.monotonicMs()
  const fired: string[] = []
  const cancel = systemClock.after(1, () => fired.push('cancelled'))
  cancel()
  await new Promise<void>((resolve) => {
    systemClock.after(5, () => {
      fired.push('due')
      resolve()
    })
    // The clock's own timers keep no process alive.
    setTimeout(() => {}, 50)
  })
  expect(fired).toEqual(['due'])
  expect(systemClock.monotonicMs()).toBeGreaterThan(before)
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000)
})

it('the system’s chance gives as many bytes as asked for, and fractions below one', () => {
  expect(systemRandom.bytes(32)).toHaveLength(32)
  expect(systemRandom.bytes(32)).not.toEqual(systemRandom.bytes(32))
  expect(systemRandom.fraction()).toBeLessThan(1)
})
