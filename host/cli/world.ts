/** What a command may touch of the outside: everything comes from here, so that tests can be the outside. */
import type { Clock } from '../../core/index.ts'
import type { NodeStarter } from './node-starter.ts'

/** One of the two standard streams. */
export interface Output {
  write(text: string): void
  readonly isTTY: boolean
  /** Already decided from the environment, the stream and the terminal. */
  readonly colour: boolean
  /** Columns; 80 where it is no terminal. */
  readonly width: number
}

export interface World {
  /** For answers. */
  readonly stdout: Output
  /** For everything else. */
  readonly stderr: Output
  readonly cwd: string
  readonly folders: {
    /** Where the node of this user keeps its data, unless --data names another. */
    readonly data: string
    /** Keys of people. */
    readonly keys: string
  }
  readonly clock: Clock
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal
  /** Loads the node only when it is asked to start. */
  readonly startNode: NodeStarter
}

/** design.md section 12. */
export type ExitCode = 0 | 1 | 2 | 3
