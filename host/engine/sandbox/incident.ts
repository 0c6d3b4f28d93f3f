/** The end of a sandbox as an error for those who called it. */
import { SelvedgeError } from '../../../core/index.ts'
import type { Incident } from '../contract.ts'
import { engineProblems } from '../problems.ts'

const codes = {
  trap: 'ERR_APP_TRAP',
  deadline: 'ERR_APP_DEADLINE',
  memory: 'ERR_APP_MEMORY',
  'host-fault': 'ERR_APP_HOST_FAULT',
  exit: 'ERR_APP_EXIT',
  stopped: 'ERR_APP_STOPPED',
  crash: 'ERR_APP_CRASH',
  neighbour: 'ERR_APP_NEIGHBOUR',
} as const

const notTheGuests: readonly Incident['reason'][] = ['stopped', 'host-fault', 'neighbour']

/** For a call that was in flight, or comes after. */
export function errorOf({ reason, message }: Incident, app: string): SelvedgeError {
  return engineProblems.error(codes[reason], `${app}: ${message}`)
}

/** A start that failed, and what its sandbox ended of: whoever counts that does not ask a code for it. */
export class StartFailure extends SelvedgeError {
  readonly incident: Incident

  constructor({ code, kind, message, hint }: SelvedgeError, incident: Incident) {
    super(code, kind, message, hint)
    this.incident = incident
  }
}

/** For a start: what went wrong is the guest's code, unless the node itself is the reason. */
export function startErrorOf(incident: Incident, app: string): StartFailure {
  const { reason, message } = incident
  if (notTheGuests.includes(reason)) return new StartFailure(errorOf(incident, app), incident)
  const error = engineProblems.error('ERR_APP_START', `${app} could not be started: ${message}`, {
    hint: engineProblems.problems[codes[reason]].fix,
  })
  return new StartFailure(error, incident)
}

/** For a call that the sandbox never began: whoever made it may make it again, of another one. */
export function notBegun(incident: Incident, app: string): Error {
  return engineProblems.error('ERR_APP_NOT_BEGUN', `${app} ended before this call: ${incident.message}`)
}
