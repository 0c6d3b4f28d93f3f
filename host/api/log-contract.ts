/** What an app says on several nodes, as the control API has it. These shapes only ever gain fields. */
import type { LogLevel } from '../../core/index.ts'
import type { LogLine } from './contract.ts'

export interface LogIntent {
  readonly app: string
  /** Only of this node, by its id; of all nodes that have it where it is left out. */
  readonly node?: string
  /** The newest so many of each node; all that is kept where it is left out. */
  readonly tail?: number
  /** No older than so many ms, by the clock of the node that has them. */
  readonly sinceMs?: number
  /** This level and those above. */
  readonly level?: LogLevel
  /** Lines that contain it, in upper or lower case. */
  readonly text?: string
  /** Goes on with new lines. */
  readonly follow: boolean
}

/** `seq` is the line's place in the app's log on its node. */
export interface NodeLogLine extends LogLine {
  /** The node's id, and what people call it. */
  readonly node: string
  readonly name: string
  /** How far that node's clock is behind the asked node's, ms; absent where it is nearly right. */
  readonly behindMs?: number
}

/** Something about a node, in place of a line of it. */
export interface NodeLogNotice {
  readonly node: string
  readonly name: string
  /**
   * `away`: not reached; `back`: reached again, after `sinceMs`; `missed`: `count` lines at least are kept no more;
   * `left-out`: `count` nodes more are not read, this one the first of them.
   */
  readonly notice: 'away' | 'back' | 'missed' | 'left-out'
  /** By the asked node's clock, ms. */
  readonly at?: number
  readonly why?: string
  readonly sinceMs?: number
  readonly count?: number
}

export type NodeLogEvent = NodeLogLine | NodeLogNotice

/** Reads logs of this node and of others. */
export interface LogDesk {
  /** @throws ERR_MEMBER_UNKNOWN */
  check(intent: LogIntent): void
  /**
   * Reads until nothing is left, or `signal` aborts.
   * @param take is waited for, one at a time
   * @throws what `take` throws
   */
  read(intent: LogIntent, take: (event: NodeLogEvent) => Promise<void>, signal: AbortSignal): Promise<void>
}

export const logRoutes = {
  /** ?app=&node=ID&tail=N&since=MS&level=&text=&follow=1 : JSON lines of NodeLogEvent and, while there is no news, empty lines */
  logs: 'GET /v1/app-logs',
} as const
