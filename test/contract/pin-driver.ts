/** What every pin driver promises (host/devices/contract.ts), whatever is wired to it. */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { systemClock, systemRandom } from '../../core/index.ts'
import type { Pin, PinDriver } from '../../host/devices/index.ts'

/** @param options as a person would write them in the device's table */
export function describePinDriver(driver: PinDriver, options: object): void {
  describe(`the pin driver ${driver.kind} with ${JSON.stringify(options)}`, () => {
    const open = async (): Promise<Pin> =>
      driver.open('probe', v.parse(driver.options, options), { clock: systemClock, random: systemRandom })

    it('says which name and driver it has', async () => {
      const pin = await open()
      expect(pin).toMatchObject({ name: 'probe', driver: driver.kind })
      await pin.close()
    })

    it('reads back what was written', async () => {
      const pin = await open()
      for (const level of [true, false, false, true]) {
        await pin.write(level)
        expect(await pin.read()).toBe(level)
      }
      await pin.close()
    })

    it('records changes of level only, oldest first', async () => {
      const pin = await open()
      const initial = await pin.read()
      await pin.write(initial)
      await pin.write(!initial)
      await pin.write(!initial)
      await pin.write(initial)
      expect(pin.edges().map(({ level }) => level)).toEqual([!initial, initial])
      const [first, second] = pin.edges()
      expect(first?.timeMs).toBeLessThanOrEqual(second?.timeMs ?? 0)
      await pin.close()
    })

    it('keeps the last 256 edges at most', async () => {
      const pin = await open()
      let level = await pin.read()
      for (let count = 0; count < 300; count += 1) {
        level = !level
        await pin.write(level)
      }
      expect(pin.edges()).toHaveLength(256)
      expect(pin.edges().at(-1)?.level).toBe(level)
      await pin.close()
    })

    it('can be closed twice', async () => {
      const pin = await open()
      await pin.close()
      await pin.close()
    })
  })
}
