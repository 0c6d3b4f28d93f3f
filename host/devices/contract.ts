/**
 * The two contracts between the node and its hardware. A driver is one folder or file under `devices/` and one
 * line in `devices/index.ts`.
 */
import type { GenericSchema, ObjectEntries } from 'valibot'
import type { Clock, Random } from '../../core/index.ts'

export interface Reading {
  /** Finite. */
  readonly value: number
  /** UCUM symbol. */
  readonly unit: string
  /** Wall clock, ms since the epoch. */
  readonly timeMs: number
}

export interface Sensor {
  readonly name: string
  readonly driver: string
  readonly unit: string
  /** @throws ERR_DEVICE_UNAVAILABLE */
  read(signal?: AbortSignal): Promise<Reading>
  close(): Promise<void>
}

/** Edges that a pin driver keeps at most. */
export const maxPinEdges = 256

export interface PinEdge {
  readonly level: boolean
  readonly timeMs: number
}

export interface Pin {
  readonly name: string
  readonly driver: string
  /** @throws ERR_DEVICE_UNAVAILABLE */
  read(): Promise<boolean>
  write(level: boolean): Promise<void>
  /** The last changes of level, oldest first, as many as the driver keeps ({@link maxPinEdges} at most). */
  edges(): readonly PinEdge[]
  close(): Promise<void>
}

export interface DriverContext {
  readonly clock: Clock
  readonly random: Random
}

/** Makes devices of one kind from the options in the node's TOML. */
export interface DeviceDriver<Device, Options> {
  /** As written in `driver = "…"`. */
  readonly kind: string
  readonly summary: string
  /** A strict object: its entries stand in the device's TOML table beside `driver`. */
  readonly options: GenericSchema<unknown, Options> & { readonly entries: ObjectEntries }
  open(name: string, options: Options, context: DriverContext): Promise<Device>
}

export type SensorDriver<Options = unknown> = DeviceDriver<Sensor, Options>
export type PinDriver<Options = unknown> = DeviceDriver<Pin, Options>
