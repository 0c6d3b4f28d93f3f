/** Pins of /sys/class/gpio over a faked tree: finding a line, setting it up, and following an input. */
import { afterEach, describe, expect, it } from 'vitest'
import { onoffPin } from '../../../../host/devices/pins/onoff.ts'
import { sysfsPin } from '../../../../host/devices/pins/sysfs.ts'
import { FakeClock, settle } from '../../fake-clock.ts'
import type { DeviceTree } from '../device-tree.ts'
import { hardwareTree } from '../hardware.ts'
import { openPin } from '../open-device.ts'

const trees: DeviceTree[] = []
afterEach(() => {
  for (const tree of trees.splice(0)) tree.close()
})

function newTree(): DeviceTree {
  const tree = hardwareTree()
  trees.push(tree)
  return tree
}

const gpio = 'sys/class/gpio'
const led = { chip: 'pinctrl-bcm2711', line: 17 }
const button = { chip: 'pinctrl-bcm2711', line: 27, direction: 'in', activeLow: true }

/** Files are read in real time, while the clock moves only when told. */
async function advanceUntil(clock: FakeClock, isSo: () => boolean, stepMs = 1): Promise<void> {
  await expect
    .poll(
      async () => {
        await clock.advance(stepMs)
        await settle()
        return isSo()
      },
      { interval: 1 },
    )
    .toBe(true)
}

describe('sysfs', () => {
  it('finds a line by its chip’s label and place, wherever the kernel’s numbers begin', async () => {
    const tree = newTree()
    const pin = await openPin(sysfsPin, led, tree)
    await pin.write(true)
    expect(tree.read(`${gpio}/gpio529/value`).trim()).toBe('1')
    const byName = await openPin(sysfsPin, { chip: 'gpiochip512', line: 17 }, tree)
    expect(await byName.read()).toBe(true)
  })

  it('asks the kernel for a line that nobody asked for, and says what is wrong where none comes', async () => {
    const tree = newTree()
    const clock = new FakeClock()
    let isOver = false
    const opening = openPin(sysfsPin, { ...led, line: 3 }, tree, { clock }).finally(() => {
      isOver = true
    })
    opening.catch(() => {})
    await advanceUntil(clock, () => isOver, 100)
    await expect(opening).rejects.toThrow(/gpio515\/direction: it is not there$/)
    expect(tree.read(`${gpio}/export`)).toBe('515')
  })

  it('waits for udev to give the line to its group', async () => {
    const tree = newTree()
    const clock = new FakeClock()
    const opening = openPin(sysfsPin, { ...led, line: 4, direction: 'in' }, tree, { clock })
    await advanceUntil(clock, () => tree.read(`${gpio}/export`) === '516')
    for (const [file, text] of Object.entries({ direction: 'in', value: '1', active_low: '0' }))
      tree.write(`${gpio}/gpio516/${file}`, text)
    let isOpen = false
    void opening.then(() => {
      isOpen = true
    })
    await advanceUntil(clock, () => isOpen)
    const pin = await opening
    expect(await pin.read()).toBe(true)
    await pin.close()
    expect(tree.read(`${gpio}/unexport`)).toBe('516')
  })

  it('leaves an output as it is, sets one that was an input to off, and to `initial` where that is said', async () => {
    const tree = newTree()
    const direction = `${gpio}/gpio529/direction`
    await openPin(sysfsPin, led, tree)
    expect(tree.read(direction)).toBe('low')
    tree.write(direction, 'out\n')
    await (await openPin(sysfsPin, led, tree)).close()
    expect(tree.read(direction)).toBe('out\n')
    // The levels of `direction` are those of the wire.
    await openPin(sysfsPin, { ...led, activeLow: true, initial: true }, tree)
    expect(tree.read(direction)).toBe('low')
    await openPin(sysfsPin, { ...led, activeLow: true, initial: false }, tree)
    expect(tree.read(direction)).toBe('high')
    expect(tree.read(`${gpio}/gpio529/active_low`)).toBe('1')
    expect(tree.read(`${gpio}/unexport`)).toBe('')
  })

  it('looks at an input while somebody watches, and tells each change once', async () => {
    const tree = newTree()
    const clock = new FakeClock()
    const pin = await openPin(sysfsPin, { ...button, poll: '5ms' }, tree, { clock })
    const seen: boolean[] = []
    const stop = pin.watch(({ level }) => seen.push(level))
    for (const [level, changes] of [
      ['1', 1],
      ['1', 1],
      ['0', 2],
      ['1', 3],
    ] as const) {
      tree.write(`${gpio}/gpio539/value`, level)
      const fromMs = clock.monotonicMs()
      await advanceUntil(clock, () => seen.length === changes && clock.monotonicMs() > fromMs + 10)
    }
    expect(seen).toEqual([true, false, true])
    expect(pin.edges().map(({ level }) => level)).toEqual(seen)
    stop()
    stop()
    await settle()
    expect(clock.pendingTimers).toBe(0)
    await expect(pin.write(true)).rejects.toMatchObject({ code: 'ERR_DEVICE_READ_ONLY' })
    await pin.close()
  })

  it('says that the line is gone when it can no longer be read', async () => {
    const tree = newTree()
    const clock = new FakeClock()
    const pin = await openPin(sysfsPin, button, tree, { clock })
    const why: string[] = []
    pin.onGone?.((text) => why.push(text))
    pin.watch(() => {})
    tree.remove(`${gpio}/gpio539`)
    await advanceUntil(clock, () => why.length > 0)
    expect(why).toEqual([expect.stringMatching(/gpio539\/value: it is not there$/)])
    tree.write(`${gpio}/gpio539/value`, 'high')
    await expect(pin.read()).rejects.toThrow('"high" is no level')
  })

  it('says which chips there are, and how many lines one has', async () => {
    const tree = newTree()
    await expect(openPin(sysfsPin, { chip: 'pinctrl-rp1', line: 1 }, tree)).rejects.toThrow(
      'no GPIO chip has the label pinctrl-rp1; there is pinctrl-bcm2711',
    )
    await expect(openPin(sysfsPin, { ...led, line: 58 }, tree)).rejects.toThrow(
      'has the lines 0 to 57, and no 58',
    )
    tree.remove('sys')
    await expect(openPin(sysfsPin, led, tree)).rejects.toMatchObject({
      hint: expect.stringContaining('driver = "gpiochip"'),
    })
  })
})

describe('onoff', () => {
  interface FakeGpio {
    readonly number: number
    readonly edge: string
    readonly options: { readonly activeLow: boolean }
    level: 0 | 1
    failure?: Error
    isUnexported?: boolean
    readonly listeners: ((error: Error | null, level: 0 | 1) => void)[]
  }

  async function linesOf(tree: DeviceTree): Promise<Map<number, FakeGpio>> {
    const addon = (await import(tree.path('addons/node_modules/onoff/onoff.js'))) as {
      readonly default: { readonly lines: Map<number, FakeGpio> }
    }
    return addon.default.lines
  }

  it('is told edges by the kernel, through the addon beside the program or in the data folder', async () => {
    const tree = newTree()
    const pin = await openPin(onoffPin, button, tree, { addons: ['/nowhere', tree.path('addons')] })
    const gpioLine = (await linesOf(tree)).get(539)
    expect(gpioLine).toMatchObject({ number: 539, edge: 'both', options: { activeLow: true } })
    const seen: boolean[] = []
    const why: string[] = []
    pin.watch(({ level }) => seen.push(level))
    pin.onGone?.((text) => why.push(text))
    for (const level of [1, 1, 0] as const) gpioLine?.listeners[0]?.(null, level)
    gpioLine?.listeners[0]?.(new Error('gone'), 0)
    expect([seen, why]).toEqual([[true, false], ['gone']])
    await expect(pin.write(true)).rejects.toMatchObject({ code: 'ERR_DEVICE_READ_ONLY' })
    await pin.close()
    expect(gpioLine).toMatchObject({ isUnexported: true, listeners: [] })
  })

  it('takes no level that was read before an edge for a change after it', async () => {
    const tree = newTree()
    const addons = [tree.path('addons')]
    const pin = await openPin(onoffPin, button, tree, { addons })
    const gpioLine = (await linesOf(tree)).get(539)
    const seen: boolean[] = []
    pin.watch(({ level }) => seen.push(level))
    // The addon reads 0, and says so only after the kernel has told 1.
    const reading = pin.read()
    gpioLine?.listeners[0]?.(null, 1)
    expect(await reading).toBe(true)
    expect(seen).toEqual([true])
    await pin.close()
  })

  it('keeps an output’s level when it is closed, and names what the addon failed with', async () => {
    const tree = newTree()
    const pin = await openPin(onoffPin, led, tree, { addons: [tree.path('addons')] })
    await pin.write(true)
    const gpioLine = (await linesOf(tree)).get(529)
    expect(gpioLine?.level).toBe(1)
    if (gpioLine !== undefined) gpioLine.failure = Object.assign(new Error('EIO'), { code: 'EIO' })
    await expect(pin.read()).rejects.toThrow('does not answer')
    await pin.close()
    expect(gpioLine?.isUnexported).toBeUndefined()
  })

  it('gives a line back that cannot be watched, and says why it cannot', async () => {
    const tree = newTree()
    const addon = tree.read('addons/node_modules/onoff/onoff.js')
    const failing = `throw Object.assign(new Error('EPERM'), { code: 'EPERM' })`
    tree.write(
      'addons/node_modules/onoff/onoff.js',
      addon.replace('this.listeners.push(listener)', failing).replace('this.listeners = []', failing),
    )
    await expect(openPin(onoffPin, button, tree, { addons: [tree.path('addons')] })).rejects.toMatchObject({
      code: 'ERR_DEVICE_UNAVAILABLE',
      hint: expect.stringContaining('usermod -aG gpio'),
    })
  })

  it('says how it is installed, and what does without', async () => {
    const tree = newTree()
    await expect(openPin(onoffPin, led, tree, { addons: [tree.root] })).rejects.toMatchObject({
      message: 'the addon onoff is not installed',
      hint: expect.stringMatching(/npm install --prefix .* onoff.*driver = "sysfs"/),
    })
  })
})
