/** The control API's routes about events that wait, and those given up. */
import type { ControlledNode } from './controlled-node.ts'
import type { Handler } from './handler.ts'
import { eventRoutes as routes, type EventIntent } from './event-contract.ts'
import { apiProblems } from './problems.ts'
import { appOf, readJson } from './request.ts'

/** Items that one request names. */
const mostItems = 1_000

export function eventHandlers(node: ControlledNode): [string, Handler][] {
  return [
    [routes.events, ({ query }) => node.events.report(appIn(appOf(query)))],
    [routes.change, async ({ request }) => node.events.change(intentOf(await readJson(request)))],
  ]
}

/** @throws ERR_API_REQUEST */
function intentOf({ app, action, items }: Readonly<Record<string, unknown>>): EventIntent {
  if (action !== 'replay' && action !== 'discard') {
    throw apiProblems.error('ERR_API_REQUEST', 'action is neither replay nor discard')
  }
  const isList = Array.isArray(items) && items.length <= mostItems && items.every(Number.isSafeInteger)
  if (items !== 'all' && !isList) {
    throw apiProblems.error(
      'ERR_API_REQUEST',
      `items is neither all nor a list of at most ${mostItems} numbers`,
    )
  }
  return { app: appIn(app), action, items: items as EventIntent['items'] }
}

/** An app, or `bridge/NAME`. */
function appIn(value: unknown): string {
  if (typeof value === 'string' && /^(bridge\/)?[a-z][a-z0-9-]{0,62}$/.test(value)) return value
  throw apiProblems.error('ERR_API_REQUEST', 'app is missing, or is no name of an app or a bridge')
}
