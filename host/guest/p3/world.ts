/** What the WASI 0.3 interfaces are made of: the layers that every sandbox has, and nothing else. */
import type { Clock, Random } from '../../../core/index.ts'
import type { ByteSink, ByteSource, Waitable } from '../bytes.ts'
import type { PartSettings } from '../part.ts'

/** The one way to wait in an asynchronous guest: `HostLine.whenReady`. */
export interface Waiting {
  whenReady(waitable: Waitable): Promise<void>
}

export interface P3World {
  readonly settings: Pick<PartSettings, 'args' | 'env' | 'terminal'>
  readonly clock: Clock
  readonly random: Random
  readonly waiting: Waiting
  /** Standard streams; asked for each time the guest opens one. */
  stdin(): ByteSource
  stdout(): ByteSink
  stderr(): ByteSink
  /** Ends the instance. */
  exit(code: number): never
  /** Counts one more resource of the guest's; see `PartContext.hold`. */
  hold(): () => void
}

/**
 * Interfaces of WASI 0.3 by the names under which the glue asks for them: with their line, as one component may
 * import `wasi:cli/stdout` of 0.2 and of 0.3 (the standard library of a language and its own code).
 */
export type P3Imports = Record<`wasi:${string}@0.3`, Readonly<Record<string, unknown>>>
