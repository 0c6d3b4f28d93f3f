/** The bounds of the address for metrics; anybody who reaches it may ask. */
export const metricsLimits = {
  /** More than one Prometheus with its spare, and a person. */
  connections: 16,
  headBytes: 8 * 1024,
  /** For a request's head, and for the whole of it, ms. */
  requestMs: 5_000,
  /** Silence after which a connection is closed, in the middle of an answer too, ms. */
  idleMs: 20_000,
  /** For how long an answer is given again: asking faster costs the node nothing, ms. */
  freshMs: 250,
  /** Time for what is under way when the node stops, ms. */
  stopMs: 500,
} as const
