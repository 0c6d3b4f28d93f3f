/** One request to a daemon over its socket, with a deadline, and what its answer or its silence means. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { SelvedgeError, systemClock, type ProblemKind } from '../../core/index.ts'
import type { ApiError } from './contract.ts'
import { apiLimits } from './limits.ts'
import { apiProblems } from './problems.ts'

/** Where a daemon listens. */
export interface Target {
  readonly data: string
  readonly socketPath: string
  readonly answerMs: number
}

export interface CallOptions {
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: Uint8Array
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** A request whose answer is JSON. */
export async function call<T>(target: Target, route: string, options: CallOptions = {}): Promise<T> {
  const timeoutMs = options.timeoutMs ?? target.answerMs
  const response = await open(target, route, options)
  return parse(await readText(response, target, route, timeoutMs), route) as T
}

/** Sends the request. @returns the response once its head is there. @throws what the daemon answered in place of it */
export async function open(target: Target, route: string, options: CallOptions): Promise<IncomingMessage> {
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

export async function readText(
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

export function parse(text: string, route: string): unknown {
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
