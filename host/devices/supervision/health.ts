/** How a device is, in the words that status, records and metrics share. */
import type { PinDirection, Range, Reading } from '../contract.ts'

/**
 * `missing`: it cannot be opened, or was unplugged, or was never heard. `faulty`: it is there, and what it says is wrong, or
 * it has never answered. `stale`: it answered before, and has not within its own limit.
 */
export type HealthState = 'ok' | 'stale' | 'missing' | 'faulty'

/** What is wrong, and what to do about it where the driver knows better than the problem's own text. */
export interface Ground {
  /** One line; empty where there is nothing to say. */
  readonly why: string
  readonly hint?: string | undefined
}

export interface DeviceHealth extends Ground {
  readonly state: HealthState
  /** When it came to that, monotonic ms. */
  readonly sinceMs: number
}

/** Since the node started. */
export interface DeviceCounts {
  /** Readings that were good, or uses of a pin. */
  readonly answers: number
  /** Readings, or edges, that were refused: no number, out of range, or too many. */
  readonly refused: number
  /** Readings or uses that came to nothing: an error of the driver, or silence. */
  readonly failures: number
  /** Times that it was opened; each but the first is a return. */
  readonly openings: number
}

interface StateOfAny {
  readonly name: string
  readonly driver: string
  readonly health: DeviceHealth
  readonly counts: DeviceCounts
}

export interface SensorState extends StateOfAny {
  readonly kind: 'sensor'
  /** Empty until it was there for the first time. */
  readonly unit: string
  readonly range: Range | null
  readonly resolution: number | null
  /** The last good reading, and when it came, monotonic ms. */
  readonly last: { readonly reading: Reading; readonly atMs: number } | null
  /** Values of the last minutes, oldest first; one a second at most. */
  readonly recent: readonly number[]
}

export interface PinState extends StateOfAny {
  readonly kind: 'pin'
  readonly direction: PinDirection
}

export type DeviceState = SensorState | PinState
