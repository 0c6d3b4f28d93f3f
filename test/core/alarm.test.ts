import { describe, expect, test } from 'vitest'
import { Alarm } from '../../core/index.ts'
import { FakeClock } from '../host/fake-clock.ts'

describe('an alarm', () => {
  test('rings at the time it is set to, once, and not before', async () => {
    const clock = new FakeClock()
    let rings = 0
    const alarm = new Alarm(clock, () => rings++)
    alarm.set(clock.monotonicMs() + 100)
    await clock.advance(99)
    expect(rings).toBe(0)
    await clock.advance(1)
    expect(rings).toBe(1)
    await clock.advance(10_000)
    expect(rings).toBe(1)
  })

  test('that is set to an earlier time rings then, and one set to a later time rings no later', async () => {
    const clock = new FakeClock()
    const rung: number[] = []
    const alarm = new Alarm(clock, () => rung.push(clock.monotonicMs()))
    const startMs = clock.monotonicMs()
    alarm.set(startMs + 100)
    alarm.set(startMs + 20)
    alarm.set(startMs + 500)
    await clock.advance(1_000)
    expect(rung).toEqual([startMs + 20])
  })

  test('set to Infinity never rings, and neither does one that was stopped', async () => {
    const clock = new FakeClock()
    let rings = 0
    const alarm = new Alarm(clock, () => rings++)
    alarm.set(Infinity)
    alarm.set(clock.monotonicMs() + 5)
    alarm.stop()
    await clock.advance(1_000_000)
    expect(rings).toBe(0)
  })
})
