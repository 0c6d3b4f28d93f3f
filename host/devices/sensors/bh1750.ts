/**
 * The light sensor BH1750FVI (ROHM) on an I²C bus, driven from here and not by the kernel.
 *
 * Commands, times and the formula are those of its data sheet: a reading is `raw / 1.2` lx at the usual measurement
 * time of 69, less for a longer one; in the fine mode a step is half as much. Each reading is one measurement, after
 * which the chip switches itself off: 0.01 mA instead of 0.12. It takes only one command between start and stop.
 */
import * as v from 'valibot'
import { delay } from '../../../core/index.ts'
import { refused } from '../advice.ts'
import { i2cAddresses, i2cDrivers, lazyBus, type I2cBus } from '../buses/index.ts'
import type { DriverContext, Range, Sensor, SensorDriver } from '../contract.ts'

const range = `must be a whole number from ${i2cAddresses.first} to ${i2cAddresses.last}, as 0x23`

const options = v.strictObject({
  /** The number in `/dev/i2c-1`. */
  bus: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)), 1),
  /** 0x23, or 0x5c where its pin ADDR is tied to the supply. */
  address: v.optional(
    v.pipe(
      v.number(),
      v.integer(range),
      v.minValue(i2cAddresses.first, range),
      v.maxValue(i2cAddresses.last, range),
    ),
    0x23,
  ),
  /** How the bus is reached. */
  via: v.optional(v.picklist(i2cDrivers), 'i2ctransfer'),
  /** high: steps of 1 lx, up to 180 ms. fine: half a lux, the same time. low: 4 lx, up to 24 ms. */
  mode: v.optional(v.picklist(['high', 'fine', 'low']), 'high'),
  /** Longer than 69 for dim light or behind a dark window (up to 254), shorter for full sun (down to 31). */
  measurementTime: v.optional(v.pipe(v.number(), v.integer(), v.minValue(31), v.maxValue(254)), 69),
})

type Options = v.InferOutput<typeof options>

/** One-time measurements: the command, the longest it takes at the usual time, and steps of a lux. */
const modes = {
  high: { command: 0x20, maxMs: 180, perLux: 1 },
  fine: { command: 0x21, maxMs: 180, perLux: 2 },
  low: { command: 0x23, maxMs: 24, perLux: 1 },
} as const

const powerOn = 0x01
const usualTime = 69
const maxRaw = 0xffff
/** The low mode does not use the last two bits. */
const stepsOf = { high: 1, fine: 1, low: 4 } as const

type Mode = Pick<Options, 'mode' | 'measurementTime'>

/** @param raw 0 to 65535 @returns lx */
export function luxOf(raw: number, { mode, measurementTime }: Mode): number {
  return (raw / 1.2) * (usualTime / measurementTime) * (1 / modes[mode].perLux)
}

export function rangeOfLux(mode: Mode): Range {
  return { min: 0, max: luxOf(maxRaw, mode) }
}

export const bh1750Sensor: SensorDriver<Options> = {
  kind: 'bh1750',
  summary: 'the light sensor BH1750 on an I²C bus, without a kernel driver',
  options,
  async open(name, table, context): Promise<Sensor> {
    return openBh1750(name, table, lazyBus(table.via, table.bus, context), context)
  },
}

/** @throws ERR_I2C_SILENT where nothing answers at the address, ERR_DEVICE_UNAVAILABLE */
export async function openBh1750(
  name: string,
  table: Pick<Options, 'address'> & Mode,
  bus: I2cBus,
  { clock }: Pick<DriverContext, 'clock'>,
): Promise<Sensor> {
  const { address, mode, measurementTime } = table
  const { command, maxMs } = modes[mode]
  const tell = async (byte: number, signal?: AbortSignal): Promise<void> => {
    await bus.transfer(address, [{ kind: 'write', bytes: Uint8Array.of(byte) }], signal)
  }
  try {
    await tell(powerOn)
  } catch (error) {
    await bus.close()
    throw error
  }
  return {
    name,
    driver: 'bh1750',
    unit: 'lx',
    range: rangeOfLux(table),
    resolution: luxOf(stepsOf[mode], table),
    async read(signal) {
      if (measurementTime !== usualTime) {
        // Each time: a chip that lost power for a moment is back at the usual time, and would not say so.
        await tell(0x40 | (measurementTime >> 5), signal)
        await tell(0x60 | (measurementTime & 0x1f), signal)
      }
      await tell(command, signal)
      await delay(clock, Math.ceil((maxMs * measurementTime) / usualTime), signal)
      const [bytes] = await bus.transfer(address, [{ kind: 'read', length: 2 }], signal)
      const [high, low] = bytes ?? []
      if (high === undefined || low === undefined) throw refused('the chip gave no reading')
      return { value: luxOf(high * 256 + low, table), unit: 'lx', timeMs: clock.now() }
    },
    close: () => bus.close(),
  }
}
