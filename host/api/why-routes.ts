/** The control API's route for "why". */
import type { ControlledNode } from './controlled-node.ts'
import { routes } from './contract.ts'
import { apiProblems } from './problems.ts'
import { appOf } from './request.ts'

const longestNodeId = 128

export function whyRoutes(node: ControlledNode): [string, (call: { query: URLSearchParams }) => unknown][] {
  return [
    [
      routes.why,
      ({ query }) => {
        const app = appOf(query)
        if (app !== null) return node.why.app(app)
        const id = query.get('node') ?? ''
        if (id !== '' && id.length <= longestNodeId) return node.why.node(id)
        throw apiProblems.error('ERR_API_REQUEST', 'neither node nor app says what it is about')
      },
    ],
  ]
}
