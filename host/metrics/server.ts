/**
 * Metrics over TCP, for a Prometheus that has no way to the control socket. It answers one question, changes
 * nothing, and asks for no token: whoever can reach the address can read it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { messageOf, type Clock, type Log, type Part } from '../../core/index.ts'
import type { MetricSource } from '../api/index.ts'
import { isLoopback, isOwnHost } from './host-name.ts'
import { metricsLimits } from './limits.ts'
import { metricsContentType } from './node-metrics.ts'
import { metricsProblems } from './problems.ts'

export interface MetricsServerNeeds {
  readonly metrics: Pick<MetricSource, 'text'>
  readonly host: string
  /** 0 is any free one. */
  readonly port: number
  /** Names under which it is asked, beside addresses, localhost and .local; in lower case. */
  readonly hosts: readonly string[]
  readonly clock: Clock
  readonly log: Log
}

export class MetricsServer implements Part {
  readonly name = 'metrics over HTTP'
  readonly #needs: MetricsServerNeeds
  readonly #server: Server
  #last: { readonly atMs: number; readonly text: Promise<string> } | null = null

  constructor(needs: MetricsServerNeeds) {
    this.#needs = needs
    const { headBytes, requestMs, connections, idleMs } = metricsLimits
    this.#server = createServer(
      {
        maxHeaderSize: headBytes,
        headersTimeout: requestMs,
        requestTimeout: requestMs,
        connectionsCheckingInterval: 1_000,
      },
      (request, response) => void this.#answer(request, response),
    )
    this.#server.maxConnections = connections
    this.#server.timeout = idleMs
  }

  /** null before it listens. */
  get address(): { readonly host: string; readonly port: number } | null {
    const address = this.#server.address() as AddressInfo | null
    return address === null ? null : { host: address.address, port: address.port }
  }

  /** @throws ERR_METRICS_LISTEN */
  async start(): Promise<void> {
    if (this.#server.listening) return
    const { host, port, log } = this.#needs
    await new Promise<void>((resolve, reject) => {
      const onError = (cause: NodeJS.ErrnoException): void => {
        const why = cause.code ?? messageOf(cause)
        const message = `cannot listen for questions about metrics on ${host}:${port} (${why})`
        reject(metricsProblems.error('ERR_METRICS_LISTEN', message, { cause }))
      }
      this.#server.once('error', onError)
      this.#server.listen(port, host, () => {
        this.#server.off('error', onError)
        resolve()
      })
    })
    if (!isLoopback(host)) {
      log.warn('metrics:open', { host, why: 'whoever reaches this address can read the metrics' })
    }
  }

  /** Lets what is under way end, for a moment. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const cancel = this.#needs.clock.after(metricsLimits.stopMs, () => this.#server.closeAllConnections())
    await closed
    cancel()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client that has gone is its own affair.
    response.on('error', () => {})
    const { method = '', url = '', headers } = request
    // Nothing that is asked here has a body: one that comes nevertheless is not read.
    if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) {
      response.setHeader('Connection', 'close')
    }
    if (!isOwnHost(headers.host, this.#needs.hosts)) {
      return refuse(request, response, 403, 'ERR_METRICS_HOST')
    }
    if (url.replace(/\?.*$/s, '') !== '/metrics') return refuse(request, response, 404, 'ERR_METRICS_REQUEST')
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      return refuse(request, response, 405, 'ERR_METRICS_REQUEST')
    }
    try {
      send(request, response, 200, metricsContentType, await this.#text())
    } catch (error) {
      this.#needs.log.error('metrics:failed', { message: messageOf(error) })
      send(request, response, 500, plainText, 'the metrics could not be collected; see the log of the node\n')
    }
  }

  #text(): Promise<string> {
    const nowMs = this.#needs.clock.monotonicMs()
    if (this.#last === null || nowMs - this.#last.atMs >= metricsLimits.freshMs) {
      this.#last = { atMs: nowMs, text: this.#needs.metrics.text() }
    }
    return this.#last.text
  }
}

const plainText = 'text/plain; charset=utf-8'

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  code: keyof typeof metricsProblems.problems,
): void {
  const { text, fix } = metricsProblems.problems[code]
  send(request, response, status, plainText, `${code}: ${text}; ${fix}\n`)
}

function send(
  { method }: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
  })
  response.end(method === 'HEAD' ? undefined : body)
}
