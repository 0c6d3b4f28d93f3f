/** What every pin driver promises (host/devices/contract.ts), whatever is wired to it. */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { systemClock, systemRandom } from '../../core/index.ts'
import type { DriverContext, Pin, PinDriver, PinEdge } from '../../host/devices/index.ts'

/**
 * @param options as a person would write them in the device's table
 * @param given what the driver needs of its context beside the machine's own clock and chance
 */
export function describePinDriver(
  driver: PinDriver,
  options: object,
  given: Partial<DriverContext> = {},
): void {
  const context = { clock: systemClock, random: systemRandom, root: '/', ...given }
  const direction = driver.directionOf(v.parse(driver.options, options))
  describe(`the pin driver ${driver.kind} with ${JSON.stringify(options)}`, () => {
    const open = async (): Promise<Pin> => driver.open('probe', v.parse(driver.options, options), context)

    it('says which name and driver it has', async () => {
      const pin = await open()
      expect(pin).toMatchObject({ name: 'probe', driver: driver.kind, direction })
      await pin.close()
    })

    it.runIf(direction === 'in')('reads a level and refuses to be set', async () => {
      const pin = await open()
      expect([true, false]).toContain(await pin.read())
      await expect(pin.write(true)).rejects.toMatchObject({ code: 'ERR_DEVICE_READ_ONLY' })
      await pin.close()
    })

    it.runIf(direction === 'out')('tells each who watches of changes, until it stops watching', async () => {
      const pin = await open()
      const told: PinEdge[][] = [[], []]
      const cancels = told.map((edges) => pin.watch((edge) => edges.push(edge)))
      const initial = await pin.read()
      await pin.write(!initial)
      cancels[0]?.()
      await pin.write(initial)
      await expect.poll(() => told[1]?.length).toBe(2)
      expect(told.map((edges) => edges.map(({ level }) => level))).toEqual([[!initial], [!initial, initial]])
      await pin.close()
    })

    it.runIf(direction === 'out')('reads back what was written', async () => {
      const pin = await open()
      for (const level of [true, false, false, true]) {
        await pin.write(level)
        expect(await pin.read()).toBe(level)
      }
      await pin.close()
    })

    it.runIf(direction === 'out')('records changes of level only, oldest first', async () => {
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

    it.runIf(direction === 'out')('keeps the last 256 edges at most', async () => {
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
