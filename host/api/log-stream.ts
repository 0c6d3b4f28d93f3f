/**
 * Following logs: a cursor into the node's ring per client, never a queue.
 *
 * A client that reads slowly falls behind in the ring; what leaves the ring before it came by is counted and
 * told as a gap. So a follower costs the node one number, however slow it is.
 */
import type { ServerResponse } from 'node:http'
import { every, type Clock } from '../../core/index.ts'
import type { LineSource } from './controlled-node.ts'
import { apiLimits } from './limits.ts'

type Lines = LineSource<{ readonly seq: number }>

export interface LogQuery {
  readonly app: string | null
  /** Lines after this `seq`; wins over `tail`. */
  readonly after: number | null
  /** This many of the newest lines. */
  readonly tail: number | null
}

/** @returns the first lines of an answer, and where a follower goes on. */
export function firstLines(logs: Lines, query: LogQuery): { lines: string[]; cursor: number } {
  if (query.after === null && query.tail !== null) {
    const newest = logs.tail(null, 1)[0]?.seq ?? 0
    const lines = query.tail === 0 ? [] : logs.tail(query.app, Math.min(query.tail, apiLimits.logLines))
    return { lines: lines.map(asLine), cursor: Math.max(newest, lines.at(-1)?.seq ?? 0) }
  }
  return turn(logs, query.app, query.after ?? 0)
}

/** Writes lines as they come until the client goes away or `signal` aborts. Resolves then. */
export function followLogs(
  logs: Lines,
  query: LogQuery,
  response: ServerResponse,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    let { lines, cursor } = firstLines(logs, query)
    let writable = true
    const pump = (): void => {
      while (writable && lines.length > 0) {
        writable = response.write(lines.join(''))
        ;({ lines, cursor } = writable ? turn(logs, query.app, cursor) : { lines: [], cursor })
      }
    }
    const wake = (): void => {
      if (!writable) return
      ;({ lines, cursor } = turn(logs, query.app, cursor))
      pump()
    }
    const onDrain = (): void => {
      writable = true
      wake()
    }
    const cancelAppend = logs.onAppend(wake)
    const cancelHeartbeat = every(clock, apiLimits.heartbeatMs, () => {
      if (writable) writable = response.write('\n')
    })
    const finish = (): void => {
      cancelAppend()
      cancelHeartbeat()
      signal.removeEventListener('abort', finish)
      response.off('drain', onDrain).off('close', finish)
      response.end()
      resolve()
    }
    response.on('drain', onDrain).on('close', finish)
    signal.addEventListener('abort', finish, { once: true })
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.flushHeaders()
    pump()
    if (signal.aborted) finish()
  })
}

function turn(logs: Lines, app: string | null, after: number): { lines: string[]; cursor: number } {
  const { lines, cursor, missed } = logs.read(app, after, apiLimits.logLines)
  const texts = lines.map(asLine)
  if (missed > 0) texts.unshift(`${JSON.stringify({ missed })}\n`)
  return { lines: texts, cursor }
}

function asLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}
