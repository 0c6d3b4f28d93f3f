/**
 * The clients' side of the control API: typed calls over the daemon's socket.
 *
 * Nothing here waits for ever: every call has a deadline, a stream one on silence, every answer a bound.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { SelvedgeError, systemClock, type ProblemKind } from '../../core/index.ts'
import type {
  ApiError,
  DevicesReport,
  InviteContext,
  LocalApp,
  LogGap,
  LogLine,
  MetricReport,
  PublishContext,
  ReleaseEntry,
  StatusReport,
  UploadReport,
} from './contract.ts'
import { routes } from './contract.ts'
import type { UploadIntent } from './controlled-node.ts'
import { jsonLines } from './json-lines.ts'
import { apiLimits } from './limits.ts'
import { apiProblems } from './problems.ts'
import { controlSocketPath } from './socket-path.ts'

export interface LogSelection {
  /** All apps where it is missing. */
  readonly app?: string
  /** Only lines after this `seq`. */
  readonly after?: number
  /** Only this many of the newest lines, at most 1,000. */
  readonly tail?: number
}

/** Calls throw what the daemon answered, and ERR_NODE_NOT_RUNNING, ERR_NODE_FORBIDDEN, ERR_API_TIMEOUT, ERR_API_ANSWER. */
export interface ControlClient {
  readonly socketPath: string
  status(): Promise<StatusReport>
  apps(): Promise<readonly LocalApp[]>
  releases(app?: string): Promise<readonly ReleaseEntry[]>
  devices(): Promise<DevicesReport>
  logs(selection?: LogSelection): Promise<readonly LogLine[]>
  /** Lines as they come, and gaps; ends when the daemon stops or `signal` aborts. */
  followLogs(selection: LogSelection, signal: AbortSignal): AsyncGenerator<LogLine | LogGap>
  /** Prometheus' text format. */
  metricsText(): Promise<string>
  metrics(): Promise<readonly MetricReport[]>
  publishContext(app: string): Promise<PublishContext>
  upload(component: Uint8Array, intent: UploadIntent): Promise<UploadReport>
  publish(record: Uint8Array): Promise<ReleaseEntry>
  inviteContext(): Promise<InviteContext>
  setNetwork(on: boolean): Promise<void>
  /** Resolves when the daemon has begun to stop. */
  stop(): Promise<void>
}

export interface ConnectOptions {
  /** The data folder of the daemon. */
  readonly data: string
  /** What to wait for an answer other than an upload's, in ms; 10 s where it is missing. */
  readonly answerMs?: number
}

/** A client for the daemon of one data folder. Connects with each call, so it may be made before the daemon. */
export function connect({ data, answerMs = apiLimits.answerMs }: ConnectOptions): ControlClient {
  const target: Target = { data, socketPath: controlSocketPath(data), answerMs }
  return {
    socketPath: target.socketPath,
    status: () => call(target, routes.status),
    apps: () => call(target, routes.apps),
    releases: (app) => call(target, routes.releases, { query: { app } }),
    devices: () => call(target, routes.devices),
    async logs(selection = {}) {
      const response = await open(target, routes.logs, { query: logQuery(selection) })
      const lines = (await readText(response, target, routes.logs, answerMs)).split('\n')
      return lines.flatMap((line) => {
        const value = line === '' ? null : (parse(line, routes.logs) as LogLine | LogGap)
        return value === null || 'missed' in value ? [] : [value]
      })
    },
    async *followLogs(selection, signal) {
      const response = await open(target, routes.logs, {
        query: { ...logQuery(selection), follow: '1' },
        signal,
      })
      yield* jsonLines<LogLine | LogGap>(response, signal)
    },
    async metricsText() {
      return readText(await open(target, routes.metrics, {}), target, routes.metrics, answerMs)
    },
    metrics: () => call(target, routes.metrics, { query: { format: 'json' } }),
    publishContext: (app) => call(target, routes.publishContext, { query: { app } }),
    upload: (component, { app, grants, triggers, memoryBytes }) =>
      call(target, routes.upload, {
        body: component,
        timeoutMs: apiLimits.uploadMs,
        query: {
          app,
          grants: JSON.stringify(grants),
          triggers: JSON.stringify(triggers),
          memoryBytes: memoryBytes?.toString(),
        },
      }),
    publish: (record) => call(target, routes.publish, { body: record }),
    inviteContext: () => call(target, routes.inviteContext),
    async setNetwork(on) {
      await call(target, routes.network, { body: Buffer.from(JSON.stringify({ on })) })
    },
    async stop() {
      await call(target, routes.stop)
    },
  }
}

interface Target {
  readonly data: string
  readonly socketPath: string
  readonly answerMs: number
}

interface CallOptions {
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: Uint8Array
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

async function call<T>(target: Target, route: string, options: CallOptions = {}): Promise<T> {
  const timeoutMs = options.timeoutMs ?? target.answerMs
  const response = await open(target, route, options)
  return parse(await readText(response, target, route, timeoutMs), route) as T
}

/** Sends the request. @returns the response once its head is there. @throws what the daemon answered in place of it */
async function open(target: Target, route: string, options: CallOptions): Promise<IncomingMessage> {
  const timeoutMs = options.timeoutMs ?? target.answerMs
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const [method, path] = route.split(' ') as [string, string]
    const request = httpRequest({
      socketPath: target.socketPath,
      method,
      path: path + queryText(options.query ?? {}),
      agent: false,
      headers: options.body === undefined ? {} : { 'content-length': options.body.length },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
    const cancelDeadline = systemClock.after(timeoutMs, () =>
      request.destroy(timedOut(target, route, timeoutMs)),
    )
    request.once('response', (answer) => {
      cancelDeadline()
      resolve(answer)
    })
    request.once('error', (error) => {
      cancelDeadline()
      reject(connectError(error, target))
    })
    request.end(options.body)
  })
  if (response.statusCode === 200) return response
  throw errorOf(parse(await readText(response, target, route, timeoutMs), route), route)
}

function queryText(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}

function logQuery({ app, after, tail }: LogSelection): Record<string, string | undefined> {
  return { app, after: after?.toString(), tail: tail?.toString() }
}

async function readText(
  response: IncomingMessage,
  target: Target,
  route: string,
  timeoutMs: number,
): Promise<string> {
  const cancelDeadline = systemClock.after(timeoutMs, () =>
    response.destroy(timedOut(target, route, timeoutMs)),
  )
  try {
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of response) {
      size += (chunk as Buffer).length
      if (size > apiLimits.answerBytes) {
        throw apiProblems.error(
          'ERR_API_ANSWER',
          `the answer to ${route} has more than ${apiLimits.answerBytes} bytes`,
        )
      }
      chunks.push(chunk as Buffer)
    }
    return Buffer.concat(chunks).toString()
  } catch (error) {
    throw connectError(error as Error, target)
  } finally {
    cancelDeadline()
  }
}

function parse(text: string, route: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw apiProblems.error('ERR_API_ANSWER', `the answer to ${route} is not JSON`, { cause })
  }
}

function errorOf(value: unknown, route: string): SelvedgeError {
  const error = (value as Partial<ApiError> | null)?.error
  if (typeof error?.code !== 'string' || typeof error.message !== 'string') {
    return apiProblems.error('ERR_API_ANSWER', `${route} failed without saying why`)
  }
  return new SelvedgeError(error.code, error.kind as ProblemKind, error.message, error.hint)
}

function timedOut(target: Target, route: string, timeoutMs: number): Error {
  return apiProblems.error(
    'ERR_API_TIMEOUT',
    `${target.socketPath} did not answer ${route} within ${timeoutMs / 1000} s`,
  )
}

function connectError(error: Error, { data, socketPath }: Target): Error {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTSOCK') {
    return apiProblems.error('ERR_NODE_NOT_RUNNING', `no daemon listens on ${socketPath}`, {
      hint: `start it with \`selvedge up --data ${data}\`, or name another folder with --data DIR`,
      cause: error,
    })
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return apiProblems.error('ERR_NODE_FORBIDDEN', `${socketPath} may not be opened by this user`, {
      cause: error,
    })
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return apiProblems.error('ERR_API_ANSWER', `${socketPath} was closed before the answer was whole`, {
      hint: 'look at the daemon’s log: it stopped, or refused the request',
      cause: error,
    })
  }
  return error
}
