/** One HTTP request to a registry: bounded in bytes, silence and time, straight or through a proxy; follows nothing. */
import { request as plainRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { request as secureRequest } from 'node:https'
import { isSelvedgeError, messageOf, type Cancel, type Clock } from '../../../core/index.ts'
import { formatLimits } from '../limits.ts'
import { formatsProblems } from '../problems.ts'
import type { Environment } from './credentials.ts'
import { proxyFor, proxyHeaders, tunnel } from './proxy.ts'

export interface HttpNeeds {
  readonly clock: Clock
  readonly env: Environment
  readonly signal: AbortSignal
}

export interface HttpCall {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Of the answer. */
  readonly maxBytes: number
  /** Told how much of the answer has come. */
  readonly onBytes?: (bytes: number) => void
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/** @throws ERR_REGISTRY_UNREACHABLE, ERR_REGISTRY_ANSWER for one that is too long, the signal's reason */
export async function send(call: HttpCall, needs: HttpNeeds): Promise<HttpAnswer> {
  const { url } = call
  needs.signal.throwIfAborted()
  const proxy = proxyFor(url, needs.env)
  const ending = new AbortController()
  const interrupt = (): void => ending.abort(needs.signal.reason)
  needs.signal.addEventListener('abort', interrupt, { once: true })
  const cancelTotal = needs.clock.after(formatLimits.registryTotalMs, () =>
    ending.abort(unreachable(url, `it was not done after ${formatLimits.registryTotalMs / 60_000} minutes`)),
  )
  try {
    return await exchange(call, proxy, ending, needs)
  } catch (error) {
    if (ending.signal.aborted) throw ending.signal.reason
    if (isSelvedgeError(error)) throw error
    throw unreachable(url, messageOf(error), error)
  } finally {
    cancelTotal()
    needs.signal.removeEventListener('abort', interrupt)
  }
}

async function exchange(
  call: HttpCall,
  proxy: URL | null,
  ending: AbortController,
  { clock }: HttpNeeds,
): Promise<HttpAnswer> {
  const { url, method, body } = call
  let cancelIdle: Cancel | null = null
  const alive = (): void => {
    cancelIdle?.()
    cancelIdle = clock.after(formatLimits.registryIdleMs, () =>
      ending.abort(unreachable(url, `it was silent for ${formatLimits.registryIdleMs / 1000} s`)),
    )
  }
  const stopWaiting = (): void => cancelIdle?.()
  alive()
  try {
    const isSecure = url.protocol === 'https:'
    const socket = isSecure && proxy !== null ? await tunnel(url, proxy, clock) : null
    const through = !isSecure && proxy !== null ? proxy : null
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = (isSecure ? secureRequest : plainRequest)({
        method,
        host: (through ?? url).hostname.replace(/^\[|\]$/g, ''),
        port: (through ?? url).port,
        path: through === null ? url.pathname + url.search : url.href,
        headers: {
          host: url.host,
          'user-agent': 'selvedge',
          ...(body === undefined ? {} : { 'content-length': String(body.length) }),
          ...(method !== 'GET' && method !== 'HEAD' && body === undefined ? { 'content-length': '0' } : {}),
          ...(through === null ? {} : proxyHeaders(through)),
          ...call.headers,
        },
        agent: false,
        signal: ending.signal,
        ...(socket === null ? {} : { createConnection: () => socket }),
      })
      request.once('response', resolve)
      request.once('error', reject)
      if (body !== undefined) writeAlive(request, body, alive)
      request.end()
    })
    return await readAnswer(answer, call, alive)
  } finally {
    stopWaiting()
  }
}

const writeStep = 256 * 1024

/** In pieces, so that a slow uplink that moves is not taken for silence. */
function writeAlive(
  request: { write(bytes: Uint8Array, done: () => void): boolean },
  body: Uint8Array,
  alive: () => void,
): void {
  for (let at = 0; at < body.length; at += writeStep) request.write(body.subarray(at, at + writeStep), alive)
}

async function readAnswer(answer: IncomingMessage, call: HttpCall, alive: () => void): Promise<HttpAnswer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer) {
    alive()
    const bytes = chunk as Buffer
    size += bytes.length
    if (size > call.maxBytes) {
      answer.destroy()
      throw formatsProblems.error(
        'ERR_REGISTRY_ANSWER',
        `${call.url.host} sends more than the ${call.maxBytes} bytes there should be at ${call.url.pathname}`,
      )
    }
    chunks.push(bytes)
    call.onBytes?.(size)
  }
  const body = new Uint8Array(Buffer.concat(chunks))
  return { status: answer.statusCode ?? 0, headers: answer.headers, body }
}

function unreachable(url: URL, what: string, cause?: unknown): Error {
  return formatsProblems.error('ERR_REGISTRY_UNREACHABLE', `${url.host} cannot be reached: ${what}`, {
    cause,
  })
}
