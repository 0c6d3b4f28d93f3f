/**
 * HTTP from outside to the apps of this node. The parser is node:http's strict one, so that nobody disagrees with it
 * about where a message ends; everything a client can grow or hold up has a limit, and every error has a code.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { messageOf, type Clock, type Log, type Part } from '../../core/index.ts'
import { answer, problemAnswer } from './answer.ts'
import type { HttpObserver, HttpRequest, Ingress } from './contract.ts'
import { endToEnd } from './hop-by-hop.ts'
import { hopsField, hopsOf, maxHops } from './hops.ts'
import { hostFault } from './host-field.ts'
import { defaultHttpLimits, type HttpLimits } from './limits.ts'
import { Pipelined } from './pipelined.ts'
import { httpProblems } from './problems.ts'
import { ArrivingBody, declaredBytes, wholeBody, type AheadRoom } from './request-body.ts'
import { noTunnel, refuseRaw } from './raw-refusal.ts'
import { routeOf, type Route } from './route.ts'

export interface HttpServerNeeds {
  /** `127.0.0.1`, `::`, a name. */
  readonly host: string
  /** 0 is any free one. */
  readonly port: number
  /** Apps by host names of their own, in lower case. */
  readonly hosts: ReadonlyMap<string, string>
  /** The one app that there is: every path is its own, whatever host is named. */
  readonly only?: string
  /** null where there is no such app here, `down` where it has an http trigger and does not run just now. */
  ingressOf(app: string): Ingress | 'down' | null
  /** What a code means in general, for the bodies of errors. */
  textOf(code: string): string
  readonly clock: Clock
  readonly log: Log
  readonly limits?: Partial<HttpLimits>
  readonly observer?: HttpObserver
}

/** What a connection waits for, which decides whether silence on it is somebody's fault. */
type Waiting = 'client' | 'app'

/** Where a request goes, and what it may lead to. */
interface Way {
  readonly route: Route
  readonly ingress: Ingress
  readonly hops: number | null
}

/** Of these it is not certain where they end. */
const malformed: ReadonlySet<string> = new Set(['ERR_HTTP_REQUEST', 'ERR_HTTP_HEAD_SIZE'])

const ignore = (): void => {}

export class HttpServer implements Part {
  readonly name = 'http'
  readonly #needs: HttpServerNeeds
  readonly #limits: HttpLimits
  readonly #server: Server
  readonly #waiting = new WeakMap<Socket, { waits: Waiting; readonly res: ServerResponse }>()
  readonly #pipelined = new Pipelined()
  readonly #aheadRoom: AheadRoom
  #requests = 0

  constructor(needs: HttpServerNeeds) {
    this.#needs = needs
    this.#limits = { ...defaultHttpLimits, ...needs.limits }
    this.#aheadRoom = { bytes: this.#limits.allAheadBytes }
    const { headBytes, headMs, requestMs, keepAliveMs, connections, fields, idleMs } = this.#limits
    this.#server = createServer({
      maxHeaderSize: headBytes,
      headersTimeout: headMs,
      requestTimeout: requestMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: Math.min(1_000, headMs),
      insecureHTTPParser: false,
      // It is required: see hostFault, which refuses in our own words.
      requireHostHeader: false,
    })
    this.#server.maxConnections = connections
    this.#server.maxHeadersCount = fields + 1
    this.#server.on('request', (req, res) => this.#onRequest(req, res))
    this.#server.on('clientError', (error, socket) => this.#refuseRaw(error, socket))
    // Without a listener node:http would cut the connection.
    this.#server.on('connect', (_, socket) => this.#refuseRaw(noTunnel(), socket))
    this.#server.timeout = idleMs
    this.#server.on('timeout', (socket: Socket) => this.#onSilence(socket))
  }

  /** null before it listens. */
  get address(): { readonly host: string; readonly port: number } | null {
    const address = this.#server.address() as AddressInfo | null
    return address === null ? null : { host: address.address, port: address.port }
  }

  /** Requests that apps have and have not answered yet. */
  get underWay(): number {
    return this.#requests
  }

  /** @throws ERR_HTTP_LISTEN */
  async start(): Promise<void> {
    if (this.#server.listening) return
    const { host, port } = this.#needs
    await new Promise<void>((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => {
        const message = `cannot listen for HTTP on ${host}:${port} (${error.code ?? messageOf(error)})`
        reject(httpProblems.error('ERR_HTTP_LISTEN', message, { cause: error }))
      }
      this.#server.once('error', onError)
      this.#server.listen(port, host, () => {
        this.#server.off('error', onError)
        resolve()
      })
    })
  }

  /** Lets what is under way end, for a while. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const cancel = this.#needs.clock.after(this.#limits.stopMs, () => this.#server.closeAllConnections())
    await closed
    cancel()
  }

  #onRequest(req: IncomingMessage, res: ServerResponse): void {
    // Its error is that the client has gone, which `close` tells as well.
    res.on('error', ignore)
    this.#pipelined.follow(req.socket, res)
    if (req.rawHeaders.length > this.#limits.fields * 2) {
      return this.#refuse(req, res, httpProblems.error('ERR_HTTP_HEAD_SIZE', 'too many fields'))
    }
    const fault = hostFault(req)
    if (fault !== null) return this.#refuse(req, res, httpProblems.error('ERR_HTTP_REQUEST', fault))
    const hops = hopsOf(req.headers[hopsField])
    if (hops === 0) {
      const text = `it is the last of ${maxHops} requests and calls that led to one another`
      return this.#refuse(req, res, httpProblems.error('ERR_HTTP_LOOP', text))
    }
    if (this.#requests >= this.#limits.requests) {
      return this.#refuse(
        req,
        res,
        httpProblems.error('ERR_HTTP_BUSY', `${this.#requests} requests are under way`),
      )
    }
    const route = routeOf(req.url ?? '/', req.headers.host, this.#needs.hosts, this.#needs.only)
    const ingress = route === null ? null : this.#needs.ingressOf(route.app)
    if (route === null || ingress === null) {
      return this.#refuse(req, res, httpProblems.error('ERR_HTTP_NO_APP', 'no app answers there'))
    }
    if (ingress === 'down') {
      return this.#refuse(req, res, httpProblems.error('ERR_HTTP_APP_DOWN', `${route.app} is not running`))
    }
    this.#requests += 1
    const { observer, clock } = this.#needs
    const startedMs = observer === undefined ? 0 : clock.monotonicMs()
    const ended = (): void => {
      this.#requests -= 1
      const isOut = res.headersSent && !res.destroyed
      observer?.answered(route.app, isOut ? res.statusCode : 0, clock.monotonicMs() - startedMs)
    }
    this.#serve(req, res, { route, ingress, hops }).then(ended, (error: unknown) => {
      this.#refuse(req, res, error, route.app)
      ended()
    })
  }

  async #serve(req: IncomingMessage, res: ServerResponse, { route, ingress, hops }: Way): Promise<void> {
    const { aheadBytes, wholeBodyBytes, bodyBytes } = this.#limits
    const size = declaredBytes(req)
    if (size !== null && size > bodyBytes) {
      throw httpProblems.error('ERR_HTTP_BODY_SIZE', `a body of ${size} bytes is over ${bodyBytes}`)
    }
    const waiting: { waits: Waiting; readonly res: ServerResponse } = { waits: 'client', res }
    this.#waiting.set(req.socket, waiting)
    let body: HttpRequest['body'] = null
    let arriving: ArrivingBody | null = null
    if (size !== null && size !== 0 && size <= wholeBodyBytes) body = await wholeBody(req, size)
    else if (size !== 0) body = arriving = new ArrivingBody(req, size, bodyBytes, this.#aheadRoom)
    waiting.waits = 'app'
    const response = await ingress.handle({
      method: req.method ?? 'GET',
      path: route.path,
      scheme: 'http',
      authority: route.authority,
      headers: endToEnd(req.rawHeaders, 'host'),
      body,
      hops: hops === null ? undefined : hops - 1,
      whenLeft(left) {
        res.once('close', left)
        if (arriving === null) return
        arriving.readAhead(aheadBytes)
        res.once('close', () => arriving.over())
      },
    })
    waiting.waits = 'client'
    const sent = answer(res, req.method ?? 'GET', response, !req.complete, ingress)
    if (sent !== undefined) await sent
  }

  #refuse(req: IncomingMessage, res: ServerResponse, error: unknown, app?: string): void {
    if (app !== undefined) this.#needs.log.debug('http:refused', { app, error })
    if (res.headersSent || res.destroyed) return void res.destroy()
    const { code, status, headers, body } = problemAnswer(error, this.#needs.textOf)
    this.#needs.observer?.refused(code)
    // What of the request is still to come is not read to its end; nor is what follows one that is malformed.
    const isWhole = req.complete || (declaredBytes(req) === 0 && !malformed.has(code))
    if (!isWhole) headers.push('Connection', 'close')
    res.writeHead(status, headers)
    res.end(req.method === 'HEAD' ? undefined : body)
  }

  /** Nothing moved for a while: an app may think, and a stream may have nothing to say; a client may not linger. */
  #onSilence(socket: Socket): void {
    const state = this.#waiting.get(socket)
    const isIdleStream = state !== undefined && state.res.headersSent && state.res.writableLength === 0
    if (state !== undefined && !state.res.writableEnded && (state.waits === 'app' || isIdleStream)) return
    const late = Object.assign(new Error('silence'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
    const isExpected = state === undefined ? socket.bytesRead > 0 : !state.res.headersSent
    if (isExpected) this.#refuseRaw(late, socket)
    else socket.destroy()
  }

  #refuseRaw(error: NodeJS.ErrnoException, socket: Duplex): void {
    const res = this.#waiting.get(socket as Socket)?.res
    const isAnswering = res !== undefined && res.headersSent && !res.writableFinished
    const code = refuseRaw(error, socket, isAnswering, this.#needs.clock)
    if (code !== null) this.#needs.observer?.refused(code)
  }
}
