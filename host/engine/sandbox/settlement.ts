/** How calls come to an end: with what their guest says, or with their sandbox. */
import { plainText } from '../../../core/index.ts'
import type { Outcome } from '../../guest/index.ts'
import { WitError, type Incident, type SandboxUsage } from '../contract.ts'
import { engineProblems } from '../problems.ts'
import type { CallQueue } from './call-queue.ts'
import { errorOf, notBegun } from './incident.ts'
import type { PendingCall } from './pending-call.ts'
import { meterLost } from './usage.ts'

/** Of what a guest, or a process that it broke, has to say; people read it. */
const maxToldChars = 2_000

export function toldBy(message: string): string {
  return plainText(message).slice(0, maxToldChars)
}

/** @param app its name, for messages */
export function answerCall(
  pending: PendingCall,
  outcome: Exclude<Outcome, { kind: 'end' }>,
  app: string,
): void {
  if (outcome.kind === 'ok') return pending.resolve(outcome.value)
  if (outcome.kind === 'err') return pending.reject(new WitError(outcome.payload))
  const message = `${app} has no such export; ${toldBy(outcome.message)}`
  pending.reject(engineProblems.error('ERR_APP_EXPORT', message))
}

export interface Ending {
  readonly incident: Incident
  readonly app: string
  readonly usage: SandboxUsage
  /** The number of the call that was begun last; null where that cannot be seen. */
  readonly begun: number | null
  /** How long the call that ran had run, in ms, where nobody else says. */
  readonly lostMs: number
}

/** Tells all calls of a sandbox that is gone which of both they are: lost in the middle, or never begun. */
export function endCalls(calls: CallQueue, { incident, app, usage, begun, lostMs }: Ending): void {
  const { sent, waiting } = calls.drain()
  const isLost = ({ call }: PendingCall): boolean => begun === null || call <= begun
  // What the node ends itself, or another app, is no error of this one.
  const isItsOwn = incident.reason !== 'stopped' && incident.reason !== 'neighbour'
  if (isItsOwn) meterLost(usage, sent.filter(isLost), lostMs)
  for (const pending of sent) {
    pending.reject(isLost(pending) ? errorOf(incident, app) : notBegun(incident, app))
  }
  for (const pending of waiting) pending.reject(notBegun(incident, app))
}
