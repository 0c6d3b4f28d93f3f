/**
 * The daemon's side of the control API: node:http on a Unix socket that only the daemon's user may open.
 *
 * It signs nothing and holds no keys: what needs a signature arrives signed. Whoever can open the socket can do
 * what its user can do, so there is no login here.
 */
import { setMaxListeners } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import {
  digestOf,
  isSelvedgeError,
  messageOf,
  type Clock,
  type Digest,
  type Log,
  type Part,
} from '../../core/index.ts'
import { carriageHandlers } from './carriage-routes.ts'
import { answerError, answerJson, answerText } from './answer.ts'
import { routes } from './contract.ts'
import type { ControlledNode, LineSource } from './controlled-node.ts'
import type { DataLock } from './data-lock.ts'
import { apiLimits } from './limits.ts'
import { firstLines, followLogs, type LogQuery } from './log-stream.ts'
import { dataHandlers } from './data-routes.ts'
import { eventHandlers } from './event-routes.ts'
import { logHandlers } from './log-routes.ts'
import { messageRoutes } from './message-routes.ts'
import { apiProblems } from './problems.ts'
import { appOf, countOf, readBody, readJson, uploadIntentOf } from './request.ts'
import type { Call, Handler } from './handler.ts'
import { controlSocketPath, prepareSocketFolder } from './socket-path.ts'
import { trustRoutes } from './trust-routes.ts'
import { whyRoutes } from './why-routes.ts'

/** Prometheus' text format. */
const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8'

interface ControlServerNeeds {
  readonly node: ControlledNode
  /** Only the holder of the data folder may remove a socket that a dead daemon left. */
  readonly lock: DataLock
  readonly clock: Clock
  readonly log: Log
}

/** The control API as a part of the node: listens from `start()` to `stop()`. */
export class ControlServer implements Part {
  readonly name = 'control API'
  /** Where it listens. */
  readonly socketPath: string
  readonly #node: ControlledNode
  readonly #clock: Clock
  readonly #log: Log
  readonly #handlers: ReadonlyMap<string, Handler>
  #server: Server | null = null
  #ending = new AbortController()
  #followers = 0

  constructor({ node, lock, clock, log }: ControlServerNeeds) {
    this.#node = node
    this.#clock = clock
    this.#log = log
    this.socketPath = controlSocketPath(lock.folder)
    this.#handlers = this.#routes()
  }

  /** @throws ERR_SOCKET_LISTEN, ERR_SOCKET_FOLDER */
  async start(): Promise<void> {
    if (this.#server !== null) return
    await prepareSocketFolder(this.socketPath)
    await rm(this.socketPath, { force: true })
    this.#ending = new AbortController()
    setMaxListeners(apiLimits.connections, this.#ending.signal)
    const server = createServer((request, response) => void this.answer(request, response))
    server.maxConnections = apiLimits.connections
    server.headersTimeout = apiLimits.answerMs
    server.requestTimeout = apiLimits.uploadMs
    await listen(server, this.socketPath)
    this.#server = server
    await chmod(this.socketPath, 0o600)
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (server === null) return
    this.#server = null
    this.#ending.abort()
    // Closing removes the socket file; answers under way get one more turn of the loop to leave.
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeIdleConnections()
    const cancelCut = this.#clock.after(apiLimits.drainMs, () => server.closeAllConnections())
    await closed
    cancelCut()
  }

  /**
   * Answers one request, on whatever listener it came. Never rejects.
   * @param bodyDigest where its sender had to sign for the body; another one is refused
   */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    bodyDigest: Digest | null = null,
  ): Promise<void> {
    // A client that hangs up mid-way is its own affair.
    response.on('error', () => {})
    request.on('error', () => {})
    try {
      const url = new URL(request.url ?? '/', 'http://node')
      const handler = this.#handlers.get(`${request.method} ${url.pathname}`)
      if (handler === undefined) {
        throw apiProblems.error('ERR_API_ROUTE', `there is no ${request.method} ${url.pathname}`)
      }
      const value = await handler({ request, response, query: url.searchParams, bodyDigest })
      if (value !== undefined) answerJson(response, value)
    } catch (thrown) {
      const error = answerError(request, response, thrown, this.#clock)
      if (!isSelvedgeError(thrown)) {
        this.#log.error('api:failed', {
          request: `${request.method} ${request.url}`,
          message: messageOf(thrown),
          code: error.code,
        })
      }
    }
  }

  #routes(): ReadonlyMap<string, Handler> {
    const node = this.#node
    return new Map<string, Handler>([
      [routes.status, () => node.status()],
      [routes.apps, () => node.apps()],
      [routes.releases, ({ query }) => node.releases(appOf(query))],
      [routes.devices, () => node.devices()],
      [routes.logs, (call) => this.#lines(node.logs, call)],
      [routes.audit, (call) => this.#lines(node.audit, call)],
      ...trustRoutes(node),
      ...whyRoutes(node),
      ...eventHandlers(node),
      ...dataHandlers(node),
      ...messageRoutes(node, this.#clock, () => this.#ending.signal),
      ...logHandlers(node, this.#clock, () => this.#ending.signal),
      [routes.publishContext, ({ query }) => node.publishContext(required(appOf(query), 'app'))],
      [
        routes.upload,
        async (call) => {
          const intent = uploadIntentOf(call.query)
          return node.upload(await bodyOf(call, apiLimits.componentBytes), intent)
        },
      ],
      [routes.publish, async (call) => node.publish(await bodyOf(call, apiLimits.recordBytes))],
      ...carriageHandlers(node.carriage),
      [
        routes.call,
        async ({ request }) => {
          // Apart, as a client reads this folder too and needs nothing of its schema.
          const { readCallIntent } = await import('./call-request.ts')
          return node.call(await readCallIntent(request))
        },
      ],
      [routes.inviteContext, () => node.inviteContext()],
      [routes.metrics, (call) => this.#metrics(call)],
      [routes.network, (call) => this.#network(call)],
      [
        routes.stop,
        ({ response }) => {
          response.once('finish', () => node.requestStop())
          return { stopping: true }
        },
      ],
    ])
  }

  async #network({ request }: Call): Promise<unknown> {
    const { on } = await readJson(request)
    if (typeof on !== 'boolean') throw apiProblems.error('ERR_API_REQUEST', 'on is neither true nor false')
    await this.#node.setNetwork(on)
    return { network: on ? 'on' : 'off' }
  }

  async #metrics({ response, query }: Call): Promise<unknown> {
    const { metrics } = this.#node
    if (query.get('format') === 'json') return metrics.json()
    answerText(response, await metrics.text(), metricsContentType)
    return undefined
  }

  async #lines(logs: LineSource<{ readonly seq: number }>, { response, query }: Call): Promise<undefined> {
    const wanted: LogQuery = {
      app: appOf(query),
      after: countOf(query, 'after'),
      tail: countOf(query, 'tail'),
    }
    if (query.get('follow') !== '1') {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      response.end(firstLines(logs, wanted).lines.join(''))
      return undefined
    }
    if (this.#followers >= apiLimits.followers) {
      throw apiProblems.error('ERR_API_BUSY', `${this.#followers} clients follow logs already`)
    }
    this.#followers += 1
    try {
      await followLogs(logs, wanted, response, this.#clock, this.#ending.signal)
    } finally {
      this.#followers -= 1
    }
    return undefined
  }
}

/** @throws ERR_API_BODY_TOO_LARGE, ERR_API_REQUEST where it is not the one that was signed for */
async function bodyOf({ request, bodyDigest }: Call, maxBytes: number): Promise<Uint8Array> {
  const body = await readBody(request, maxBytes)
  if (bodyDigest === null || digestOf(body) === bodyDigest) return body
  throw apiProblems.error('ERR_API_REQUEST', 'the body is another one than was signed for')
}

function required(value: string | null, name: string): string {
  if (value === null) throw apiProblems.error('ERR_API_REQUEST', `${name} is missing`)
  return value
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(apiProblems.error('ERR_SOCKET_LISTEN', `cannot listen on ${path}: ${cause.message}`, { cause })),
    )
    // Node binds before listen() returns, so the socket never exists with wider rights than these.
    const before = process.umask(0o177)
    try {
      server.listen(path, () => resolve())
    } finally {
      process.umask(before)
    }
  })
}
