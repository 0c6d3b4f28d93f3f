/** An input pin as a sensor of two values, over a faked /sys/class/gpio. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Reading } from '../../../../host/devices/index.ts'
import { pinSensor } from '../../../../host/devices/sensors/pin.ts'
import type { DeviceTree } from '../device-tree.ts'
import { hardwareTree } from '../hardware.ts'
import { openSensor } from '../open-device.ts'

const trees: DeviceTree[] = []
afterEach(() => {
  for (const tree of trees.splice(0)) tree.close()
})

function newTree(): DeviceTree {
  const tree = hardwareTree()
  trees.push(tree)
  return tree
}

const value = 'sys/class/gpio/gpio539/value'
const wired = { chip: 'pinctrl-bcm2711', line: 27 }
const inLux = { ...wired, via: 'sysfs', on: 900, off: 10, unit: 'lx', poll: '1ms' }

describe('a pin as a sensor', () => {
  it('reads one value while the pin is on and another while it is off', async () => {
    const tree = newTree()
    const sensor = await openSensor(pinSensor, inLux, tree)
    expect(sensor).toMatchObject({ range: { min: 10, max: 900 }, resolution: 890 })
    expect(await sensor.read()).toMatchObject({ value: 10, unit: 'lx' })
    tree.write(value, '1')
    expect(await sensor.read()).toMatchObject({ value: 900, unit: 'lx' })
    await sensor.close()
  })

  it('tells whoever begins to listen how it is, and each change from then on', async () => {
    const tree = newTree()
    const sensor = await openSensor(pinSensor, inLux, tree)
    const heard: number[] = []
    const stop = sensor.watch?.((reading: Reading) => heard.push(reading.value))
    for (const [level, count] of [
      ['0', 1],
      ['1', 2],
      ['0', 3],
    ] as const) {
      tree.write(value, level)
      await expect.poll(() => heard.length, { interval: 1 }).toBe(count)
    }
    expect(heard).toEqual([10, 900, 10])
    stop?.()
    tree.write(value, '1')
    expect(await sensor.read()).toMatchObject({ value: 900 })
    expect(heard).toHaveLength(3)
    await sensor.close()
  })

  it('is 1 or 0 without a unit where nothing else is said, and hears through onoff', async () => {
    const tree = newTree()
    const addons = [tree.path('addons')]
    const sensor = await openSensor(pinSensor, { ...wired, via: 'onoff', activeLow: true }, tree, { addons })
    expect(await sensor.read()).toMatchObject({ value: 0, unit: '1' })
    const heard: number[] = []
    sensor.watch?.((reading: Reading) => heard.push(reading.value))
    await expect.poll(() => heard).toEqual([0])
    const { lines } = (
      (await import(tree.path('addons/node_modules/onoff/onoff.js'))) as {
        default: { lines: Map<number, { listeners: ((error: null, level: number) => void)[] }> }
      }
    ).default
    lines.get(539)?.listeners[0]?.(null, 1)
    expect(heard).toEqual([0, 1])
    await sensor.close()
  })

  it('says that it is gone when its line can no longer be read', async () => {
    const tree = newTree()
    const sensor = await openSensor(pinSensor, inLux, tree)
    const why: string[] = []
    sensor.onGone?.((text) => why.push(text))
    sensor.watch?.(() => {})
    tree.remove('sys/class/gpio/gpio539')
    await expect.poll(() => why).toEqual([expect.stringContaining('it is not there')])
    await sensor.close()
  })
})
