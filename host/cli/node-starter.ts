/** How `up` sees the daemon: something that is started with what was typed, says where it is, and stops. */
import type { Log } from '../../core/index.ts'

export interface NodeOptions {
  /** The data folder; created when missing. */
  readonly data: string
  /** The operator's key folder, where a new mesh's keys go. */
  readonly keys: string
  /** Path of the node's TOML. */
  readonly config: string | undefined
  readonly name: string | undefined
  /** In place of the configured ones; empty where none was typed. */
  readonly groups: readonly string[]
  readonly join: string | undefined
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  /** `HOST:PORT` for HTTP requests to apps, in place of the configured one. */
  readonly http: string | undefined
  /** `HOST:PORT`, or a port of this machine alone, for metrics, in place of the configured one. */
  readonly metrics: string | undefined
  /** `HOST:PORT` at which build jobs may publish with a deploy key. */
  readonly deploy: string | undefined
  readonly mdns: boolean
  /** Starts with the mesh's network off, as `selvedge network off` leaves it. */
  readonly offline: boolean
  /** Ends a start that waits for another node; a node that is ready is ended with `stop`. */
  readonly signal?: AbortSignal | undefined
  readonly log: Log
}

export interface RunningNode {
  readonly id: string
  readonly name: string
  readonly mesh: { readonly id: string; readonly name: string }
  /** Dialable multiaddrs with the peer id. */
  readonly addresses: readonly string[]
  readonly socketPath: string
  /** Where it answers HTTP; null where it does not. */
  readonly http: { readonly host: string; readonly port: number } | null
  /** Where its metrics are read over TCP; null where they are not. */
  readonly metrics: { readonly host: string; readonly port: number } | null
  /** Where build jobs publish; null where they cannot. */
  readonly deploy: { readonly host: string; readonly port: number } | null
  /** How this start got its mesh. */
  readonly origin: 'created' | 'joined' | 'resumed'
  /** Resolves when an app runs on it for the first time; never where none does. */
  readonly works: Promise<void>
  /** Resolves when it has stopped, for whatever reason; rejects when it could not go on. */
  readonly stopped: Promise<void>
  stop(): Promise<void>
}

/** Starts a node; resolves when it is ready. A failed start has stopped what it had started. */
export type NodeStarter = (options: NodeOptions) => Promise<RunningNode>
