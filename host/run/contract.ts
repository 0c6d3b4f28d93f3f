/** What is asked of `selvedge run` and `selvedge serve`: a file, what it may touch, and what it may use. */
import type { Isolation, StandardStreams } from '../engine/index.ts'
import type { AppContext } from '../interfaces/index.ts'

/** A folder of this machine, and what the program calls it. */
export interface GrantedFolder {
  /** Absolute. */
  readonly hostPath: string
  readonly guestPath: string
  readonly access: 'read' | 'read-write'
}

/** What the program may touch beside clocks, random numbers and its standard streams. */
export interface Granted {
  readonly folders: readonly GrantedFolder[]
  readonly env: readonly (readonly [name: string, value: string])[]
  readonly config: Readonly<Record<string, string>>
  /** `KIND:NAME`, as a release would list them. */
  readonly grants: readonly string[]
  /** TOML of the simulated devices behind them, as a node's configuration has it. */
  readonly devices: string
}

/** What it may use. */
export interface RunLimits {
  /** Of all its memories together. */
  readonly memoryBytes: number
  /** For the whole of a command, or for one request; Infinity where there is none. */
  readonly deadlineMs: number
  readonly isolation: Isolation
}

export interface RunRequest {
  /** As it was typed: a program finds it as the first of its arguments. */
  readonly file: string
  readonly granted: Granted
  readonly limits: RunLimits
  /** Where prepared components are kept; null keeps none. */
  readonly cacheFolder: string | null
  /** In place of topics of its own. */
  readonly topics?: ReturnType<AppContext['topics']>
  /** Takes the lines of wasi:logging, and what the program does not do itself. */
  tell(line: string): void
}

/** The streams of whoever runs the program, which are the program's own. */
export interface ByteStreams extends StandardStreams {
  /** Which of them are a person's terminal. */
  readonly terminal: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean }
}
