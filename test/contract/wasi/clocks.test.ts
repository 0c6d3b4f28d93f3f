/** wasi:clocks 0.2 as its WIT says it: `monotonic-clock.wit`, `wall-clock.wit`, `timezone.wit`. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ours, subjects, type Resource } from './subjects.ts'

const ms = 1_000_000n
const maxU64 = 0xffff_ffff_ffff_ffffn
const maxU32 = 0xffff_ffff

describe.each(subjects)('the monotonic clock of $name', (subject) => {
  const { now, resolution, subscribeInstant, subscribeDuration } = subject.open()(
    'wasi:clocks/monotonic-clock',
  )
  const read = (): bigint => now!() as bigint

  it('never goes back', () => {
    let last = read()
    for (let count = 0; count < 10_000; count += 1) {
      const next = read()
      expect(next >= last).toBe(true)
      last = next
    }
  })

  it('has a resolution, in nanoseconds', () => {
    expect(resolution!()).toBeGreaterThan(0n)
  })

  it('is ready for an instant that has passed, and for no time at all', () => {
    for (const pollable of [subscribeInstant!(read() - ms), subscribeInstant!(0n), subscribeDuration!(0n)]) {
      ;(pollable as Resource)['block']!()
      expect((pollable as Resource)['ready']!()).toBe(true)
    }
  })

  it('is not ready before its instant, and has passed it when it is', () => {
    fc.assert(
      fc.property(fc.bigInt(ms, 8n * ms), fc.boolean(), (duration, isInstant) => {
        const begin = read()
        const pollable = (
          isInstant ? subscribeInstant!(begin + duration) : subscribeDuration!(duration)
        ) as Resource
        pollable['block']!()
        expect(read() >= begin + duration).toBe(true)
      }),
      { numRuns: 12 },
    )
  })

  it('does not take an hour for less', () => {
    expect((subscribeDuration!(3_600_000n * ms) as Resource)['ready']!()).toBe(false)
    expect((subscribeInstant!(read() + 3_600_000n * ms) as Resource)['ready']!()).toBe(false)
  })

  // Beyond the 24 days of a JavaScript timer the shim wakes every millisecond, with a warning each time.
  const only = it.skipIf(subject !== ours)
  only.each([60n * 86_400_000n * ms, maxU64])('does not take %s ns for less either', (duration) => {
    expect((subscribeDuration!(duration) as Resource)['ready']!()).toBe(false)
    expect((subscribeInstant!(maxU64) as Resource)['ready']!()).toBe(false)
  })
})

describe.each(subjects)('the wall clock of $name', (subject) => {
  const { now, resolution } = subject.open()('wasi:clocks/wall-clock')

  it('counts from 1970, its nanoseconds always below a second', () => {
    for (let count = 0; count < 1_000; count += 1) {
      const before = BigInt(Date.now())
      const { seconds, nanoseconds } = now!() as { seconds: bigint; nanoseconds: number }
      const after = BigInt(Date.now())
      expect(nanoseconds).toBeLessThan(1e9)
      const told = seconds * 1_000n + BigInt(Math.floor(nanoseconds / 1e6))
      expect(told >= before && told <= after).toBe(true)
    }
  })

  it('has a resolution of some size', () => {
    const { seconds, nanoseconds } = resolution!() as { seconds: bigint; nanoseconds: number }
    expect(seconds * 1_000_000_000n + BigInt(nanoseconds)).toBeGreaterThan(0n)
    expect(nanoseconds).toBeLessThanOrEqual(maxU32)
  })
})

describe('the time zone of ours, which the shim does not have', () => {
  it('is UTC', () => {
    const { display, utcOffset } = ours.open()('wasi:clocks/timezone')
    const moment = { seconds: 1_700_000_000n, nanoseconds: 0 }
    expect(display!(moment)).toEqual({ utcOffset: 0, name: 'UTC', inDaylightSavingTime: false })
    expect(utcOffset!(moment)).toBe(0)
  })
})
