/** What an interface may use on behalf of one app. */
import type { LogLevel } from '../../core/index.ts'
import type { NamedBus, Pin, Sensor } from '../devices/index.ts'
import type { Topics } from '../messages/index.ts'
import { interfaceProblems } from './problems.ts'
import type { NetworkPolicy } from './sockets/policy.ts'
import type { BlobStore, KeyValueStore } from '../storage/index.ts'

/** A call of another app's function; as `CallRequest` in host/calls, which this folder knows nothing of. */
export interface OutgoingCall {
  readonly app: string
  readonly target: string
  readonly args: readonly unknown[]
  readonly deadlineMs?: number
  readonly key?: string
  readonly signal?: AbortSignal
  /** The app that calls. */
  readonly caller: string
  readonly hops?: number
}

/** Where there is no mesh around an app. */
export function noCalls(): Promise<never> {
  return Promise.reject(interfaceProblems.error('ERR_NO_MESH', 'there is no mesh around it'))
}

/** The same of messages. */
export const noTopics: Pick<Topics, 'publish' | 'request' | 'reply'> = {
  publish: noCalls,
  request: noCalls,
  reply: noCalls,
}

export interface AppContext {
  readonly app: string
  readonly version: string
  /** The release's settings overlaid by the node owner's. */
  readonly config: Readonly<Record<string, string>>
  /** Only the sensors and pins that the release was granted, by logical name. */
  readonly sensors: ReadonlyMap<string, Sensor>
  readonly pins: ReadonlyMap<string, Pin>
  /** The same of I²C buses; none where it is left out. */
  readonly buses?: ReadonlyMap<string, NamedBus>
  /** Names of the buckets and containers that it was granted. */
  readonly buckets: ReadonlySet<string>
  readonly containers: ReadonlySet<string>
  /** Origins that it may send requests to, as `https://api.example.com`. */
  readonly origins: ReadonlySet<string>
  /** Apps whose functions it may call. */
  readonly callees: ReadonlySet<string>
  /**
   * Calls one, wherever in the mesh it runs.
   * @throws WitError for the function's own error, and what a CallRouter throws
   */
  call(call: OutgoingCall): Promise<{ readonly value: unknown }>
  /** The app's own stores, asked for when they are used. @throws ERR_STORAGE_CLOSED */
  keyValue(): KeyValueStore
  blobs(): BlobStore
  /** Topics that it may publish to. */
  readonly publishes: ReadonlySet<string>
  /** The node's topics, asked for when they are used. */
  topics(): Pick<Topics, 'publish' | 'request' | 'reply'>
  /** What it may do on the network. */
  readonly network: NetworkPolicy
  /** Where grants are not a release's: what gives this one, `use --network tcp-connect:10.0.0.7:80`. */
  readonly howToGrant?: (kind: 'http' | 'network', name: string) => string
  /** Adds a line to the app's log. */
  log(level: LogLevel, context: string, message: string): void
}
