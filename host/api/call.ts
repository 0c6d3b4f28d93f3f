/** One request to a daemon over its socket, with a deadline, and what its answer or its silence means. */
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { isSelvedgeError, SelvedgeError, systemClock, type ProblemKind } from '../../core/index.ts'
import type { ApiError } from './contract.ts'
import { apiLimits } from './limits.ts'
import { apiProblems } from './problems.ts'

/** Where a daemon listens, and how it is spoken to. */
export interface Target {
  /** For messages: the socket's path, or a URL. */
  readonly where: string
  readonly answerMs: number
  /** How a request gets there. */
  request(options: RequestOptions): ClientRequest
  /** Fields that a request must carry. */
  authorize?(method: string, path: string, body: Uint8Array): Promise<Readonly<Record<string, string>>>
  /**
   * Called when a request was refused for its fields. @returns true where {@link authorize} gives others now, as after a
   * restart of the node, so that the request is worth making again
   */
  renew?(): Promise<boolean>
  /** What it means that nobody is there, or that one may not; null where it means nothing more. */
  explain(error: NodeJS.ErrnoException): Error | null
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
  try {
    return await send(target, route, options)
  } catch (error) {
    if (!isSelvedgeError(error, 'ERR_DEPLOY_KEY') || (await target.renew?.()) !== true) throw error
    return send(target, route, options)
  }
}

async function send(target: Target, route: string, options: CallOptions): Promise<IncomingMessage> {
  const timeoutMs = options.timeoutMs ?? target.answerMs
  const [method, bare] = route.split(' ') as [string, string]
  const path = bare + queryText(options.query ?? {})
  const proof = (await target.authorize?.(method, path, options.body ?? new Uint8Array())) ?? {}
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = target.request({
      method,
      path,
      agent: false,
      headers: {
        ...(options.body === undefined ? {} : { 'content-length': options.body.length }),
        ...proof,
      },
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
    `${target.where} did not answer ${route} within ${timeoutMs / 1000} s`,
  )
}

function connectError(error: Error, { where, explain }: Target): Error {
  const explained = explain(error)
  if (explained !== null) return explained
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return apiProblems.error('ERR_API_ANSWER', `${where} was closed before the answer was whole`, {
      hint: 'look at the daemon’s log: it stopped, or refused the request',
      cause: error,
    })
  }
  return error
}
