/** What a command may touch of the outside: everything comes from here, so that tests can be the outside. */
import type { Cancel, Clock, RegisteredProblem } from '../../core/index.ts'
import type { ByteStreams } from '../run/index.ts'
import type { Machine } from '../service/index.ts'
import type { NodeStarter } from './node-starter.ts'

/** One of the two standard streams. */
export interface Output {
  write(text: string): void
  readonly isTTY: boolean
  /** Already decided from the environment, the stream and the terminal. */
  readonly colour: boolean
  /** Columns; 80 where it is no terminal. */
  readonly width: number
  /** Rows; undefined where it is no terminal. */
  readonly height?: number | undefined
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
    /** What can be made again. */
    readonly cache: string
  }
  /** What runs now, for a service that is to run the same: Node.js, and the built program. */
  readonly program: { readonly node: string; readonly program: string }
  /** For tests, in place of this one. */
  readonly machine?: Machine
  /** Variables, for a program that is given them by name. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The standard streams as bytes, for a program that has them as its own. */
  readonly streams: ByteStreams
  /**
   * Asks the person at the terminal. @param how.hidden what is typed is not shown
   * @returns what was typed, without the end of the line; null where nobody is there to answer
   */
  ask(question: string, how?: { readonly hidden?: boolean }): Promise<string | null>
  /** Keys as they are pressed, until cancelled; absent where nobody is there to press any. */
  readonly keys?: (onKey: (key: string) => void) => Cancel
  readonly clock: Clock
  /** Aborts on SIGINT and SIGTERM; its reason is an {@link Interruption}. */
  readonly signal: AbortSignal
  /** Every problem that a part of the program may report; loaded when somebody asks. */
  problems(): Promise<readonly RegisteredProblem[]>
  /** Loads the node only when it is asked to start. */
  readonly startNode: NodeStarter
}

/** Why a command was asked to end. */
export class Interruption extends Error {
  override readonly name = 'Interruption'
  /** What a shell calls a process that this signal ended: 128 and its number. */
  readonly status: number

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${signal}`)
    this.status = signal === 'SIGINT' ? 130 : 143
  }
}

/** Of a command that was ended before it had done what it was asked for. */
export function statusOfInterruption({ signal }: Pick<World, 'signal'>): ExitCode {
  return signal.reason instanceof Interruption ? signal.reason.status : 130
}

/** 0 done, 1 failed, 2 wrong usage, 3 not decided in time, 130 or 143 interrupted; `run` passes on its program's own, up to 255. */
export type ExitCode = number
