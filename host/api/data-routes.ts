/** The control API's routes about what apps have stored. */
import { isAbsolute } from 'node:path'
import type { ControlledNode } from './controlled-node.ts'
import { dataRoutes as routes, type DataIntent } from './data-contract.ts'
import type { Handler } from './handler.ts'
import { apiLimits } from './limits.ts'
import { apiProblems } from './problems.ts'
import { readBody } from './request.ts'

const mostKeyChars = 1_024
const mostPathChars = 4_096

export function dataHandlers(node: ControlledNode): [string, Handler][] {
  return [
    [
      routes.data,
      ({ query }) => {
        const [app, store] = [named(query.get('app'), 'app'), query.get('store')]
        if (store === null) return node.data.report(app)
        return node.data.page(app, named(store, 'store'), query.get('cursor'))
      },
    ],
    [
      routes.changeData,
      async ({ request }) => node.data.change(intentOf(await readBody(request, apiLimits.callBytes))),
    ],
  ]
}

/** @throws ERR_API_REQUEST */
function intentOf(body: Uint8Array): DataIntent {
  const { action, app: given, store, key, value, path, stop, anyGroup } = parsed(body)
  const app = named(given, 'app')
  if (action === 'snapshot') return { action, app, path: pathIn(path) }
  if (action === 'restore') {
    const joins = anyGroup === true && { anyGroup }
    return { action, app, path: pathIn(path), stop: stop === true, ...joins }
  }
  if (typeof key !== 'string' || key.length > mostKeyChars) throw refused('key is missing, or too long')
  const entry = { app, store: named(store, 'store'), key }
  if (action === 'get' || action === 'delete') return { action, ...entry }
  if (action !== 'set') throw refused('action is none of get, set, delete, snapshot and restore')
  if (typeof value !== 'string') throw refused('value is missing')
  return { action, ...entry, value }
}

function parsed(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body))
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
  } catch (cause) {
    throw apiProblems.error('ERR_API_REQUEST', 'the body is not JSON', { cause })
  }
  throw refused('the body is not a JSON object')
}

function named(value: unknown, what: string): string {
  if (typeof value === 'string' && /^[a-z][a-z0-9-]{0,62}$/.test(value)) return value
  throw refused(`${what} is missing, or is no name`)
}

function pathIn(value: unknown): string {
  if (
    typeof value === 'string' &&
    value.length <= mostPathChars &&
    isAbsolute(value) &&
    !value.includes('\0')
  )
    return value
  throw refused('path is missing, or does not begin at the root')
}

function refused(message: string): Error {
  return apiProblems.error('ERR_API_REQUEST', message)
}
