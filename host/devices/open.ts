/**
 * Opens what the node's TOML wires up, each device by itself: one that is not there is looked for again and again, and
 * neither the node nor another device waits for it.
 */
import { delay, type Cancel } from '../../core/index.ts'
import type { DriverContext, Pin, PinDriver, Sensor, SensorDriver } from './contract.ts'
import { deviceProblems } from './problems.ts'
import type { DeviceState } from './supervision/health.ts'
import { deviceLimits } from './supervision/limits.ts'
import { SupervisedPin, type PinCare } from './supervision/supervised-pin.ts'
import { SupervisedSensor, type SensorCare } from './supervision/supervised-sensor.ts'

/** One device as its table in the TOML says; `options` are as the driver's schema returned them. */
export interface DeviceConfig<Care = SensorCare> {
  readonly driver: string
  readonly options: Readonly<Record<string, unknown>>
  readonly care?: Care | undefined
}

export interface DevicesConfig {
  readonly sensors: Readonly<Record<string, DeviceConfig>>
  readonly pins: Readonly<Record<string, DeviceConfig<PinCare>>>
}

/** Devices by logical name, whether they are there or not. `close` may be called twice and closes all, whatever one does. */
export interface Devices {
  readonly sensors: ReadonlyMap<string, Sensor>
  readonly pins: ReadonlyMap<string, Pin>
  /** How each is: sensors, then pins, in the order of the TOML. */
  states(): readonly DeviceState[]
  /** Told when the state of a device's health is another one. Listeners must not throw. */
  onChange(listener: (state: DeviceState) => void): Cancel
  close(): Promise<void>
}

export interface Drivers {
  readonly sensors: readonly SensorDriver[]
  readonly pins: readonly PinDriver[]
}

/** Waits a moment for the devices that are there, so that an app's first call finds them. @throws ERR_DRIVER_UNKNOWN */
export async function openWith(
  drivers: Drivers,
  config: DevicesConfig,
  context: DriverContext,
): Promise<Devices> {
  const listeners = new Set<(state: DeviceState) => void>()
  const changed = (device: SupervisedSensor | SupervisedPin): void => {
    for (const listener of listeners) listener(device.state())
  }
  const sensors = Object.entries(config.sensors).map(([name, { driver: kind, options, care = {} }]) => {
    const driver = driverOf(drivers.sensors, kind, `sensors.${name}`)
    return new SupervisedSensor(name, driver, options, care, context, changed)
  })
  const pins = Object.entries(config.pins).map(([name, { driver: kind, options, care = {} }]) => {
    const driver = driverOf(drivers.pins, kind, `pins.${name}`)
    return new SupervisedPin(name, driver, options, care, context, changed)
  })
  const all = [...sensors, ...pins]
  await settled(
    all.map((device) => device.start()),
    context,
  )
  return {
    sensors: new Map(sensors.map((sensor) => [sensor.name, sensor])),
    pins: new Map(pins.map((pin) => [pin.name, pin])),
    states: () => all.map((device) => device.state()),
    onChange(listener) {
      const told = (state: DeviceState): void => listener(state)
      listeners.add(told)
      return () => void listeners.delete(told)
    },
    async close() {
      await Promise.allSettled(all.map((device) => device.close()))
    },
  }
}

async function settled(starts: readonly Promise<void>[], { clock }: DriverContext): Promise<void> {
  const waiting = new AbortController()
  const patience = delay(clock, deviceLimits.startMs, waiting.signal).catch(() => {})
  await Promise.race([Promise.all(starts), patience])
  waiting.abort()
}

function driverOf<Driver extends { readonly kind: string }>(
  drivers: readonly Driver[],
  kind: string,
  table: string,
): Driver {
  const driver = drivers.find((candidate) => candidate.kind === kind)
  if (driver !== undefined) return driver
  throw deviceProblems.error('ERR_DRIVER_UNKNOWN', `${table}: there is no driver "${kind}"`)
}
