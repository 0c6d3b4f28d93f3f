/**
 * Sensors that the kernel drives itself, through Linux' Industrial I/O: light, temperature, pressure, humidity,
 * acceleration, ADC inputs. Files, units and the sum `(raw + offset) · scale` are as
 * Documentation/ABI/testing/sysfs-bus-iio says.
 */
import { join } from 'node:path'
import * as v from 'valibot'
import { refused, type Advice } from '../advice.ts'
import { listDevices, readNumber, readNumberOr, readOptional, shownNames } from '../attribute.ts'
import type { DriverContext, Range, Reading, Sensor, SensorDriver } from '../contract.ts'
import { deviceName, unitField } from '../options.ts'
import { parseAvailable, parseScanType, rangeOf } from './linear.ts'

const options = v.strictObject({
  /** Its name or label, or `iio:device0`, whose number may be another one after the next start. */
  device: deviceName,
  /** As in the file's name between `in_` and `_raw`: `illuminance`, `temp`, `voltage0`, `accel_x`. */
  channel: v.pipe(
    v.string(),
    v.regex(/^[a-z][a-z0-9_-]{0,63}$/, 'is no channel; write one as "illuminance" or "voltage0"'),
  ),
  /** Where the kernel's document names none. */
  unit: v.optional(unitField),
})

type IioOptions = v.InferOutput<typeof options>

/** From the kernel's unit to ours, which is UCUM's and has no prefix that a person would not write. */
const units: Readonly<Record<string, readonly [unit: string, factor: number]>> = {
  voltage: ['V', 1e-3],
  altvoltage: ['V', 1e-3],
  current: ['A', 1e-3],
  altcurrent: ['A', 1e-3],
  power: ['W', 1e-3],
  energy: ['J', 1],
  capacitance: ['nF', 1],
  resistance: ['Ohm', 1],
  temp: ['Cel', 1e-3],
  illuminance: ['lx', 1],
  intensity: ['1', 1],
  uvindex: ['1', 1],
  colortemp: ['K', 1],
  pressure: ['kPa', 1],
  humidityrelative: ['%', 1e-3],
  concentration: ['%', 1],
  massconcentration: ['ug/m3', 1],
  ph: ['[pH]', 1],
  electricalconductivity: ['S/m', 1],
  accel: ['m/s2', 1],
  gravity: ['m/s2', 1],
  anglvel: ['rad/s', 1],
  angl: ['rad', 1],
  incli: ['deg', 1],
  deltaangl: ['rad', 1],
  deltavelocity: ['m/s', 1],
  velocity: ['m/s', 1],
  magn: ['G', 1],
  distance: ['m', 1],
  proximity: ['m', 1],
  positionrelative: ['%', 1e-3],
  count: ['1', 1],
  steps: ['1', 1],
  activity: ['%', 1],
  phase: ['rad', 1],
}

const advice: Advice = {
  missing:
    'load the kernel’s driver of the chip: `sudo modprobe bh1750`, or on a Raspberry Pi ' +
    '`dtoverlay=i2c-sensor,bh1750` in /boot/firmware/config.txt; `ls /sys/bus/iio/devices` shows what there is',
}

export const iioSensor: SensorDriver<IioOptions> = {
  kind: 'iio',
  summary: 'a chip that the kernel drives (Linux IIO): light, temperature, pressure, voltage …',
  options,
  async open(name, { device, channel, unit }, context): Promise<Sensor> {
    const folder = await findDevice(join(context.root, 'sys/bus/iio/devices'), device)
    const found = await openChannel(folder, channel, unit)
    return {
      name,
      driver: 'iio',
      unit: found.unit,
      range: found.range,
      resolution: found.resolution,
      read: (signal) => readChannel(found, context, signal),
      async close() {},
    }
  },
}

/** @returns its folder. @throws ERR_DEVICE_UNAVAILABLE where there is none of the name, or more than one */
async function findDevice(folder: string, wanted: string): Promise<string> {
  const entries = await listDevices(folder, /^iio:device\d+$/, advice)
  if (entries.includes(wanted)) return join(folder, wanted)
  const named = await Promise.all(
    entries.map(async (entry) => ({
      entry,
      // A device that goes away while we look has no name.
      names: await Promise.all(
        ['name', 'label'].map((file) => readOptional(join(folder, entry, file)).catch(() => null)),
      ),
    })),
  )
  const matching = named.filter(({ names }) => names.includes(wanted))
  const [first, second] = matching
  if (first === undefined) {
    const known = named.map(({ entry, names }) => names.find((known) => known !== null) ?? entry)
    throw refused(`no IIO device is called ${wanted}; ${shownNames(known)}`, advice.missing)
  }
  if (second === undefined) return join(folder, first.entry)
  const entriesOf = matching.map(({ entry }) => entry)
  throw refused(
    `${matching.length} IIO devices are called ${wanted}; ${shownNames(entriesOf)}`,
    'write the label that the device tree gives one of them, or one of these, which may change at a start',
  )
}

interface Channel {
  readonly unit: string
  /** From the kernel's unit. */
  readonly factor: number
  /** The file with the value, and those that it is multiplied with and added to; null where there is none. */
  readonly value: string
  readonly scale: string | null
  readonly offset: string | null
  readonly range: Range | null
  readonly resolution: number | null
}

async function openChannel(folder: string, channel: string, unit: string | undefined): Promise<Channel> {
  const type = /^[a-z]+/.exec(channel)?.[0] ?? ''
  const known = units[type]
  if (known === undefined && unit === undefined) {
    throw refused(
      `the kernel’s document names no unit for the channel ${channel}`,
      'write `unit = "…"` beside it, as UCUM has it',
    )
  }
  const [usual, factor] = known ?? ['1', 1]
  const inUnit = { unit: unit ?? usual, factor: unit === undefined || unit === usual ? factor : 1 }
  const files = await listDevices(folder, /^in_/, advice)
  if (files.includes(`in_${channel}_input`)) {
    const value = join(folder, `in_${channel}_input`)
    return { ...inUnit, value, scale: null, offset: null, range: null, resolution: null }
  }
  if (!files.includes(`in_${channel}_raw`)) {
    const channels = files.flatMap((file) => /^in_(.+)_(?:raw|input)$/.exec(file)?.[1] ?? [])
    throw refused(`${folder} has no channel ${channel}; ${shownNames(channels)}`, 'write one of these')
  }
  const shared = (suffix: string): string | null => {
    const file = namesOf(channel, type).find((name) => files.includes(`in_${name}_${suffix}`))
    return file === undefined ? null : join(folder, `in_${file}_${suffix}`)
  }
  const linear = {
    value: join(folder, `in_${channel}_raw`),
    scale: shared('scale'),
    offset: shared('offset'),
  }
  return { ...inUnit, ...linear, ...(await limitsOf(folder, channel, linear, inUnit.factor)) }
}

/** Whose `_scale` and `_offset` count for a channel: its own, else those of all of its kind. */
function namesOf(channel: string, type: string): string[] {
  const withoutNumbers = channel.replace(/\d+/g, '')
  const modifier = /_[a-z_0-9-]+$/.exec(channel)?.[0] ?? ''
  return [...new Set([channel, withoutNumbers, `${type}${modifier}`, type])]
}

async function limitsOf(
  folder: string,
  channel: string,
  { value, scale, offset }: Pick<Channel, 'value' | 'scale' | 'offset'>,
  factor: number,
): Promise<Pick<Channel, 'range' | 'resolution'>> {
  const now = scale === null ? 1 : await readNumber(scale)
  const shift = offset === null ? 0 : await readNumber(offset)
  // A chip that changes its scale by itself must not leave the range it had at first.
  const others = scale === null ? [] : parseAvailable((await readOptional(`${scale}_available`)) ?? '').values
  const scales = [now, ...others].map((each) => each * factor)
  const available = parseAvailable((await readOptional(`${value}_available`)) ?? '')
  const [min, max] = [Math.min(...available.values), Math.max(...available.values)]
  const raw =
    available.values.length > 1
      ? { min, max }
      : parseScanType((await readOptional(join(folder, 'scan_elements', `in_${channel}_type`))) ?? '')
  const steps = scales.map(Math.abs).filter((step) => step > 0)
  return {
    range: raw === null ? null : rangeOf(raw, shift, scales),
    resolution: steps.length === 0 ? null : Math.min(...steps) * (available.step ?? 1),
  }
}

async function readChannel(
  { value, scale, offset, factor, unit }: Channel,
  { clock }: DriverContext,
  signal?: AbortSignal,
): Promise<Reading> {
  const raw = await readNumber(value, advice, signal)
  const timeMs = clock.now()
  const shift = offset === null ? 0 : await readNumberOr(offset, 0, signal)
  const times = scale === null ? 1 : await readNumberOr(scale, 1, signal)
  const measured = (raw + shift) * times * factor
  if (!Number.isFinite(measured)) throw refused(`${value}: ${raw} and its scale make no number`)
  return { value: measured, unit, timeMs }
}
