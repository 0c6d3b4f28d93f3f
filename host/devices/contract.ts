/**
 * The two contracts between the node and its hardware. A driver is one folder or file under `devices/` and one
 * line in `devices/index.ts`.
 */
import type { GenericSchema, ObjectEntries } from 'valibot'
import type { Cancel, Clock, Random } from '../../core/index.ts'
import type { Brokers } from '../mqtt/index.ts'

export interface Reading {
  /** Finite. */
  readonly value: number
  /** UCUM symbol. */
  readonly unit: string
  /** Wall clock, ms since the epoch. */
  readonly timeMs: number
}

/** Ends of a scale, both included, in the sensor's unit. */
export interface Range {
  readonly min: number
  readonly max: number
}

export interface Sensor {
  readonly name: string
  readonly driver: string
  /** UCUM symbol. */
  readonly unit: string
  /** What it can tell, in `unit`; a reading outside is a fault. null where the driver cannot know. */
  readonly range: Range | null
  /** Smallest difference that it tells, in `unit`; null where that is not known. */
  readonly resolution: number | null
  /** After this long without a reading it is stale, ms; null where silence says nothing; the usual where it is left out. */
  readonly staleAfterMs?: number | null
  /** @throws ERR_DEVICE_UNAVAILABLE */
  read(signal?: AbortSignal): Promise<Reading>
  /** Each value as it comes, of sensors that speak by themselves; absent for those that must be asked. */
  watch?(listener: (reading: Reading) => void): Cancel
  /** Says that it was unplugged, or that it must be opened anew for another reason; absent where only reading tells. */
  onGone?(listener: (why: string) => void): Cancel
  close(): Promise<void>
}

/** Edges that a pin driver keeps at most. */
export const maxPinEdges = 256

export interface PinEdge {
  readonly level: boolean
  /** Wall clock, ms since the epoch. */
  readonly timeMs: number
}

export type PinDirection = 'in' | 'out'

export interface Pin {
  readonly name: string
  readonly driver: string
  readonly direction: PinDirection
  /** @throws ERR_DEVICE_UNAVAILABLE */
  read(): Promise<boolean>
  /** @throws ERR_DEVICE_UNAVAILABLE, ERR_DEVICE_READ_ONLY on an input */
  write(level: boolean): Promise<void>
  /** The last changes of level, oldest first, as many as the driver keeps ({@link maxPinEdges} at most). */
  edges(): readonly PinEdge[]
  /** Each change of level as the driver sees it, before debounce. */
  watch(listener: (edge: PinEdge) => void): Cancel
  /** As of a sensor. */
  onGone?(listener: (why: string) => void): Cancel
  close(): Promise<void>
}

export interface DriverContext {
  readonly clock: Clock
  readonly random: Random
  /** What `/sys`, `/dev` and `/proc` are looked for under: `/`, or a folder that looks like it in tests. */
  readonly root: string
  /** Folders that may have optional addons in their `node_modules`, beside the program's own. */
  readonly addons?: readonly string[]
  /** By name, for devices that speak MQTT; absent where there are none. */
  readonly brokers?: Brokers
  /** What relative paths in the TOML start from; where the node was started, where it is left out. */
  readonly base?: string | undefined
}

/** Makes devices of one kind from the options in the node's TOML. */
export interface DeviceDriver<Device, Options> {
  /** As written in `driver = "…"`. */
  readonly kind: string
  readonly summary: string
  /** A strict object: its entries stand in the device's TOML table beside `driver`. */
  readonly options: GenericSchema<unknown, Options> & { readonly entries: ObjectEntries }
  /** Rejects where the device is not there: it is tried again later. */
  open(name: string, options: Options, context: DriverContext): Promise<Device>
}

export interface SensorDriver<Options = unknown> extends DeviceDriver<Sensor, Options> {
  /** Its sensors have `watch`; said here, as it must be known while one is not there. */
  readonly speaks?: true
}

export interface PinDriver<Options = unknown> extends DeviceDriver<Pin, Options> {
  /** Its pins hear by themselves what they are: one that fails is not opened anew, as what is said meanwhile would be lost. */
  readonly speaks?: true
  /** What these options make of it, known also while it is not there. */
  directionOf(options: Options): PinDirection
}
