/**
 * What the rest of the node sees of MQTT brokers: one connection each, shared by all sensors, pins and bridges that name
 * it. Whoever listens goes on listening whatever becomes of the connection; whoever sends is told.
 */
import type { Cancel } from '../../core/index.ts'

/** `[brokers.NAME]` of the node's TOML. */
export interface BrokerConfig {
  /** `mqtt://HOST:PORT` or `mqtts://HOST:PORT`; `ws://HOST:PORT/PATH` or `wss://…` through a WebSocket. */
  readonly url: string
  readonly username?: string | undefined
  /** Read anew for each connection, so that a password can be changed while the node runs. */
  readonly 'password-file'?: string | undefined
  /** Made of the node's own id where it is left out. */
  readonly 'client-id'?: string | undefined
  /** File with the certificates to trust, PEM, in place of those that the program trusts. */
  readonly ca?: string | undefined
  /** Files with the node's own certificate and its key, PEM, for a broker that wants to see one. */
  readonly certificate?: string | undefined
  readonly key?: string | undefined
  /** ms between signs of life. */
  readonly keepalive: number
  /** `auto` begins with 5 and goes back to 3.1.1 where the broker does not know it. */
  readonly version: 'auto' | '5' | '3.1.1'
  /** Largest payload that is taken from the broker, in bytes. */
  readonly largest: number
}

export type MetadataPair = readonly [string, string]

export interface BrokerMessage {
  readonly topic: string
  /** At most `largest` bytes of the broker's table. */
  readonly payload: Uint8Array
  /** It was there before anybody listened. */
  readonly isRetained: boolean
  /** The broker does not know whether it was received before. */
  readonly isRepeated: boolean
  /** The broker keeps it until it is told that it was received (QoS 1). */
  readonly isAssured: boolean
  /** The broker's number for it while it is assured; used again for others later. */
  readonly number: number | null
  readonly contentType: string | null
  /** User properties of MQTT 5; none by 3.1.1. */
  readonly metadata: readonly MetadataPair[]
}

export interface PublishOptions {
  readonly isRetained?: boolean
  /** These two are left out by MQTT 3.1.1, which has no room for them. */
  readonly contentType?: string | null
  readonly metadata?: readonly MetadataPair[]
  readonly signal?: AbortSignal
}

export interface BrokerHealth {
  readonly state: 'connecting' | 'up' | 'down'
  /** Monotonic, when it came to this state. */
  readonly sinceMs: number
  /** Of the last failure, as a problem code with its words; null while nothing is wrong. */
  readonly problem: { readonly code: BrokerProblemCode; readonly message: string } | null
}

export type BrokerProblemCode =
  | 'ERR_BROKER_UNREACHABLE'
  | 'ERR_BROKER_REFUSED'
  | 'ERR_BROKER_SILENT'
  | 'ERR_BROKER_GARBAGE'
  | 'ERR_BROKER_SECRET'
  | 'ERR_BROKER_TLS'

/** Since the node started; they only grow. */
export interface BrokerCounts {
  connections: number
  received: number
  sent: number
  /** Messages that were larger than the broker's table allows, and were dropped. */
  oversized: number
  /** Times that a broker sent what is not MQTT. */
  garbage: number
  /** Messages that nobody could take, and that the broker was left with. */
  notTaken: number
}

export interface Broker {
  readonly name: string
  /**
   * Each message on a topic that the filter matches, at most once. Retained ones come again with each connection.
   * @param filter as MQTT writes it: `home/+/temperature`, `home/#` @throws ERR_TOPIC_INVALID, ERR_BROKER_FILTERS
   */
  listen(filter: string, listener: (message: BrokerMessage) => void): Cancel
  /**
   * The same at least once: the broker is told that it was received when `take` has resolved, and gives it again where that
   * failed. In order as long as nothing fails; nothing that comes later is taken before what failed.
   */
  take(filter: string, take: (message: BrokerMessage) => Promise<void>): Cancel
  /**
   * Resolves when the broker has acknowledged it (QoS 1).
   * @throws ERR_BROKER_AWAY where there is no connection or it ends before, ERR_BROKER_SILENT, ERR_BROKER_REFUSED where the
   *   broker does not take this message, ERR_TOPIC_INVALID
   */
  publish(topic: string, payload: Uint8Array, options?: PublishOptions): Promise<void>
  health(): BrokerHealth
  counts(): Readonly<BrokerCounts>
  /** After each change of health. */
  onHealth(listener: (health: BrokerHealth) => void): Cancel
}

/** The brokers of a node, by the names in its TOML. */
export interface Brokers {
  /** @throws ERR_BROKER_UNKNOWN */
  get(name: string): Broker
  all(): readonly Broker[]
  /** Begins to connect, and does not wait for it. */
  start(): void
  /** Says goodbye where it can, within seconds. */
  stop(): Promise<void>
}
