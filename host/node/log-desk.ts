/** Logs as the control API has them: of the nodes that run the app, or of one that somebody named. */
import { shortDigest, type Clock, type Random } from '../../core/index.ts'
import type { MemberView, Mesh } from '../../mesh/index.ts'
import type { LogDesk, LogIntent, NodeLogEvent, StatusReport } from '../api/index.ts'
import { gatherLogs, type Journal, type LogEvent, type LogNode } from '../logs/index.ts'
import { nodeProblems } from './problems.ts'

export interface LogDeskNeeds {
  readonly mesh: Pick<Mesh, 'self' | 'members' | 'logs' | 'onChange'>
  readonly journal: Pick<Journal, 'has' | 'answer'>
  readonly clock: Clock
  readonly random: Random
}

export function logDesk({ mesh, journal, clock, random }: LogDeskNeeds): LogDesk {
  const check = ({ node }: LogIntent): void => {
    if (node === undefined || mesh.members().some(({ id }) => id === node)) return
    throw nodeProblems.error('ERR_MEMBER_UNKNOWN', `no member has the id ${shortDigest(node)}`)
  }
  const isRead = ({ app, node }: LogIntent, { id, held }: MemberView): boolean => {
    if (node !== undefined) return id === node
    // What is kept here is at hand, whether the app still runs or not.
    if (id === mesh.self && journal.has(app)) return true
    return held?.record.report.apps.some((one) => one.app === app) === true
  }
  return {
    check,
    read(intent, take, signal) {
      const { app, tail, sinceMs = null, level = null, text = null, follow } = intent
      return gatherLogs(
        {
          clock,
          random,
          ask: (node, question, ends) =>
            node === mesh.self ? journal.answer(question, ends) : mesh.logs.ask(node, question, ends),
          nodes: () =>
            mesh
              .members()
              .filter((member) => isRead(intent, member))
              .map(({ id, name }) => ({ id, name }))
              .sort((a, b) => (a.name < b.name ? -1 : 1)),
          onChange: (listener) => mesh.onChange(listener),
          onConnected: (listener) => mesh.logs.onConnected(listener),
        },
        {
          app,
          from: tail === undefined ? { after: 0 } : { tail },
          filter: { sinceMs, level, text },
          follow,
        },
        (event) => take(shown(app, event)),
        signal,
      )
    },
  }
}

function shown(app: string, event: LogEvent): NodeLogEvent {
  if (!('line' in event)) {
    const { node, ...notice } = event
    return { ...named(node), ...notice }
  }
  const { node, line, behindMs } = event
  return { ...line, app, ...named(node), ...(behindMs !== 0 && { behindMs }) }
}

function named({ id, name }: LogNode): { readonly node: string; readonly name: string } {
  return { node: id, name }
}

/** @param fixOf what to do about a code */
export function logTroubles(
  { problem }: Pick<Journal, 'problem'>,
  fixOf: (code: string) => string,
): StatusReport['problems'] {
  const code = 'ERR_LOGS_UNSAVED'
  if (problem === null) return []
  return [{ code, message: `what apps say is not written to the disk: ${problem}`, hint: fixOf(code) }]
}
