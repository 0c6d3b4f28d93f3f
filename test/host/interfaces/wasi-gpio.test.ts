/** wasi:gpio as a guest sees it: through the sandbox's half, the line and the node's half, on simulated pins. */
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock, systemRandom } from '../../../core/index.ts'
import type { Pin, PinEdge } from '../../../host/devices/index.ts'
import { simulatedPin } from '../../../host/devices/pins/simulated.ts'
import { bindInterfaces, grantedInterfaces } from '../../../host/interfaces/index.ts'
import { appContext } from './app-context.ts'
import { scriptRunner, type ScriptRunner } from './guest-script.ts'

let runner: ScriptRunner
beforeAll(async () => {
  runner = await scriptRunner()
})
afterAll(() => runner.close())

const prelude = `
  const { DigitalOutPin, StatefulDigitalOutPin, DigitalInPin, DigitalInOutPin } = imports['wasi:gpio/digital']
  const { poll } = imports['wasi:io/poll']
  const { subscribeDuration } = imports['wasi:clocks/monotonic-clock']
  const errorOf = (run) => payload(run).err
`

const pinOf = (options: object): Promise<Pin> =>
  simulatedPin.open('pin', v.parse(simulatedPin.options, options), {
    clock: systemClock,
    random: systemRandom,
    root: '/',
  })

/** A button that a test presses. */
async function button(): Promise<Pin & { press(level: boolean): void; readonly watchers: () => number }> {
  const pin = await pinOf({ direction: 'in' })
  const listeners = new Set<(edge: PinEdge) => void>()
  let level = false
  return {
    ...pin,
    read: async () => level,
    watch(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    press(next) {
      level = next
      for (const listener of listeners) listener({ level, timeMs: 0 })
    },
    watchers: () => listeners.size,
  }
}

function asGuest(script: string, pins: ReadonlyMap<string, Pin>): Promise<unknown> {
  const grants = [...pins.keys()].map((name) => `pin:${name}`)
  return runner.run(prelude + script, bindInterfaces(grants, appContext({ pins })))
}

describe('wasi:gpio', () => {
  it('sets an output, and knows what a stateful one was set to', async () => {
    const led = await pinOf({})
    expect(
      await asGuest(
        `const pin = DigitalOutPin.get('led', [])
         pin.setActive()
         const state = StatefulDigitalOutPin.get('led', [])
         const seen = [state.getState(), state.isSetActive(), state.isSetInactive()]
         state.toggle()
         seen.push(state.getState())
         pin.setState('active')
         seen.push(state.isSetActive())
         pin.setInactive()
         return [...seen, state.getState(), pin.isReady(), pin.getConfig()]`,
        new Map([['led', led]]),
      ),
    ).toEqual([
      'active',
      true,
      false,
      'inactive',
      true,
      'inactive',
      true,
      { label: 'led', pinMode: 'out', activeLevel: 'active-high', pullResistor: undefined },
    ])
    expect(led.edges().map(({ level }) => level)).toEqual([true, false, true, false])
  })

  it('begins an output in the state of its flags, and leaves it where they say none', async () => {
    const led = await pinOf({ initial: true })
    expect(
      await asGuest(
        `const read = () => StatefulDigitalOutPin.get('led', [{ activeHigh: true, output: true }]).getState()
         const seen = [read()]
         DigitalOutPin.get('led', [{ inactive: true }])
         seen.push(read())
         DigitalOutPin.get('led', [{ activeHigh: true }, { active: true }])
         return [...seen, read()]`,
        new Map([['led', led]]),
      ),
    ).toEqual(['active', 'inactive', 'active'])
  })

  it('reads an input', async () => {
    const pins = new Map([['door', await pinOf({ direction: 'in', initial: true })]])
    expect(
      await asGuest(
        `const pin = DigitalInPin.get('door', [])
         return [pin.read(), pin.isActive(), pin.isInactive(), pin.isReady(), pin.getConfig().pinMode]`,
        pins,
      ),
    ).toEqual(['active', true, false, true, 'in'])
  })

  it('gives a pin as its owner wired it, or not at all', async () => {
    const pins = new Map([
      ['led', await pinOf({})],
      ['door', await pinOf({ direction: 'in' })],
    ])
    expect(
      await asGuest(
        `return [
          () => DigitalOutPin.get('secret', []),
          () => DigitalOutPin.get('x'.repeat(100_000), []),
          () => DigitalOutPin.get('door', []),
          () => DigitalInPin.get('led', []),
          () => DigitalInOutPin.get('led', []),
          () => DigitalOutPin.get('led', [{ activeLow: true }]),
          () => DigitalInPin.get('door', [{ pullUp: true }]),
          () => DigitalOutPin.get('led', [{ active: true, inactive: true }]),
          () => DigitalInPin.get('door', [{ active: true }]),
          () => DigitalOutPin.get('led', [{ input: true }]),
        ].map((run) => errorOf(run).tag)`,
        pins,
      ),
    ).toEqual([
      'pin-not-allowed',
      'pin-not-allowed',
      'pin-mode-not-allowed',
      'pin-mode-not-allowed',
      'pin-mode-not-available',
      ...Array.from({ length: 5 }, () => 'invalid-flag'),
    ])
    expect(grantedInterfaces(['sensor:light']).filter((id) => id.startsWith('wasi:gpio'))).toEqual([])
  })

  it('wakes a guest at an edge, and at a state that is or comes', async () => {
    const door = await button()
    const waiting = asGuest(
      `const pin = DigitalInPin.get('door', [])
       const now = pin.watchInactive()
       now.block()
       const rising = pin.watchRisingEdge()
       const falling = pin.watchFallingEdge()
       const later = pin.watchState('active')
       const ready = poll([falling, rising])
       later.block()
       const state = pin.read()
       for (const each of [now, rising, later]) drop(each)
       const again = pin.watchFallingEdge()
       poll([falling])
       again.block()
       for (const each of [falling, again]) drop(each)
       return [[...ready], state, pin.read()]`,
      new Map([['door', door]]),
    )
    // Three at once: both edges, and the state that has not come.
    await expect.poll(() => door.watchers()).toBe(3)
    door.press(true)
    // The guest has looked at it before it watches once more.
    await expect.poll(() => door.watchers()).toBe(2)
    door.press(false)
    expect(await waiting).toEqual([[1], 'active', 'inactive'])
    expect(door.watchers()).toBe(0)
  })

  it('stops watching when the guest lets go', async () => {
    const door = await button()
    expect(
      await asGuest(
        `const pin = DigitalInPin.get('door', [])
         for (let n = 0; n < 200; n += 1) drop(pin.watchRisingEdge())
         const last = pin.watchRisingEdge()
         const timer = subscribeDuration(1_000_000n)
         const woken = [...poll([last, timer])]
         return [woken, last.ready()]`,
        new Map([['door', door]]),
      ),
    ).toEqual([[1], false])
    await expect.poll(() => door.watchers()).toBe(0)
  })

  it('tells what a driver fails with, and wakes a guest that waits for what cannot be watched', async () => {
    const broken: Pin = {
      ...(await pinOf({ direction: 'in' })),
      read: () => Promise.reject(new Error('line 17 of gpiochip0: the device is gone')),
      watch: () => () => {},
    }
    expect(
      await asGuest(
        `const pin = DigitalInPin.get('door', [])
         pin.watchActive().block()
         return [pin.isReady(), errorOf(() => pin.read())]`,
        new Map([['door', broken]]),
      ),
    ).toEqual([false, { tag: 'other', val: 'line 17 of gpiochip0: the device is gone' }])
  })
})
