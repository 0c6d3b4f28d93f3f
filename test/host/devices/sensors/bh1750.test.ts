/** The worked example of a chip on a bus: the data sheet's commands, times and formula, on a model of the chip. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { luxOf, openBh1750 } from '../../../../host/devices/sensors/bh1750.ts'
import { FakeClock } from '../../fake-clock.ts'
import { busWith, Bh1750Model } from '../bh1750-model.ts'

const usual = { address: 0x23, mode: 'high', measurementTime: 69 } as const

async function readOnce(
  chip: Bh1750Model,
  options: Parameters<typeof openBh1750>[1] = usual,
): Promise<number> {
  const clock = new FakeClock()
  const sensor = await openBh1750('light', options, busWith(chip), { clock })
  const reading = sensor.read()
  await clock.advance(1_000)
  return (await reading).value
}

describe('bh1750', () => {
  it('switches on, measures once and reads two bytes after the longest time that may take', async () => {
    const chip = new Bh1750Model()
    const clock = new FakeClock()
    const bus = busWith(chip)
    const sensor = await openBh1750('light', usual, bus, { clock })
    expect(sensor).toMatchObject({ unit: 'lx', driver: 'bh1750' })
    const reading = sensor.read()
    await clock.advance(179)
    expect(chip.commands).toEqual([0x01, 0x20])
    expect(bus.transactions).toHaveLength(2)
    await clock.advance(1)
    expect(await reading).toMatchObject({ value: 400, unit: 'lx', timeMs: clock.now() })
    // One command between start and stop: the chip takes no more.
    expect(bus.transactions.every((steps) => steps.length === 1)).toBe(true)
  })

  it('knows the numbers of its data sheet', () => {
    // "H-resolution mode: 1000 0011 1001 0000: 28067 lx" of the data sheet's example.
    expect(luxOf(0b1000_0011_1001_0000, { mode: 'high', measurementTime: 69 })).toBeCloseTo(28_066.67, 1)
    expect(luxOf(0xffff, { mode: 'fine', measurementTime: 69 })).toBeCloseTo(27_306.25)
    // "0.11 lx" a count in the fine mode at the longest time; "121556 lx" at most at the shortest.
    expect(luxOf(1, { mode: 'fine', measurementTime: 254 })).toBeCloseTo(0.113, 3)
    expect(luxOf(0xffff, { mode: 'high', measurementTime: 31 })).toBeCloseTo(121_557, 0)
  })

  it('reads what shines on it in every mode and time, to its resolution and inside its range', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('high', 'fine', 'low'),
        fc.integer({ min: 31, max: 254 }),
        fc.double({ min: 0, max: 130_000, noNaN: true }),
        async (mode, measurementTime, lux) => {
          const chip = new Bh1750Model()
          chip.lux = lux
          const options = { address: 0x23, mode, measurementTime } as const
          const sensor = await openBh1750('light', options, busWith(chip), { clock: new FakeClock() })
          const value = await readOnce(chip, options)
          const { max } = sensor.range ?? { max: 0 }
          expect(value).toBeLessThanOrEqual(max)
          expect(Math.abs(value - Math.min(lux, max))).toBeLessThanOrEqual(sensor.resolution ?? 0)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('says its measurement time again with each reading, for a chip that lost power has forgotten it', async () => {
    const chip = new Bh1750Model()
    const options = { ...usual, measurementTime: 138 }
    expect(await readOnce(chip, options)).toBe(400)
    chip.reset()
    expect(await readOnce(chip, options)).toBe(400)
    expect(chip.commands.slice(0, 4)).toEqual([0x01, 0x40 | (138 >> 5), 0x60 | (138 & 31), 0x20])
  })

  it('does not open where nothing answers, and fails a reading when the chip leaves', async () => {
    const chip = new Bh1750Model()
    chip.isPresent = false
    const clock = new FakeClock()
    await expect(openBh1750('light', usual, busWith(chip), { clock })).rejects.toMatchObject({
      code: 'ERR_I2C_SILENT',
    })
    chip.isPresent = true
    const sensor = await openBh1750('light', usual, busWith(chip), { clock })
    chip.isPresent = false
    await expect(sensor.read()).rejects.toMatchObject({ code: 'ERR_I2C_SILENT' })
  })

  it('stops waiting when nobody wants the reading any more', async () => {
    const sensor = await openBh1750('light', usual, busWith(new Bh1750Model()), { clock: new FakeClock() })
    const giveUp = new AbortController()
    const reading = sensor.read(giveUp.signal)
    giveUp.abort(new Error('enough'))
    await expect(reading).rejects.toThrow('enough')
  })
})
