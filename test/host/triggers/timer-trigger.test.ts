import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextTurn } from '../../../host/triggers/timer/index.ts'
import { runTrigger } from './context.ts'

describe('the timer trigger', () => {
  it('makes an event each period, for the timer handler', async () => {
    const run = runTrigger({ kind: 'timer', everyMs: 1_000 }, [])
    await run.clock.advance(3_500)
    expect(run.events).toHaveLength(3)
    expect(run.args(9)).toEqual([
      { id: 9n, attempt: 1, schedule: 'every 1000 ms', timeMs: BigInt(run.clock.epochMs + 3_000), missed: 0 },
    ])
    run.stop()
    await run.clock.advance(5_000)
    expect(run.events).toHaveLength(3)
  })

  it('comes later by chance, and keeps its rhythm', async () => {
    const run = runTrigger({ kind: 'timer', everyMs: 1_000, jitterMs: 400 }, [])
    await run.clock.advance(20_450)
    const times = run.events.map(({ payload }) => (payload as { timeMs: number }).timeMs - run.clock.epochMs)
    expect(times).toHaveLength(20)
    for (const [index, time] of times.entries()) {
      expect(time - (index + 1) * 1_000).toBeGreaterThanOrEqual(0)
      expect(time - (index + 1) * 1_000).toBeLessThanOrEqual(400)
    }
    expect(new Set(times.map((time) => time % 1_000)).size).toBeGreaterThan(5)
  })

  it('waits longer than a timer of the system can', async () => {
    const run = runTrigger({ kind: 'timer', everyMs: 30 * 86_400_000 }, [])
    await run.clock.advance(30 * 86_400_000 - 1)
    expect(run.events).toHaveLength(0)
    await run.clock.advance(1)
    expect(run.events).toHaveLength(1)
  })

  it('counts turns that went by, and takes none twice', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 10_000 }), { maxLength: 30 })
    fc.assert(
      fc.property(steps, fc.integer({ min: 10, max: 3_000 }), (waits, everyMs) => {
        let last = 0
        let nowMs = 0
        for (const wait of waits) {
          nowMs += wait
          const { turn, missed } = nextTurn(last, nowMs, everyMs)
          expect(turn * everyMs).toBeGreaterThan(nowMs)
          expect(turn).toBe(last + 1 + missed)
          last = turn
        }
      }),
    )
  })
})
