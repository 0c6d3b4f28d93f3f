/** Events that apps were promised, for the control API; and what of them is wrong. */
import type { EventDesk, LocalApp, StatusReport } from '../api/index.ts'
import type { AppSupervisor } from '../apps/index.ts'
import type { Bridges } from '../mqtt/index.ts'
import { nodeProblems } from './problems.ts'

const bridgePrefix = 'bridge/'

export function eventDesk(
  apps: Pick<AppSupervisor, 'eventsOf'>,
  bridges: Pick<Bridges, 'letters' | 'reports'>,
): EventDesk {
  const eventsOf = (app: string): NonNullable<ReturnType<AppSupervisor['eventsOf']>> => {
    if (app.startsWith(bridgePrefix)) return lettersOf(app.slice(bridgePrefix.length))
    const events = apps.eventsOf(app)
    if (events !== null) return events
    throw nodeProblems.error('ERR_APP_UNKNOWN', `${app} does not run on this node`)
  }
  const lettersOf = (name: string): NonNullable<ReturnType<Bridges['letters']>> => {
    const letters = bridges.letters(name)
    if (letters !== null) return letters
    const names = bridges.reports().map((bridge) => `${bridgePrefix}${bridge.name}`)
    throw nodeProblems.error('ERR_APP_UNKNOWN', `this node has no bridge ${name}`, {
      hint: names.length === 0 ? 'its TOML has no [[bridges]]' : `there is ${names.join(', ')}`,
    })
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
