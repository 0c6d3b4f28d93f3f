/**
 * Pins through the optional addon `onoff` (6), whose part in C is told of edges by the kernel: no polling, and none
 * that is missed. It needs /sys/class/gpio, as `sysfs` does.
 */
import * as v from 'valibot'
import type { Cancel } from '../../../core/index.ts'
import { readOnly, refused, unavailable } from '../advice.ts'
import { loadAddon } from '../addon.ts'
import type { DriverContext, Pin, PinDriver } from '../contract.ts'
import { EdgeLog } from './edge-log.ts'
import { initialField, lineFields } from './line-options.ts'
import { exportLine, gpioAdvice, setUpLine, sysfsNumber } from './sysfs-line.ts'

const options = v.strictObject({ ...lineFields, initial: initialField })

type Options = v.InferOutput<typeof options>
type Level = 0 | 1

/** What is used of the addon. */
interface Gpio {
  read(): Promise<Level>
  write(level: Level): Promise<void>
  watch(listener: (error: Error | null | undefined, level: Level) => void): void
  unwatchAll(): void
  unexport(): void
}

type GpioClass = new (
  number: number,
  direction: 'in' | 'out',
  edge: 'both' | 'none',
  options: { readonly activeLow: boolean; readonly reconfigureDirection: boolean },
) => Gpio

export const onoffPin: PinDriver<Options> = {
  kind: 'onoff',
  summary: 'a line of a GPIO chip through the optional addon onoff, which is told edges',
  options,
  directionOf: ({ direction }) => direction,
  async open(name, table, context): Promise<Pin> {
    const Gpio = await loadGpio(context)
    const number = await sysfsNumber(table, context)
    const { folder } = await exportLine(number, context)
    await setUpLine(folder, table)
    const { direction, activeLow } = table
    let gpio: Gpio | null = null
    try {
      gpio = new Gpio(number, direction, direction === 'in' ? 'both' : 'none', {
        activeLow,
        // An output keeps its level, as `setUpLine` left it.
        reconfigureDirection: false,
      })
      return pinOf(name, direction, gpio, (await gpio.read()) === 1, context)
    } catch (cause) {
      giveBack(gpio, direction)
      throw unavailable(`line ${table.line} of ${table.chip}`, cause, gpioAdvice)
    }
  },
}

/** Only an input: see `sysfs`. Of a line that is gone the addon fails to let go. */
function giveBack(gpio: Gpio | null, direction: Pin['direction']): void {
  try {
    gpio?.unwatchAll()
    if (direction === 'in') gpio?.unexport()
  } catch {
    // There is nothing left to give back.
  }
}

async function loadGpio({ addons = [] }: DriverContext): Promise<GpioClass> {
  const loaded = (await loadAddon('onoff', addons, 'write `driver = "sysfs"`')) as {
    readonly Gpio?: GpioClass
    readonly default?: { readonly Gpio?: GpioClass }
  }
  const Gpio = loaded.Gpio ?? loaded.default?.Gpio
  if (typeof Gpio !== 'function') throw refused('the addon onoff has no Gpio')
  return Gpio
}

function pinOf(
  name: string,
  direction: Pin['direction'],
  gpio: Gpio,
  first: boolean,
  { clock }: DriverContext,
): Pin {
  const log = new EdgeLog()
  const gone = new Set<(why: string) => void>()
  let level = first
  let isClosed = false
  /** Of levels that the kernel told, or that were written. */
  let told = 0
  const see = (next: boolean): void => {
    told += 1
    if (next === level) return
    level = next
    log.add({ level, timeMs: clock.now() })
  }
  if (direction === 'in') {
    gpio.watch((error, next) => {
      if (error === null || error === undefined) see(next === 1)
      else for (const listener of gone) listener(error.message)
    })
  }
  return {
    name,
    driver: 'onoff',
    direction,
    async read() {
      const before = told
      try {
        const read = (await gpio.read()) === 1
        // What was told meanwhile is newer than what was read: taken for a change, it would be an edge that never was.
        if (told === before) see(read)
        return level
      } catch (cause) {
        throw unavailable(`the pin ${name}`, cause, gpioAdvice)
      }
    },
    async write(next) {
      if (direction === 'in') throw readOnly(name)
      try {
        await gpio.write(next ? 1 : 0)
      } catch (cause) {
        throw unavailable(`the pin ${name}`, cause, gpioAdvice)
      }
      see(next)
    },
    edges: () => log.edges(),
    watch: (listener) => log.watch(listener),
    onGone(listener): Cancel {
      const hear = (why: string): void => listener(why)
      gone.add(hear)
      return () => void gone.delete(hear)
    },
    async close() {
      if (isClosed) return
      isClosed = true
      giveBack(gpio, direction)
    },
  }
}
