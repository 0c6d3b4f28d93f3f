/** Temperatures that the kernel steers the board by: /sys/class/thermal, in thousandths of a degree. */
import { join } from 'node:path'
import * as v from 'valibot'
import { refused, type Advice } from '../advice.ts'
import { listDevices, readNumber, readOptional, shownNames } from '../attribute.ts'
import type { Sensor, SensorDriver } from '../contract.ts'
import { deviceName } from '../options.ts'

const options = v.strictObject({
  /** Its type, as `cpu-thermal`, or `thermal_zone0`, whose number may be another one after the next start. */
  zone: deviceName,
})

const advice: Advice = {
  missing: '`cat /sys/class/thermal/thermal_zone*/type` shows what there is; a virtual machine has none',
}

export const thermalSensor: SensorDriver<v.InferOutput<typeof options>> = {
  kind: 'thermal',
  summary: 'a thermal zone of the board: cpu-thermal, x86_pkg_temp …',
  options,
  async open(name, { zone }, { clock, root }): Promise<Sensor> {
    const folder = join(root, 'sys/class/thermal')
    const entries = await listDevices(folder, /^thermal_zone\d+$/, advice)
    const types = await Promise.all(
      entries.map((entry) => readOptional(join(folder, entry, 'type')).catch(() => null)),
    )
    const matching = entries.filter((entry, index) => entry === zone || types[index] === zone)
    const [first, second] = matching
    if (first === undefined) {
      const known = types.map((type, index) => type ?? entries[index] ?? '')
      throw refused(`no thermal zone is called ${zone}; ${shownNames(known)}`, advice.missing)
    }
    if (second !== undefined) {
      throw refused(
        `${matching.length} thermal zones are called ${zone}; ${shownNames(matching)}`,
        'write one of these',
      )
    }
    const file = join(folder, first, 'temp')
    return {
      name,
      driver: 'thermal',
      unit: 'Cel',
      range: null,
      resolution: null,
      async read(signal) {
        const value = (await readNumber(file, advice, signal)) / 1_000
        return { value, unit: 'Cel', timeMs: clock.now() }
      },
      async close() {},
    }
  },
}
