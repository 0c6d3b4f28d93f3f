/** Opens what the node's TOML wires up, all or nothing. */
import { isSelvedgeError, messageOf, type SelvedgeError } from '../../core/index.ts'
import type { DeviceDriver, DriverContext, Pin, PinDriver, Sensor, SensorDriver } from './contract.ts'
import { deviceProblems } from './problems.ts'

/** One device as its table in the TOML says; `options` are as the driver's schema returned them. */
export interface DeviceConfig {
  readonly driver: string
  readonly options: Readonly<Record<string, unknown>>
}

export interface DevicesConfig {
  readonly sensors: Readonly<Record<string, DeviceConfig>>
  readonly pins: Readonly<Record<string, DeviceConfig>>
}

/** Open devices by logical name. `close` may be called twice and closes all, whatever one of them does. */
export interface Devices {
  readonly sensors: ReadonlyMap<string, Sensor>
  readonly pins: ReadonlyMap<string, Pin>
  close(): Promise<void>
}

export interface Drivers {
  readonly sensors: readonly SensorDriver[]
  readonly pins: readonly PinDriver[]
}

interface Closable {
  close(): Promise<void>
}

/** @throws ERR_DEVICE_UNAVAILABLE naming the device, after closing what was open; ERR_DRIVER_UNKNOWN */
export async function openWith(
  drivers: Drivers,
  config: DevicesConfig,
  context: DriverContext,
): Promise<Devices> {
  const open: Closable[] = []
  const close = async (): Promise<void> => {
    await Promise.allSettled(open.splice(0).map((device) => device.close()))
  }
  try {
    const sensors = await openAll('sensors', drivers.sensors, config.sensors, context, open)
    const pins = await openAll('pins', drivers.pins, config.pins, context, open)
    return { sensors, pins, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function openAll<Device extends Closable>(
  table: string,
  drivers: readonly DeviceDriver<Device, unknown>[],
  config: Readonly<Record<string, DeviceConfig>>,
  context: DriverContext,
  open: Closable[],
): Promise<ReadonlyMap<string, Device>> {
  const devices = new Map<string, Device>()
  for (const [name, { driver: kind, options }] of Object.entries(config)) {
    const driver = drivers.find((candidate) => candidate.kind === kind)
    if (driver === undefined) {
      throw deviceProblems.error('ERR_DRIVER_UNKNOWN', `${table}.${name}: there is no driver "${kind}"`)
    }
    const device = await driver.open(name, options, context).catch((error: unknown) => {
      throw unavailable(`${table}.${name} (driver ${kind})`, error)
    })
    open.push(device)
    devices.set(name, device)
  }
  return devices
}

function unavailable(device: string, error: unknown): SelvedgeError {
  if (isSelvedgeError(error)) return error
  const message = `${device} cannot be opened: ${messageOf(error)}`
  return deviceProblems.error('ERR_DEVICE_UNAVAILABLE', message, { cause: error })
}
