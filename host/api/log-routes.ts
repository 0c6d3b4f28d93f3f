/** The control API's route about logs of several nodes. */
import type { ServerResponse } from 'node:http'
import { logLevels, type Clock } from '../../core/index.ts'
import type { ControlledNode } from './controlled-node.ts'
import { apiLimits } from './limits.ts'
import { streamLines } from './line-stream.ts'
import { logRoutes as routes, type LogIntent } from './log-contract.ts'
import { apiProblems } from './problems.ts'
import { appOf, countOf } from './request.ts'

type LogHandler = (call: { response: ServerResponse; query: URLSearchParams }) => Promise<undefined>

/** @param ending aborts when the server stops */
export function logHandlers(
  node: ControlledNode,
  clock: Clock,
  ending: () => AbortSignal,
): [string, LogHandler][] {
  let readers = 0
  return [
    [
      routes.logs,
      async ({ response, query }) => {
        const intent = intentOf(query)
        if (readers >= apiLimits.followers)
          throw apiProblems.error('ERR_API_BUSY', `${readers} clients read logs already`)
        readers += 1
        try {
          await streamLines(response, clock, ending(), async ({ begin, write, signal }) => {
            node.appLogs.check(intent)
            begin()
            await node.appLogs.read(intent, write, signal)
          })
        } finally {
          readers -= 1
        }
        return undefined
      },
    ],
  ]
}

/** @throws ERR_API_REQUEST */
function intentOf(query: URLSearchParams): LogIntent {
  const app = appOf(query)
  if (app === null) throw apiProblems.error('ERR_API_REQUEST', 'app is missing')
  const [tail, sinceMs] = [countOf(query, 'tail'), countOf(query, 'since')]
  if (tail !== null && tail > apiLimits.logLines)
    throw apiProblems.error('ERR_API_REQUEST', `tail is over ${apiLimits.logLines}`)
  if (sinceMs !== null && sinceMs > apiLimits.logSinceMs)
    throw apiProblems.error('ERR_API_REQUEST', 'since is longer than anything is kept')
  const [named, node, text] = [query.get('level'), query.get('node'), query.get('text')]
  const level = logLevels.find((each) => each === named)
  if (named !== null && level === undefined)
    throw apiProblems.error('ERR_API_REQUEST', `level is none of ${logLevels.join(', ')}`)
  if (text !== null && text.length > apiLimits.logTextChars)
    throw apiProblems.error('ERR_API_REQUEST', `text is longer than ${apiLimits.logTextChars} characters`)
  return {
    app,
    ...(node !== null && { node }),
    ...(tail !== null && { tail }),
    ...(sinceMs !== null && { sinceMs }),
    ...(level !== undefined && { level }),
    ...(text !== null && { text }),
    follow: query.get('follow') === '1',
  }
}
