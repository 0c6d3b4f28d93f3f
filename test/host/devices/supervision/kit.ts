/** A driver whose devices do what a test tells them, and a node's devices with it. */
import * as v from 'valibot'
import type {
  DeviceConfig,
  Devices,
  Pin,
  PinDriver,
  PinEdge,
  Reading,
  Sensor,
  SensorDriver,
} from '../../../../host/devices/index.ts'
import { openWith } from '../../../../host/devices/open.ts'
import { deviceLimits } from '../../../../host/devices/supervision/limits.ts'
import { EdgeLog } from '../../../../host/devices/pins/edge-log.ts'
import { FakeClock, seededRandom } from '../../fake-clock.ts'

/** What the test decides about the hardware. */
export class Hardware {
  /** Why it cannot be opened; null where it can. */
  absent: string | null = null
  /** What a read answers with. */
  read: () => Promise<Reading> = async () => this.reading(1)
  /** Comes before it opens. */
  opening: () => Promise<void> = async () => {}
  openings = 0
  closings = 0
  reads = 0
  /** Level of the pin. */
  level = false
  use: () => Promise<void> = async () => {}
  readonly clock: FakeClock
  readonly #gone = new Set<(why: string) => void>()
  readonly #listeners = new Set<(reading: Reading) => void>()
  readonly #edges = new EdgeLog()

  constructor(clock: FakeClock) {
    this.clock = clock
  }

  reading(value: number, unit = 'lx'): Reading {
    return { value, unit, timeMs: this.clock.now() }
  }

  speak(value: number): void {
    for (const listener of this.#listeners) listener(this.reading(value))
  }

  change(level: boolean): void {
    this.level = level
    this.#edges.add({ level, timeMs: this.clock.now() })
  }

  unplug(why = 'unplugged'): void {
    this.absent = why
    for (const gone of this.#gone) gone(why)
  }

  plug(): void {
    this.absent = null
  }

  async #open(): Promise<{ onGone: NonNullable<Sensor['onGone']>; close: () => Promise<void> }> {
    await this.opening()
    if (this.absent !== null) throw new Error(this.absent)
    this.openings += 1
    return {
      onGone: (listener) => {
        this.#gone.add(listener)
        return () => void this.#gone.delete(listener)
      },
      close: async () => {
        this.closings += 1
      },
    }
  }

  sensorDriver(speaks = false): SensorDriver {
    return {
      kind: 'test',
      summary: 'for tests',
      options: v.strictObject({}),
      ...(speaks && { speaks: true as const }),
      open: async (name): Promise<Sensor> => ({
        ...(await this.#open()),
        name,
        driver: 'test',
        unit: 'lx',
        range: { min: 0, max: 1_000 },
        resolution: 1,
        read: () => {
          this.reads += 1
          return this.read()
        },
        ...(speaks && {
          watch: (listener: (reading: Reading) => void) => {
            this.#listeners.add(listener)
            return () => void this.#listeners.delete(listener)
          },
        }),
      }),
    }
  }

  pinDriver(direction: 'in' | 'out' = 'out'): PinDriver {
    return {
      kind: 'test',
      summary: 'for tests',
      options: v.strictObject({}),
      directionOf: () => direction,
      open: async (name): Promise<Pin> => ({
        ...(await this.#open()),
        name,
        driver: 'test',
        direction,
        read: async () => {
          await this.use()
          return this.level
        },
        write: async (level) => {
          await this.use()
          if (level !== this.level) this.change(level)
        },
        edges: () => this.#edges.edges(),
        watch: (listener: (edge: PinEdge) => void) => this.#edges.watch(listener),
      }),
    }
  }
}

const table: DeviceConfig = { driver: 'test', options: {} }

export interface Bench {
  readonly clock: FakeClock
  readonly hardware: Hardware
  readonly devices: Devices
}

/** A node's devices: the sensor `light`, of a driver whose sensors may speak. */
export async function openSensor(
  given: {
    speaks?: boolean
    care?: DeviceConfig['care']
    absent?: string
    opening?: () => Promise<void>
  } = {},
): Promise<Bench & { readonly light: Sensor }> {
  const clock = new FakeClock()
  const hardware = new Hardware(clock)
  hardware.absent = given.absent ?? null
  if (given.opening !== undefined) hardware.opening = given.opening
  const opening = openWith(
    { sensors: [hardware.sensorDriver(given.speaks)], pins: [] },
    { sensors: { light: { ...table, care: given.care } }, pins: {} },
    { clock, random: seededRandom(1), root: '/' },
  )
  if (given.opening !== undefined) await clock.advance(deviceLimits.startMs)
  const devices = await opening
  return { clock, hardware, devices, light: devices.sensors.get('light') as Sensor }
}

/** A node's devices: the pin `led`. */
export async function openPin(direction: 'in' | 'out' = 'out'): Promise<Bench & { readonly led: Pin }> {
  const clock = new FakeClock()
  const hardware = new Hardware(clock)
  const devices = await openWith(
    { sensors: [], pins: [hardware.pinDriver(direction)] },
    { sensors: {}, pins: { led: table } },
    { clock, random: seededRandom(1), root: '/' },
  )
  return { clock, hardware, devices, led: devices.pins.get('led') as Pin }
}
