/**
 * The one way to every app of the mesh. What runs on this node is asked directly, and costs no more than a look; what
 * does not, or fails where that may be mended, goes through the dispatcher.
 */
import { nearestName, type Cancel, type Clock, type Part, type Random } from '../../core/index.ts'
import { callsProblems, type Load, type Mesh } from '../../mesh/index.ts'
import type { AppSupervisor, CallFunction } from '../apps/index.ts'
import { WitError } from '../engine/index.ts'
import type { HttpRequest, HttpResponse, Ingress } from '../http/index.ts'
import { answering, whole } from './answering.ts'
import {
  callRules,
  withTrace,
  type CallRequest,
  type CallResult,
  type CallRouter,
  type CallTrace,
} from './contract.ts'
import { Departures, type Departure } from './departures.ts'
import { Directory, type AppEntry } from './directory.ts'
import { Dispatcher, type CallObserver, type ErrandResult } from './dispatcher.ts'
import { packFunctionCall, readFunctionAnswer } from './heads.ts'
import { LoadMeter } from './load-meter.ts'
import { keyOf, responseFrom, SentRequest, valueOf } from './http-call.ts'
import { callProblems } from './problems.ts'
import { isIdempotent } from './retry.ts'
import { decodeValue, encodeValue } from './values.ts'

export interface RouterNeeds {
  readonly mesh: Pick<Mesh, 'self' | 'members' | 'releases' | 'onChange' | 'onVerdict' | 'calls' | 'load'>
  readonly apps: Pick<AppSupervisor, 'ingressOf' | 'functionsOf' | 'idle'>
  readonly clock: Clock
  readonly random: Random
  readonly observer: CallObserver
}

/** A client that sends it is told which node answered. */
const debugField = 'x-selvedge-debug'
const nodeField = 'x-selvedge-node'

interface FunctionOutcome {
  readonly value: unknown
  readonly isError: boolean
  readonly queueMs: number
  readonly runMs: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** Answers other nodes from `start` to `stop`; calls of this one are taken at any time. */
export class MeshRouter implements CallRouter, Part {
  readonly name = 'calls'
  readonly #needs: RouterNeeds
  readonly #directory: Directory
  readonly #dispatcher: Dispatcher
  readonly #departures: Departures
  readonly #load: LoadMeter
  #cancels: Cancel[] = []

  constructor(needs: RouterNeeds) {
    this.#needs = needs
    const { mesh, clock, random, observer } = needs
    this.#directory = new Directory(mesh)
    this.#departures = new Departures(clock)
    this.#load = new LoadMeter({ clock, tell: (load) => mesh.load.tell(load) })
    this.#dispatcher = new Dispatcher({
      self: mesh.self,
      directory: this.#directory,
      clock,
      random,
      observer,
      loadOf: (app, node) => mesh.load.of(node).get(app) ?? 0,
    })
  }

  start(): void {
    if (this.#cancels.length > 0) return
    const { mesh } = this.#needs
    this.#cancels = [
      this.#directory.follow(),
      mesh.onVerdict(({ node, to }) => {
        if (to === 'dead' || to === 'suspect' || to === 'left') this.#dispatcher.doubt(node, to !== 'suspect')
      }),
      () => mesh.calls.answerWith(null),
    ]
    const apps = {
      ingressOf: (app: string) => this.#ingressHere(app),
      functionsOf: (app: string) => this.#functionsHere(app),
    }
    mesh.calls.answerWith(answering({ self: mesh.self, directory: this.#directory, apps }))
  }

  stop(): void {
    this.#load.stop()
    for (const cancel of this.#cancels.splice(0)) cancel()
  }

  /** Calls that left this node's groups within the last five minutes. */
  departures(): Departure[] {
    return this.#departures.lately()
  }

  /** How many pairs of app and node are asked, left alone for a while, or being tried again. */
  breakers(): ReturnType<Dispatcher['states']> {
    return this.#dispatcher.states()
  }

  /** Calls under way on a node by app, powers of two, as it says itself; empty for one of other groups. */
  loadOf(node: string): Load {
    const { mesh } = this.#needs
    return node === mesh.self ? this.#load.load : mesh.load.of(node)
  }

  async drained(app: string): Promise<void> {
    await this.#needs.apps.idle(app)
  }

  ingressOf(app: string): Ingress | 'down' | null {
    const local = this.#needs.apps.ingressOf(app)
    if (local !== null && local !== 'down') return this.#localIngress(app, local)
    const entry = this.#directory.find(app)
    if (entry === null || !entry.takesRequests) return local
    // Where it should run here and nobody else does, its own state tells more.
    if (local === 'down' && entry.candidates.length === 0) return 'down'
    return { handle: (request) => this.#send(entry, request) }
  }

  async invoke(request: CallRequest): Promise<CallResult> {
    const { app, target, args, hops = callRules.hops } = request
    const functions = this.#needs.apps.functionsOf(app)
    const entry = this.#directory.find(app)
    if (entry === null && functions === null) {
      const meant = nearestName(app.slice(0, 80), this.#directory.appNames())
      throw callProblems.error('ERR_CALL_APP', `no release of ${app.slice(0, 80)} may run in this mesh`, {
        ...(meant !== null && { hint: `did you mean ${meant}? See \`selvedge status\`` }),
      })
    }
    if (hops <= 0) {
      throw callsProblems.error('ERR_CALL_HOPS', `calls led to ${app} over ${callRules.hops} others`)
    }
    if (target.length > callRules.targetLength) {
      throw callProblems.error('ERR_CALL_VALUE', `a function's name has ${target.length} characters`)
    }
    const deadlineMs = Math.min(Math.max(1, request.deadlineMs ?? callRules.functionMs), callRules.longestMs)
    let packed: Uint8Array | null = null
    const { result, trace } = await this.#dispatcher.run<FunctionOutcome>({
      app,
      key: request.key?.slice(0, callRules.keyLength) ?? null,
      isIdempotent: entry?.policy.idempotent === true,
      isReplayable: () => true,
      deadlineMs,
      signal: request.signal,
      local: () => this.#localCall(app, target, args, { deadlineMs, hops: hops - 1, signal: request.signal }),
      node: request.node,
      remote: async (node, limits) => {
        packed ??= encodeValue([...args])
        const call = { head: packFunctionCall(app, target), body: packed, hops: hops - 1, ...limits }
        const answer = await this.#needs.mesh.calls.call(node, call)
        const { isError, queueMs, runMs } = readFunctionAnswer(answer.head)
        const { body } = answer
        const bytes = body === null || body instanceof Uint8Array ? body : await whole(body)
        const value = bytes === null ? undefined : decodeValue(bytes)
        const bytesOut = bytes?.length ?? 0
        return { value, isError, queueMs, runMs, bytesIn: packed.length, bytesOut }
      },
    })
    const { value, isError, ...measures } = result
    const told = this.#ended(app, { ...trace, ...measures })
    if (isError) throw withTrace(new WitError(value), told)
    return { value, trace: told }
  }

  /** What this node runs of an app, counted as what it has to do. */
  #functionsHere(app: string): CallFunction | null {
    const functions = this.#needs.apps.functionsOf(app)
    return functions && ((...call) => this.#load.count(app, () => functions(...call)))
  }

  #ingressHere(app: string): Ingress | 'down' | null {
    const local = this.#needs.apps.ingressOf(app)
    if (local === null || local === 'down') return local
    return { handle: (request) => this.#load.count(app, () => local.handle(request)) }
  }

  #localCall(
    app: string,
    target: string,
    args: readonly unknown[],
    terms: Parameters<CallFunction>[2],
  ): (() => Promise<FunctionOutcome>) | null {
    const functions = this.#functionsHere(app)
    if (functions === null) return null
    const crossed = { bytesIn: 0, bytesOut: 0 }
    return () =>
      functions(target, args, terms).then(
        (returned) => ({ ...returned, ...crossed, isError: false }),
        (error: unknown) => {
          // Its own error is an answer: nobody else is asked.
          if (!(error instanceof WitError)) throw error
          return { value: error.payload, isError: true, queueMs: 0, runMs: 0, ...crossed }
        },
      )
  }

  /** The way of almost every request: what is here stands between it and the app. */
  #localIngress(app: string, local: Ingress): Ingress {
    const { clock, observer } = this.#needs
    return {
      handle: (request) => {
        const startedMs = clock.monotonicMs()
        const end = this.#load.begin(app)
        return local.handle(request).then(
          (response) => {
            end()
            observer.ended(app, 'node', 'answered', clock.monotonicMs() - startedMs)
            return valueOf(request.headers, debugField) === null
              ? response
              : this.#named(response, this.#directory.nameOf(this.#needs.mesh.self))
          },
          (error: unknown) => {
            end()
            return this.#afterLocal(app, request, error, clock.monotonicMs() - startedMs)
          },
        )
      },
      unsendable: (error) => local.unsendable?.(error),
    }
  }

  /** An instance of this node failed at it: another one, or another node, may do better. */
  #afterLocal(app: string, request: HttpRequest, error: unknown, ms: number): Promise<HttpResponse> {
    const entry = this.#directory.find(app)
    const isStreamed = request.body !== null && !(request.body instanceof Uint8Array)
    if (entry === null || isStreamed) {
      this.#needs.observer.ended(app, 'node', 'failed', ms)
      return Promise.reject(error as Error)
    }
    return this.#send(entry, request, { error, ms })
  }

  async #send(
    { app, policy, deadlineMs }: AppEntry,
    request: HttpRequest,
    before?: { readonly error: unknown; readonly ms: number },
  ): Promise<HttpResponse> {
    const left = new AbortController()
    request.whenLeft?.(() => left.abort(callsProblems.error('ERR_CALL_GIVEN_UP', 'the client went away')))
    let sent: SentRequest | null = null
    const { mesh } = this.#needs
    const done: ErrandResult<HttpResponse> = await this.#dispatcher.run({
      app,
      key: keyOf(policy.sticky, request.headers),
      isIdempotent: policy.idempotent === true || isIdempotent(request.method),
      isReplayable: () => sent?.isReplayable !== false,
      deadlineMs: Math.min(deadlineMs + callRules.httpExtraMs, callRules.longestMs),
      signal: left.signal,
      local: () => {
        const local = this.#ingressHere(app)
        return local === null || local === 'down' ? null : () => local.handle(request)
      },
      remote: async (node, limits) => {
        sent ??= new SentRequest(app, request)
        const call = sent.call(limits.deadlineMs, request.hops ?? callRules.hops, limits.signal)
        return responseFrom(await mesh.calls.call(node, call))
      },
      ...(before && { before }),
    })
    const { node } = this.#ended(app, done.trace)
    const asksNode = valueOf(request.headers, debugField) !== null
    return asksNode && node !== null ? this.#named(done.result, node) : done.result
  }

  #named(response: HttpResponse, node: string): HttpResponse {
    return {
      ...response,
      headers: [...response.headers, nodeField, node],
      trailers: () => response.trailers(),
    }
  }

  #ended(app: string, trace: CallTrace): CallTrace {
    if (trace.scope === 'mesh' && trace.node !== null) this.#departures.left(app, trace.node)
    return trace
  }
}
