/**
 * Thermometers on a 1-wire line (DS18B20 and its family), through the kernel's w1-gpio and w1-therm.
 *
 * A reading takes the chip up to 750 ms, in which the kernel keeps the reader waiting. Lines in `w1_slave` say
 * whether the checksum was right; `temperature`, of later kernels, fails by itself where it was not.
 */
import { join } from 'node:path'
import * as v from 'valibot'
import { refused, type Advice } from '../advice.ts'
import { listDevices, parseDecimal, readAttribute, readOptional, shown, shownNames } from '../attribute.ts'
import type { Sensor, SensorDriver } from '../contract.ts'

/** DS18S20, DS1822, DS18B20, DS1825, DS28EA00. */
const thermometer = /^(?:10|22|28|3b|42)-[0-9a-f]{12}$/

const options = v.strictObject({
  /** As `28-00000a1b2c3d`; it may be left out where the line has one thermometer. */
  id: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        thermometer,
        'is no thermometer; write as `ls /sys/bus/w1/devices` shows it: "28-00000a1b2c3d"',
      ),
    ),
  ),
  /** Take 85 °C for a temperature. It is what the chip says that lost power before it measured. */
  hot: v.optional(v.boolean(), false),
})

/** In thousandths of a degree, before the first measurement. */
const powerOn = 85_000

const advice: Advice = {
  missing:
    'on a Raspberry Pi put `dtoverlay=w1-gpio` into /boot/firmware/config.txt and start again, else ' +
    '`sudo modprobe w1-gpio w1-therm`; `ls /sys/bus/w1/devices` shows what answers',
}

export const oneWireSensor: SensorDriver<v.InferOutput<typeof options>> = {
  kind: 'onewire',
  summary: 'a thermometer on a 1-wire line: DS18B20 and its family',
  options,
  async open(name, { id, hot }, { clock, root }): Promise<Sensor> {
    const folder = await findThermometer(join(root, 'sys/bus/w1/devices'), id)
    const bits = parseDecimal((await readOptional(join(folder, 'resolution'))) ?? '')
    return {
      name,
      driver: 'onewire',
      unit: 'Cel',
      range: { min: -55, max: 125 },
      resolution: bits !== null && bits >= 9 && bits <= 14 ? 2 ** (8 - bits) : null,
      async read(signal) {
        const milli = await readMilli(folder, signal)
        if (milli === powerOn && !hot) {
          throw refused(
            `${folder}: 85 °C, which the chip says after it lost power`,
            'see to its supply and the 4.7 kΩ resistor; write `hot = true` where 85 °C can be',
          )
        }
        return { value: milli / 1_000, unit: 'Cel', timeMs: clock.now() }
      },
      async close() {},
    }
  },
}

async function findThermometer(folder: string, id: string | undefined): Promise<string> {
  const found = await listDevices(folder, thermometer, advice)
  if (id !== undefined) {
    if (found.includes(id)) return join(folder, id)
    throw refused(`no thermometer ${id} answers; ${shownNames(found)}`, advice.missing)
  }
  const [first, second] = found
  if (first === undefined) throw refused('no thermometer answers on the 1-wire line', advice.missing)
  if (second !== undefined) {
    throw refused(
      `${found.length} thermometers answer; ${shownNames(found)}`,
      'write one of these as `id = "…"`',
    )
  }
  return join(folder, first)
}

async function readMilli(folder: string, signal?: AbortSignal): Promise<number> {
  const file = join(folder, 'w1_slave')
  const text = await readOptional(file, advice, signal)
  if (text !== null) return parseSlave(file, text)
  const temperature = join(folder, 'temperature')
  const value = await readAttribute(temperature, advice, signal)
  // It is empty where the chip did not answer.
  const milli = parseDecimal(value)
  if (milli === null)
    throw refused(`${temperature}: ${shown(value)} is no temperature; the chip did not answer`)
  return milli
}

/**
 * `… : crc=5c YES` and, in the line after it, `… t=23125`.
 * @throws ERR_DEVICE_UNAVAILABLE for any other text
 */
export function parseSlave(file: string, text: string): number {
  const [first = '', second = ''] = text.split('\n')
  if (!/: crc=[0-9a-f]{2} (?:YES|NO)\s*$/.test(first)) throw refused(`${file}: ${shown(text)} is no reading`)
  if (!/ YES\s*$/.test(first)) {
    throw refused(`${file}: the checksum is wrong`, 'see to the length of the line and its 4.7 kΩ resistor')
  }
  // A line that nobody pulls up reads as all zeros, of which the checksum is right.
  if (/^(?:00 ){9}/.test(first))
    throw refused(`${file}: the line is held low`, 'see to the wiring of the data line')
  const milli = parseDecimal(/ t=(\S+)\s*$/.exec(second)?.[1] ?? '')
  if (milli === null) throw refused(`${file}: ${shown(second)} has no temperature`)
  return milli
}
