/** Every bound of what is done with a broker, in one place, each with its reason. */
export interface BrokerLimits {
  /** From the first packet to the broker's welcome: a slow line, TLS and a busy broker. */
  readonly connectMs: number
  /** For an acknowledgement: a broker that is silent for longer is taken for one that hangs. */
  readonly answerMs: number
  /** For one message to be taken; the connection stands still meanwhile, and must not miss its signs of life. */
  readonly takeMs: number
  /** After a message that could not be taken, before the broker is asked for it again. */
  readonly againMs: number
  /** Between attempts, growing; with chance, so that a site does not come back all at once. */
  readonly backoffMs: number
  readonly backoffCapMs: number
  /** The same after a refusal: a person has to do something, and brokers lock out who tries too often. */
  readonly refusedMs: number
  readonly refusedCapMs: number
  /** A connection that lasted so long was a good one: the next failure begins with the shortest wait. */
  readonly stableMs: number
  /** Goodbye, before the connection is cut. */
  readonly stopMs: number
  /** Different filters at one broker. */
  readonly filters: number
  /** Messages under way to the broker, and from it, before an acknowledgement. */
  readonly underWay: number
  /** How long the broker keeps what it has for a node that is away. */
  readonly sessionSeconds: number
}

export const brokerLimits: BrokerLimits = {
  connectMs: 15_000,
  answerMs: 15_000,
  takeMs: 10_000,
  againMs: 30_000,
  backoffMs: 500,
  backoffCapMs: 60_000,
  refusedMs: 5_000,
  refusedCapMs: 300_000,
  stableMs: 30_000,
  stopMs: 2_000,
  filters: 512,
  underWay: 64,
  sessionSeconds: 86_400,
}

/** Beside the payload of a message: its topic (64 KiB at most) and its properties. */
export const packetOverheadBytes = 128 * 1024
/** Brokers in one TOML are bounded by its tables; pairs of metadata on one message by this. */
export const maxMetadataPairs = 64
