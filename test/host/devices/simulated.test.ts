import * as fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { simulatedSensor, simulatedValue } from '../../../host/devices/sensors/simulated.ts'
import { FakeClock, seededRandom } from '../fake-clock.ts'

const curve = (options: object) => v.parse(simulatedSensor.options, options)
const shapes = ['daylight', 'sine', 'steps', 'constant'] as const

async function readTwenty(): Promise<number[]> {
  const clock = new FakeClock()
  const options = curve({ noise: 10, min: 0, max: 100, shape: 'sine', period: '1s' })
  const sensor = await simulatedSensor.open('light', options, { clock, random: seededRandom(7), root: '/' })
  const values: number[] = []
  for (let i = 0; i < 20; i += 1) {
    values.push((await sensor.read()).value)
    await clock.advance(90)
  }
  return values
}

describe('the simulated sensor', () => {
  it('follows daylight: night for half the period, brightest in the middle of the other half', () => {
    const daylight = curve({ shape: 'daylight', period: '24h', min: 2, max: 1_000 })
    expect(simulatedValue(daylight, 6 * 3_600_000)).toBeCloseTo(1_000)
    expect(simulatedValue(daylight, 13 * 3_600_000)).toBe(2)
    expect(simulatedValue(daylight, 23 * 3_600_000)).toBe(2)
  })

  it('is shifted by its phase, a share of the period', () => {
    const plain = curve({ shape: 'sine', period: '10s' })
    const shifted = curve({ shape: 'sine', period: '10s', phase: 0.25 })
    expect(simulatedValue(shifted, 1_000)).toBeCloseTo(simulatedValue(plain, 3_500))
  })

  it('takes the steps in turn, each for the same time', () => {
    const steps = curve({ shape: 'steps', period: '3s', values: [1, 5, 2] })
    expect([0, 999, 1_000, 2_500, 3_000].map((ms) => simulatedValue(steps, ms))).toEqual([1, 1, 5, 2, 1])
  })

  it('stays between its bounds and repeats with its period, whatever the options', () => {
    const anyCurve = fc.record({
      shape: fc.constantFrom(...shapes),
      min: fc.integer({ min: -1_000, max: 0 }),
      max: fc.integer({ min: 1, max: 1_000 }),
      phase: fc.double({ min: -3, max: 3, noNaN: true }),
    })
    fc.assert(
      fc.property(anyCurve, fc.integer({ min: 0, max: 2 ** 41 }), (options, nowMs) => {
        const value = simulatedValue(curve({ ...options, period: '7s' }), nowMs)
        expect(value).toBeGreaterThanOrEqual(options.min)
        expect(value).toBeLessThanOrEqual(options.max)
        if (options.shape !== 'steps') {
          expect(simulatedValue(curve({ ...options, period: '7s' }), nowMs + 7_000)).toBeCloseTo(value, 1)
        }
      }),
    )
  })

  it('reads the same again from the same clock and the same chance', async () => {
    const first = await readTwenty()
    expect(await readTwenty()).toEqual(first)
    expect(new Set(first).size).toBeGreaterThan(15)
    expect(first.every((value) => value >= 0 && value <= 100)).toBe(true)
  })
})
