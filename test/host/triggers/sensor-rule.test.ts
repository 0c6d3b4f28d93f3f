import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Reading } from '../../../host/devices/index.ts'
import { freshRule, judgeReading, type SensorRule } from '../../../host/triggers/sensor/rule.ts'
import { runTrigger } from './context.ts'

function told(values: readonly number[], rule: SensorRule): number[] {
  let state = freshRule
  return values.filter((value) => {
    const judged = judgeReading(state, value, rule)
    state = judged.state
    return judged.tells
  })
}

describe('the rule of a sensor trigger', () => {
  it('tells every reading where it says nothing', () => {
    expect(told([1, 1, 2], {})).toEqual([1, 1, 2])
  })

  it('tells the first reading, and then each that differs by the amount from what was told last', () => {
    expect(told([20, 20.4, 20.6, 21, 21.4, 20], { change: 1 })).toEqual([20, 21, 20])
  })

  it('tells a crossing once, and again only after the value was back by the hysteresis', () => {
    const rule = { above: 30, hysteresis: 2 }
    expect(told([29, 31, 33, 29.5, 30.5, 28, 30, 31], rule)).toEqual([31, 31])
    expect(told([18, 21, 19.5, 22, 19], { below: 20, hysteresis: 2 })).toEqual([18, 19])
  })

  it('tells at once of a value that is beyond the threshold when it is first seen', () => {
    expect(told([40, 41], { above: 30 })).toEqual([40])
  })

  it('never tells two crossings with no value between them that was back by the hysteresis', () => {
    const value = fc.double({ min: -50, max: 50, noNaN: true })
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 60 }),
        fc.double({ min: 0, max: 20, noNaN: true }),
        (values, by) => {
          let state = freshRule
          let lowest = Number.NEGATIVE_INFINITY
          for (const each of values) {
            const { state: next, tells } = judgeReading(state, each, { above: 10, hysteresis: by })
            if (tells) {
              expect(each).toBeGreaterThan(10)
              expect(lowest).toBeLessThanOrEqual(10 - by)
              lowest = Number.POSITIVE_INFINITY
            }
            lowest = Math.min(lowest, each)
            state = next
          }
        },
      ),
    )
  })

  it('never leaves a change of the amount untold', () => {
    const value = fc.double({ min: -50, max: 50, noNaN: true })
    fc.assert(
      fc.property(fc.array(value), (values) => {
        let last: number | null = null
        let state = freshRule
        for (const each of values) {
          const { state: next, tells } = judgeReading(state, each, { change: 5 })
          if (tells) last = each
          expect(last).not.toBeNull()
          expect(Math.abs(each - (last ?? 0))).toBeLessThan(5)
          state = next
        }
      }),
    )
  })
})

describe('a sensor that speaks by itself', () => {
  const speaking = () => {
    const listeners = new Set<(reading: Reading) => void>()
    const sensor = {
      name: 'light',
      driver: 'fake',
      unit: 'lx',
      range: null,
      resolution: null,
      read: async () => ({ value: 5, unit: 'lx', timeMs: 0 }),
      watch: (listener: (reading: Reading) => void) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      close: async () => {},
    }
    const say = (value: number): void => {
      for (const listener of listeners) listener({ value, unit: 'lx', timeMs: 7 })
    }
    return { sensors: new Map([['light', sensor]]), say, listeners }
  }

  it('is listened to, each value as it comes, until the trigger stops', async () => {
    const { sensors, say, listeners } = speaking()
    const run = runTrigger({ kind: 'sensor', sensor: 'light' }, ['sensor:light'], { sensors })
    say(1)
    say(2)
    await run.clock.advance(5_000)
    expect(run.events.map(({ payload }) => payload)).toMatchObject([{ value: 1 }, { value: 2 }])
    run.stop()
    expect(listeners.size).toBe(0)
  })

  it('is read at a rate where the trigger names one', async () => {
    const { sensors, say } = speaking()
    const run = runTrigger({ kind: 'sensor', sensor: 'light', everyMs: 1_000 }, ['sensor:light'], { sensors })
    say(1)
    await run.clock.advance(2_500)
    expect(run.events).toHaveLength(2)
  })

  it('that says no number is told of, and makes no event', () => {
    const { sensors, say } = speaking()
    const run = runTrigger({ kind: 'sensor', sensor: 'light' }, ['sensor:light'], { sensors })
    say(Number.NaN)
    expect(run.events).toEqual([])
    expect(run.problems).toMatchObject([{ code: 'ERR_TRIGGER_READING' }])
  })

  it('hands lists to the handler of lists', () => {
    const { sensors } = speaking()
    const run = runTrigger({ kind: 'sensor', sensor: 'light', batchMost: 10 }, ['sensor:light'], { sensors })
    expect(run.planned.target).toBe('selvedge:edge/sensor-batch-handler@0.1.0#handle')
    const payload = { sensor: 'light', value: 1, unit: 'lx', timeMs: 3 }
    const args = run.planned.args([1, 2].map((id) => ({ payload, facts: { id, attempt: 1 } })))
    const reading = { value: 1, unit: 'lx', timeMs: 3n }
    expect(args).toEqual([
      [
        { id: 1n, sensor: 'light', reading },
        { id: 2n, sensor: 'light', reading },
      ],
    ])
  })
})
