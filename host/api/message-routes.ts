/** The control API's routes about messages. */
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../core/index.ts'
import type { ControlledNode } from './controlled-node.ts'
import type { Handler } from './handler.ts'
import { apiLimits } from './limits.ts'
import { streamLines } from './line-stream.ts'
import { topicRoutes as routes } from './message-contract.ts'
import { apiProblems } from './problems.ts'
import { readBody } from './request.ts'

/** @param ending aborts when the server stops */
export function messageRoutes(
  node: ControlledNode,
  clock: Clock,
  ending: () => AbortSignal,
): [string, Handler][] {
  let listeners = 0
  return [
    [routes.topics, () => node.topics.report()],
    [routes.send, async ({ request }) => node.topics.send(await intentOf(request))],
    [
      routes.listen,
      async ({ response, query }) => {
        if (listeners >= apiLimits.followers)
          throw apiProblems.error('ERR_API_BUSY', `${listeners} clients listen to topics already`)
        listeners += 1
        try {
          const topics = query.getAll('topic').slice(0, apiLimits.topics)
          await streamLines(response, clock, ending(), ({ begin, write, signal }) =>
            node.topics.listen(topics, write, signal, begin),
          )
        } finally {
          listeners -= 1
        }
      },
    ],
  ]
}

async function intentOf(request: IncomingMessage): Promise<Parameters<ControlledNode['topics']['send']>[0]> {
  const bytes = await readBody(request, apiLimits.messageBytes)
  const value = parsed(bytes)
  const { topic, body, key, contentType } = value as Readonly<Record<string, unknown>>
  if (typeof topic !== 'string' || typeof body !== 'string')
    throw apiProblems.error('ERR_API_REQUEST', 'a message needs a topic and a body')
  return {
    topic,
    body: new Uint8Array(Buffer.from(body, 'base64')),
    ...(typeof key === 'string' && { key }),
    ...(typeof contentType === 'string' && { contentType }),
  }
}

function parsed(bytes: Uint8Array): object {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (typeof value === 'object' && value !== null) return value
  } catch (cause) {
    throw apiProblems.error('ERR_API_REQUEST', 'the body is not JSON', { cause })
  }
  throw apiProblems.error('ERR_API_REQUEST', 'the body is not a JSON object')
}
