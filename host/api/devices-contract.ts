/** The devices of the asked node, as `selvedge sensors --json` prints them. */
interface SensorState {
  readonly name: string
  readonly driver: string
  readonly value: number | null
  readonly unit: string
  readonly timeMs: number | null
  /** Why it was not read just now; `value` and `timeMs` are then the last ones. */
  readonly problem?: string
  /** Ends of what it can tell, and its smallest step, in `unit`; null where not known. Absent from nodes of before, as what follows. */
  readonly range?: { readonly min: number; readonly max: number } | null
  readonly resolution?: number | null
  readonly health?: DeviceHealth
  /** Values of the last minutes, oldest first, one a second at most. */
  readonly recent?: readonly number[]
  readonly counts?: DeviceCounts
}

/** How a device is, and for how long. */
export interface DeviceHealth {
  readonly state: 'ok' | 'stale' | 'missing' | 'faulty'
  readonly forMs: number
  readonly why: string
  /** What to do about it, where its driver knows. */
  readonly hint?: string
}

/** Since the node started: readings or uses that were good, refused at the border, or came to nothing; and openings. */
interface DeviceCounts {
  readonly answers: number
  readonly refused: number
  readonly failures: number
  readonly openings: number
}

interface PinState {
  readonly name: string
  readonly driver: string
  /** With a `problem`, the last one that was seen, or false. */
  readonly level: boolean
  readonly edges: readonly { readonly level: boolean; readonly timeMs: number }[]
  readonly problem?: string
  /** Absent from nodes of before, as what follows. */
  readonly direction?: 'in' | 'out'
  readonly health?: DeviceHealth
  readonly counts?: DeviceCounts
}

export interface DevicesReport {
  readonly sensors: readonly SensorState[]
  readonly pins: readonly PinState[]
}
