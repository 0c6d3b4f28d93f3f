/** Events that apps were promised, for the control API; and what of them is wrong. */
import type { EventDesk, LocalApp, StatusReport } from '../api/index.ts'
import type { AppSupervisor } from '../apps/index.ts'
import { nodeProblems } from './problems.ts'

export function eventDesk(apps: Pick<AppSupervisor, 'eventsOf'>): EventDesk {
  const eventsOf = (app: string): NonNullable<ReturnType<AppSupervisor['eventsOf']>> => {
    const events = apps.eventsOf(app)
    if (events !== null) return events
    throw nodeProblems.error('ERR_APP_UNKNOWN', `${app} does not run on this node`)
  }
  return {
    report: async (app) => ({ app, ...(await eventsOf(app).report()) }),
    change: async ({ app, action, items }) => ({
      app,
      action,
      count: await eventsOf(app).change(action, items),
    }),
  }
}

/** Of each app that has dead letters, or whose queue cannot be opened. */
export function eventProblems(
  apps: readonly Pick<LocalApp, 'app' | 'events'>[],
  fixOf: (code: string) => string,
): StatusReport['problems'] {
  const code = 'ERR_EVENTS_DEAD'
  return apps.flatMap(({ app, events: { dead = 0, problem } }) => {
    if (problem !== undefined)
      return [{ ...problem, message: `${app}: its events cannot be kept: ${problem.message}` }]
    if (dead === 0) return []
    const message = `${app}: ${dead === 1 ? 'an event was' : `${dead} events were`} given up after the last attempt`
    return [{ code, message, hint: fixOf(code).replace('APP', app) }]
  })
}
