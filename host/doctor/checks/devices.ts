/** Sensors and pins: as the daemon has them, or opened once where none runs. */
import { dirname, join } from 'node:path'
import { isSelvedgeError, systemRandom } from '../../../core/index.ts'
import { loadNodeConfig } from '../../config/index.ts'
import { openDevices } from '../../devices/index.ts'
import type { Check, Finding, Patient } from '../contract.ts'

interface Device {
  readonly kind: 'sensor' | 'pin'
  readonly name: string
  readonly driver: string
  readonly state: string
  readonly why: string
}

export function judgeDevice({ kind, name, driver, state, why }: Device): Finding {
  if (state === 'ok') return { level: 'fine', what: `${kind} ${name} (${driver}) is well` }
  return {
    level: 'wrong',
    code: 'ERR_DEVICE_UNAVAILABLE',
    what: `${kind} ${name} (${driver}) is ${state}${why === '' ? '' : `: ${why}`}`,
    fix: 'see that it is plugged in and that this user may use it; the node takes it up by itself when it answers',
  }
}

function ofRunning({ sensors, pins }: NonNullable<Patient['node']>['devices']): Finding[] {
  const deviceOf =
    (kind: Device['kind']) =>
    (found: (typeof sensors | typeof pins)[number]): Device => ({
      kind,
      name: found.name,
      driver: found.driver,
      state: found.health?.state ?? (found.problem === undefined ? 'ok' : 'faulty'),
      why: found.health?.why ?? found.problem ?? '',
    })
  return [...sensors.map(deviceOf('sensor')), ...pins.map(deviceOf('pin'))].map(judgeDevice)
}

async function opened(config: string, { data, keys, clock, signal }: Patient): Promise<Finding[]> {
  const wired = await loadNodeConfig(config, [data, keys])
  const place = { base: dirname(config), addons: [join(data, 'addons')] }
  // No pin is opened: to open an output is to set it, and a relay would switch.
  const devices = await openDevices(
    { sensors: wired.sensors, pins: {} },
    { clock, random: systemRandom, ...place },
  )
  const pins = Object.keys(wired.pins)
  try {
    // One reading each: a sensor that opens may still have nothing to say.
    await Promise.allSettled([...devices.sensors.values()].map((sensor) => sensor.read(signal)))
    const sensors = devices
      .states()
      .map(({ kind, name, driver, health }) => judgeDevice({ kind, name, driver, ...health }))
    if (pins.length === 0) return sensors
    return [
      ...sensors,
      {
        level: 'note',
        what: `not tried, as it would set them: the pins ${pins.join(', ')}`,
        fix: 'selvedge up opens them',
      },
    ]
  } finally {
    await devices.close()
  }
}

export const devicesCheck: Check = {
  name: 'devices',
  summary: 'sensors and pins',
  async run(patient) {
    const { node, config } = patient
    if (node === null && config === undefined)
      return [
        { level: 'fine', what: 'none was named: give the node’s TOML with --config to try its devices' },
      ]
    const found =
      node !== null
        ? ofRunning(node.devices)
        : await opened(config ?? '', patient).catch((error: unknown) => {
            // What is wrong with the TOML is another check's finding.
            if (isSelvedgeError(error)) return []
            throw error
          })
    return found.length > 0 ? found : [{ level: 'fine', what: 'the node has none' }]
  },
}
