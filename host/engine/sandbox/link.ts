/** How the node reaches a sandbox, wherever that runs. One file for each kind: a thread, a process. */
import type { Boot, Preopen, ToGuest, ToHost } from '../../guest/index.ts'
import type { StoredComponent } from '../cache.ts'
import type { IdleThread } from '../../threads/index.ts'
import type { EngineLimits } from '../limits.ts'
import type { Program } from '../program.ts'

export interface LinkEvents {
  batch(batch: readonly ToHost[]): void
  /** It ended, by itself or by a fault, or must be ended. Told once; not after `terminate`. */
  ended(reason: 'memory' | 'host-fault' | 'crash' | 'neighbour' | 'deadline', message: string): void
  /** What the runtime in it prints, which no guest can. */
  printed(text: string): void
}

export interface SandboxLink {
  /** The first batch begins with the boot. */
  send(batch: readonly ToGuest[]): void
  /** How code is handed over: compiled once for all threads, or as bytes. */
  modulesOf(stored: StoredComponent): Promise<Boot['modules']>
  /** The number of the call that was begun last; null where that cannot be seen from here. */
  begun(): number | null
  /** Whether another sandbox has the thread of this one just now. */
  isHeldUp(): boolean
  /** Resolves when nothing of it runs any more. May be called twice. */
  terminate(): Promise<void>
  /** Whether what is sent may have shared memory in it. */
  readonly sharesMemory: boolean
  /** Of the process it runs in, where it has one of its own. */
  readonly pid: number | null
}

export interface LinkOptions {
  readonly program: Program
  readonly limits: EngineLimits
  /** Folders that it may reach, where reaching folders is something that can be forbidden. */
  readonly preopens: readonly Preopen[]
  readonly events: LinkEvents
  /** Started for nobody yet: it may use the time until it is somebody's. */
  readonly isSpare?: boolean
  /** One that was started before, for whoever runs in threads. It is ended where it is of no use. */
  readonly thread?: IdleThread
}

export type LinkFactory = (options: LinkOptions) => SandboxLink
