/** Pins through programs that behave like those of libgpiod 1.6 and 2; the real ones want a real chip. */
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { isSelvedgeError } from '../../../../core/index.ts'
import { gpiochipPin } from '../../../../host/devices/pins/gpiochip.ts'
import { chipOf, levelOf } from '../../../../host/devices/pins/gpiod-tools.ts'
import { DeviceTree } from '../device-tree.ts'
import { addGpiodPrograms } from '../gpiod-programs.ts'
import { openPin } from '../open-device.ts'

const trees: DeviceTree[] = []
afterEach(() => {
  for (const tree of trees.splice(0)) tree.close()
})

function newTree(version: 1 | 2, options?: { readonly interactive: boolean }): DeviceTree {
  const tree = new DeviceTree()
  trees.push(tree)
  addGpiodPrograms(tree, version, options)
  return tree
}

const led = { chip: 'pinctrl-bcm2711', line: 17 }
const button = { ...led, line: 27, direction: 'in' }

const kinds = [
  { name: 'libgpiod 1.6', make: () => newTree(1) },
  { name: 'libgpiod 2', make: () => newTree(2) },
  { name: 'libgpiod 2 without orders', make: () => newTree(2, { interactive: false }) },
]

describe.each(kinds)('gpiochip through $name', ({ make }) => {
  it('drives an output, wired either way, and holds it', async () => {
    const tree = make()
    const pin = await openPin(gpiochipPin, { ...led, activeLow: true, initial: true }, tree)
    expect([await pin.read(), tree.read('lines/gpiochip0-17').trim()]).toEqual([true, '0'])
    await pin.write(false)
    expect([await pin.read(), tree.read('lines/gpiochip0-17').trim()]).toEqual([false, '1'])
    expect(pin.edges().map(({ level }) => level)).toEqual([false])
    // Nobody else can have it meanwhile.
    await expect(openPin(gpiochipPin, led, tree)).rejects.toMatchObject({
      message: expect.stringContaining('somebody else uses it'),
    })
    await pin.close()
    await pin.close()
    await (await openPin(gpiochipPin, led, tree)).close()
  })

  it('is told the edges of an input', async () => {
    const tree = make()
    const pin = await openPin(gpiochipPin, { ...button, bias: 'pull-up' }, tree)
    expect(tree.read('lines/bias')).toBe('pull-up\n')
    const seen: boolean[] = []
    pin.watch(({ level }) => seen.push(level))
    expect(await pin.read()).toBe(false)
    tree.write('lines/gpiochip0-27', '1')
    await expect.poll(() => seen).toEqual([true])
    expect(await pin.read()).toBe(true)
    tree.write('lines/gpiochip0-27', '0')
    await expect.poll(() => seen).toEqual([true, false])
    await expect(pin.write(true)).rejects.toMatchObject({ code: 'ERR_DEVICE_READ_ONLY' })
    await pin.close()
  })

  it('says that the line is gone when the program that holds it ends', async () => {
    const tree = make()
    const pin = await openPin(gpiochipPin, button, tree)
    const why = new Promise<string>((resolve) => void pin.onGone?.(resolve))
    process.kill(Number(tree.read('lines/gpiochip0-27.held')), 'SIGKILL')
    expect(await why).toContain('line 27 of pinctrl-bcm2711')
    await expect(pin.read()).rejects.toMatchObject({ code: 'ERR_DEVICE_UNAVAILABLE' })
    await pin.close()
    await (await openPin(gpiochipPin, button, tree)).close()
  })

  it('names the group where the chip is another’s', async () => {
    const tree = make()
    tree.write('lines/denied', '')
    for (const options of [led, button]) {
      await expect(openPin(gpiochipPin, options, tree)).rejects.toMatchObject({
        hint: expect.stringContaining('usermod -aG gpio'),
      })
    }
  })
})

describe('gpiochip', () => {
  it('leaves an output of version 2 as it is where nothing else is said', async () => {
    const tree = newTree(2)
    tree.write('lines/gpiochip0-17', '1')
    const pin = await openPin(gpiochipPin, led, tree)
    expect(await pin.read()).toBe(true)
    await pin.close()
  })

  it('fails a write that gpioset complains of, and lives on', async () => {
    const tree = newTree(2)
    const pin = await openPin(gpiochipPin, led, tree)
    tree.write('lines/broken', '')
    await expect(pin.write(true)).rejects.toThrow('unable to set values')
    tree.remove('lines/broken')
    await pin.write(true)
    expect(await pin.read()).toBe(true)
    await pin.close()
  })

  it('names what is missing, and finds chips by label or name alone', async () => {
    const none = new DeviceTree()
    trees.push(none)
    await expect(openPin(gpiochipPin, led, none)).rejects.toMatchObject({
      hint: expect.stringContaining('apt install gpiod'),
    })
    await expect(openPin(gpiochipPin, { ...led, chip: 'rp1' }, newTree(1))).rejects.toThrow(
      'no GPIO chip has the label rp1; there is pinctrl-bcm2711, raspberrypi-exp-gpio',
    )
    const odd = newTree(1)
    odd.program('gpiodetect', `echo 'gpiodetect v7.0'`)
    await expect(openPin(gpiochipPin, led, odd)).rejects.toThrow('no version that is known')
  })

  it('makes of any listing a chip’s name or an error, and of any line an edge or none', () => {
    const parts = fc.constantFrom('gpiochip0', ' [', 'a', '] (', '58 lines)', '\n', ']', '[')
    const text = fc.oneof(
      fc.string({ unit: 'binary-ascii' }),
      fc.array(parts).map((each) => each.join('')),
    )
    fc.assert(
      fc.property(text, (listing) => {
        const level = levelOf({ version: 2 }, listing)
        if (level !== null && !['1', '2'].includes(listing.trim())) return false
        try {
          return /^gpiochip\d+$/.test(chipOf('a', listing))
        } catch (error) {
          return isSelvedgeError(error, 'ERR_DEVICE_UNAVAILABLE')
        }
      }),
    )
    expect([
      levelOf({ version: 1 }, '0'),
      levelOf({ version: 2 }, '2'),
      levelOf({ version: 1 }, '2'),
    ]).toEqual([false, false, null])
  })
})
