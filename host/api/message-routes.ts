/** The control API's routes about messages. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { every, type Clock } from '../../core/index.ts'
import type { ControlledNode } from './controlled-node.ts'
import type { Handler } from './handler.ts'
import { apiLimits } from './limits.ts'
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
          await listen(node, query.getAll('topic').slice(0, apiLimits.topics), response, clock, ending())
        } finally {
          listeners -= 1
        }
      },
    ],
  ]
}

/** Lines of HeardMessage, and empty ones while there is no news; a client that reads slowly is waited for. */
async function listen(
  node: ControlledNode,
  topics: readonly string[],
  response: ServerResponse,
  clock: Clock,
  ending: AbortSignal,
): Promise<void> {
  const over = new AbortController()
  const end = (): void => over.abort()
  response.once('close', end)
  ending.addEventListener('abort', end, { once: true })
  try {
    await node.topics.listen(
      topics,
      (message) => written(response, `${JSON.stringify(message)}\n`, over.signal),
      over.signal,
      () => {
        response.writeHead(200, { 'content-type': 'application/x-ndjson' })
        response.flushHeaders()
        const beat = every(clock, apiLimits.heartbeatMs, () => void response.write('\n'))
        over.signal.addEventListener('abort', beat, { once: true })
      },
    )
  } finally {
    end()
    ending.removeEventListener('abort', end)
    response.off('close', end)
  }
  response.end()
}

/** @throws where the client went away before it took the line */
async function written(response: ServerResponse, line: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw gone()
  if (response.write(line)) return
  await new Promise<void>((resolve, reject) => {
    const drained = (): void => {
      signal.removeEventListener('abort', ended)
      resolve()
    }
    const ended = (): void => {
      response.off('drain', drained)
      reject(gone())
    }
    response.once('drain', drained)
    signal.addEventListener('abort', ended, { once: true })
  })
}

function gone(): Error {
  return new Error('who listened went away')
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
