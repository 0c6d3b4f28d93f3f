/**
 * What boards and power supplies watch themselves with, through Linux' hwmon: temperatures, voltages, currents,
 * power, humidity, fans. Files and units are as Documentation/hwmon/sysfs-interface says.
 */
import { readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import * as v from 'valibot'
import { refused, type Advice } from '../advice.ts'
import { listDevices, readNumber, readOptional, shownNames } from '../attribute.ts'
import type { Sensor, SensorDriver } from '../contract.ts'
import { deviceName } from '../options.ts'

const options = v.strictObject({
  /** What the chip is called (`sensors` lists it), or `hwmon0`, whose number may be another one after the next start. */
  chip: deviceName,
  /** As `temp1`, or what its label says, as `Core 0`. */
  channel: v.pipe(v.string(), v.minLength(1, 'is empty; write as "temp1"'), v.maxLength(64, 'is too long')),
  /** Where several chips are called the same: the device it belongs to, as `0000:01:00.0`. */
  device: v.optional(deviceName),
})

type HwmonOptions = v.InferOutput<typeof options>

/** By the letters of a channel: UCUM's unit, and what the file's number is multiplied with. */
const units: Readonly<Record<string, readonly [unit: string, factor: number]>> = {
  temp: ['Cel', 1e-3],
  in: ['V', 1e-3],
  curr: ['A', 1e-3],
  power: ['W', 1e-6],
  energy: ['J', 1e-6],
  humidity: ['%', 1e-3],
  fan: ['/min', 1],
  freq: ['Hz', 1],
}

const advice: Advice = {
  missing:
    'load the kernel’s driver of the chip: `sudo apt install lm-sensors && sudo sensors-detect` finds it; ' +
    '`cat /sys/class/hwmon/hwmon*/name` shows what there is',
}

export const hwmonSensor: SensorDriver<HwmonOptions> = {
  kind: 'hwmon',
  summary: 'what the board watches itself with (Linux hwmon): temperature, voltage, current, fan …',
  options,
  async open(name, wanted, { clock, root }): Promise<Sensor> {
    const folder = await findChip(join(root, 'sys/class/hwmon'), wanted)
    const channel = await findChannel(folder, wanted.channel)
    const [unit, factor] = units[channel.replace(/\d+$/, '')] ?? ['1', 1]
    const files = await listDevices(folder, new RegExp(`^${channel}_(?:input|average|fault)$`), advice)
    const value = files.find((file) => file !== `${channel}_fault`)
    if (value === undefined) throw refused(`${folder}: the channel ${channel} has no value to read`)
    return {
      name,
      driver: 'hwmon',
      unit,
      // `_min` and `_max` are where alarms begin, not where the sensor ends.
      range: null,
      resolution: null,
      async read(signal) {
        if (
          files.includes(`${channel}_fault`) &&
          (await readNumber(join(folder, `${channel}_fault`))) !== 0
        ) {
          throw refused(`${folder}: ${channel} reports a fault`, 'see whether the probe is connected')
        }
        const raw = await readNumber(join(folder, value), advice, signal)
        return { value: raw * factor, unit, timeMs: clock.now() }
      },
      async close() {},
    }
  },
}

async function findChip(folder: string, { chip, device }: HwmonOptions): Promise<string> {
  const entries = await listDevices(folder, /^hwmon\d+$/, advice)
  const all = await Promise.all(
    entries.map(async (entry) => ({
      entry,
      name: await readOptional(join(folder, entry, 'name')).catch(() => null),
      device: await readlink(join(folder, entry, 'device')).then(basename, () => null),
    })),
  )
  const matching = all
    .filter(({ entry, name }) => chip === entry || chip === name)
    .filter((found) => device === undefined || device === found.device)
  const [first, second] = matching
  if (first === undefined) {
    const on = device === undefined ? '' : ` on the device ${device}`
    const known = all.map(({ entry, name }) => name ?? entry)
    throw refused(`no hwmon chip is called ${chip}${on}; ${shownNames(known)}`, advice.missing)
  }
  if (second !== undefined) {
    const devices = matching.map((found) => found.device ?? found.entry)
    throw refused(
      `${matching.length} hwmon chips are called ${chip}; ${shownNames(devices)}`,
      'write one of these as `device = "…"` beside it',
    )
  }
  return join(folder, first.entry)
}

/** @returns as `temp1` */
async function findChannel(folder: string, wanted: string): Promise<string> {
  const files = await listDevices(
    folder,
    /^(?:temp|in|curr|power|energy|humidity|fan|freq)\d+_(?:input|average)$/,
    advice,
  )
  const channels = [...new Set(files.map((file) => file.replace(/_.*$/, '')))]
  if (channels.includes(wanted)) return wanted
  const labels = await Promise.all(
    channels.map((channel) => readOptional(join(folder, `${channel}_label`)).catch(() => null)),
  )
  const found = channels[labels.indexOf(wanted)]
  if (found !== undefined) return found
  const known = channels.map((channel, index) => (labels[index] ? `${channel} (${labels[index]})` : channel))
  throw refused(`${folder} has no channel ${wanted}; ${shownNames(known)}`, 'write one of these')
}
