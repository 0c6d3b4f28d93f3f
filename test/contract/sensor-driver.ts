/** What every sensor driver promises (host/devices/contract.ts), whatever it measures. */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { systemClock, systemRandom } from '../../core/index.ts'
import type { DriverContext, Sensor, SensorDriver } from '../../host/devices/index.ts'

/**
 * @param options as a person would write them in the device's table
 * @param given what the driver needs of its context beside the machine's own clock and chance
 */
export function describeSensorDriver(
  driver: SensorDriver,
  options: object,
  given: Partial<DriverContext> = {},
): void {
  const context = { clock: systemClock, random: systemRandom, root: '/', ...given }
  describe(`the sensor driver ${driver.kind} with ${JSON.stringify(options)}`, () => {
    const open = async (): Promise<Sensor> => driver.open('probe', v.parse(driver.options, options), context)

    it('says which name, driver and unit it has', async () => {
      const sensor = await open()
      expect(sensor).toMatchObject({ name: 'probe', driver: driver.kind })
      expect(sensor.unit).toMatch(/^\S{1,16}$/)
      await sensor.close()
    })

    it('says what it can tell: a range that is one, a resolution above zero, and whether it speaks', async () => {
      const sensor = await open()
      const { range, resolution } = sensor
      if (range !== null) expect(range.min).toBeLessThanOrEqual(range.max)
      if (resolution !== null) expect(resolution).toBeGreaterThan(0)
      expect(sensor.watch !== undefined).toBe(driver.speaks === true)
      await sensor.close()
    })

    it('reads finite values in its unit, stamped with the time of reading', async () => {
      const sensor = await open()
      const before = systemClock.now()
      const reading = await sensor.read()
      expect(Number.isFinite(reading.value)).toBe(true)
      expect(reading.unit).toBe(sensor.unit)
      expect(reading.value).toBeGreaterThanOrEqual(sensor.range?.min ?? -Infinity)
      expect(reading.value).toBeLessThanOrEqual(sensor.range?.max ?? Infinity)
      expect(reading.timeMs).toBeGreaterThanOrEqual(before)
      expect(reading.timeMs).toBeLessThanOrEqual(systemClock.now())
      await sensor.close()
    })

    it('answers several readers at once', async () => {
      const sensor = await open()
      const readings = await Promise.all([sensor.read(), sensor.read(), sensor.read()])
      expect(readings.every(({ value }) => Number.isFinite(value))).toBe(true)
      await sensor.close()
    })

    it('gives up when the signal is aborted', async () => {
      const sensor = await open()
      await expect(sensor.read(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
      await sensor.close()
    })

    it('can be closed twice', async () => {
      const sensor = await open()
      await sensor.close()
      await sensor.close()
    })

    it('refuses an option it does not know', () => {
      expect(v.safeParse(driver.options, { ...options, nonsense: 1 }).success).toBe(false)
    })
  })
}
