/** A time in which a whole node did nothing. */
export interface NodePause {
  /** `slept`: its machine did, or its clock was set forward. `stalled`: the machine ran, and the process did not. */
  readonly kind: 'slept' | 'stalled'
  readonly ms: number
  /** When it ended, by the node's own wall clock. */
  readonly endedAt: number
}
