/**
 * The node's side of a sandbox: specialises it, hands it calls, answers what its guest asks of the host, and ends it
 * at a deadline, at a fault, or when told to. After an end nothing of it is used again.
 */
import { messageOf, type Clock, type Log } from '../../../core/index.ts'
import { assertBounded, type Boot, type ToGuest, type ToHost } from '../../guest/index.ts'
import type { StoredComponent } from '../cache.ts'
import {
  type CallTerms,
  type Incident,
  type Invocation,
  type InvocationRequest,
  type Sandbox,
  type SandboxUsage,
  type StartRequest,
} from '../contract.ts'
import type { EngineLimits } from '../limits.ts'
import { engineProblems } from '../problems.ts'
import type { Program } from '../program.ts'
import { bootOf } from './boot.ts'
import { CallQueue } from './call-queue.ts'
import { Channels } from './channels.ts'
import { GuestRequests } from './guest-requests.ts'
import type { InvocationChannel } from './invocation-channel.ts'
import { errorOf, startErrorOf } from './incident.ts'
import type { LinkEvents, LinkFactory, SandboxLink } from './link.ts'
import { RunningCaller } from './running-caller.ts'
import { Outbox } from './outbox.ts'
import { FunctionCall, PendingInvocation, receivedTerms, type PendingCall } from './pending-call.ts'
import { answerCall, endCalls, toldBy } from './settlement.ts'
import { strayOutput } from './stray-output.ts'
import { meterResult, noUsage } from './usage.ts'
import { argumentsOf, Watch } from './watch.ts'

export interface SandboxParts {
  readonly clock: Clock
  readonly log: Log
  readonly limits: EngineLimits
  readonly program: Program
  readonly link: LinkFactory
}

export interface RunningSandbox extends Sandbox {
  /** Resolves when it takes calls. @throws ERR_APP_START or the reason of its end */
  readonly ready: Promise<void>
}

/** Begins to start a sandbox. It exists from now on: whatever happens, `ended` tells. */
export function startSandbox(
  request: StartRequest,
  stored: StoredComponent,
  parts: SandboxParts,
): RunningSandbox {
  return new LinkedSandbox(request, stored, parts)
}

class LinkedSandbox implements RunningSandbox {
  readonly ready: Promise<void>
  readonly ended: Promise<Incident>
  readonly usage: SandboxUsage = noUsage()
  readonly #request: StartRequest
  readonly #parts: SandboxParts
  readonly #link: SandboxLink
  readonly #calls: CallQueue
  readonly #caller: RunningCaller
  readonly #channels: Channels
  readonly #requests: GuestRequests
  readonly #outbox: Outbox
  readonly #watch: Watch
  readonly #resolveEnded: (incident: Incident) => void
  #incident: Incident | null = null
  #markReady: { resolve: () => void; reject: (error: Error) => void } | null = null
  #nextCall = 1
  #nextChannel = 2
  #isReady = false

  constructor(request: StartRequest, stored: StoredComponent, parts: SandboxParts) {
    this.#request = request
    this.#parts = parts
    this.#calls = new CallQueue(parts.limits.sentAhead)
    const end = (incident: Incident): void => this.#end(incident)
    this.#caller = new RunningCaller({
      clock: parts.clock,
      calls: this.#calls,
      watch: () => this.#watch,
      link: () => this.#link,
    })
    this.#outbox = new Outbox((batch) => this.#send(batch))
    const queue = (message: ToGuest): void => this.#outbox.queue(message)
    const emit = (message: ToGuest): void => {
      if (message.t === 'bytes') this.usage.bytesIn += message.bytes.length
      queue(message)
    }
    const invoked = (id: number): InvocationChannel | undefined => this.#calls.channel(id)
    this.#channels = new Channels({ emit, end, invoked, limit: parts.limits.channels })
    this.#requests = new GuestRequests(request, {
      caller: this.#caller,
      end,
      queue,
      channels: this.#channels,
      log: parts.log,
      valueBytes: parts.limits.valueBytes,
      flush: () => this.#outbox.flush(),
    })
    let resolveEnded!: (incident: Incident) => void
    this.ended = new Promise((resolve) => (resolveEnded = resolve))
    this.#resolveEnded = resolveEnded
    this.ready = new Promise((resolve, reject) => (this.#markReady = { resolve, reject }))
    this.ready.catch(() => {})
    const { program, limits, link, clock } = parts
    const { deadlineMs } = request
    this.#watch = new Watch({ clock, deadlineMs, end, calls: this.#calls, link: () => this.#link })
    this.#watch.step(limits.bootMs, 'it was not loaded')
    const preopens = request.world?.preopens ?? []
    const events: LinkEvents = {
      batch: (batch) => this.#take(batch),
      ended: (reason, message) => this.#end({ reason, message }),
      printed: strayOutput(parts.log, limits.strayOutputBytes),
    }
    this.#link = link({ program, limits, preopens, events })
    void this.#boot(stored)
  }

  call(target: string, args: readonly unknown[], terms?: CallTerms): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const argsBytes = this.#admit(target, args)
      if (typeof argsBytes !== 'number') return reject(argsBytes)
      const received = terms && receivedTerms(terms, this.#parts.clock.monotonicMs())
      this.#calls.add(new FunctionCall(this.#nextCall++, target, args, argsBytes, received, resolve, reject))
      this.#pump()
    })
  }

  invoke(request: InvocationRequest): Invocation {
    const { args, signal } = request
    const id = this.#nextChannel
    this.#nextChannel += 2
    const argsBytes = this.#admit(request, args)
    const size = typeof argsBytes === 'number' ? argsBytes : 0
    const invocation = new PendingInvocation(this.#nextCall++, id, request, size, this.#channels)
    if (typeof argsBytes !== 'number') {
      invocation.reject(argsBytes)
      return invocation
    }
    this.#calls.add(invocation)
    this.#pump()
    if (signal !== undefined) invocation.abandonWith(signal, () => this.#cancel(invocation.call))
    return invocation
  }

  get incident(): Incident | null {
    return this.#incident
  }

  async stop(): Promise<void> {
    this.#end({ reason: 'stopped', message: 'it was stopped by the node' })
    await this.ended
  }

  async #boot(stored: StoredComponent): Promise<void> {
    try {
      const modules = await this.#link.modulesOf(stored)
      if (this.#incident !== null) return
      const boot: Boot = bootOf(this.#request, stored, modules, this.#parts.limits)
      this.#link.send([{ t: 'boot', boot }])
    } catch (error) {
      this.#end({ reason: 'host-fault', message: `its code could not be loaded: ${messageOf(error)}` })
    }
  }

  /** @returns what the arguments of one more call take, or why there can be none */
  #admit(what: string | InvocationRequest, args: readonly unknown[]): number | Error {
    const { app } = this.#request
    const { waitingCalls, valueBytes } = this.#parts.limits
    if (this.#incident !== null) return errorOf(this.#incident, app)
    if (this.#calls.size >= waitingCalls) {
      return engineProblems.error('ERR_APP_BUSY', `${this.#calls.size} calls of ${app} wait already`)
    }
    try {
      return assertBounded(args, valueBytes)
    } catch (error) {
      const name = typeof what === 'string' ? what : `${what.part} ${what.name}`
      const fault = `${app}: the arguments of ${name} cannot be passed: ${messageOf(error)}`
      return engineProblems.error('ERR_APP_HOST_FAULT', fault)
    }
  }

  #pump(): void {
    if (!this.#isReady) return
    const wasIdle = this.#calls.head === null
    for (let next = this.#calls.next(); next !== null; next = this.#calls.next()) {
      this.#outbox.queue(next.message())
      next.sent()
    }
    if (wasIdle && this.#calls.head !== null) this.#watch.newHead()
  }

  #cancel(call: number): void {
    this.#calls.withdraw(call)?.reject(errorOf(cancelled, this.#request.app))
    this.#outbox.queue({ t: 'cancel', call })
  }

  #take(batch: readonly ToHost[]): void {
    let posts = 0
    const { head } = this.#calls
    for (const message of batch) {
      if (this.#incident !== null) return
      if (message.t === 'post') posts += 1
      this.#onMessage(message)
    }
    if (this.#calls.head !== head && this.#calls.head !== null) this.#watch.newHead()
    if (posts > 0) this.#outbox.queue({ t: 'posts', done: posts })
  }

  #onMessage(message: ToHost): void {
    switch (message.t) {
      case 'loaded':
        return this.#watch.step(
          Math.max(this.#request.deadlineMs, this.#parts.limits.instantiateMs),
          'its instance was not made',
        )
      case 'ready':
        return this.#onReady(message.memoryBytes)
      case 'start-failed':
      case 'failed':
        return this.#end(message)
      case 'result':
        return this.#onResult(message)
      case 'host-call':
        return void this.#requests.call(message)
      case 'post':
        return this.#requests.post(message)
      case 'open':
        return void this.#requests.open(message)
      case 'wake':
        return // its link's own business
      case 'bytes':
        this.usage.bytesOut += message.bytes.length
        return this.#channels.accept(message)
      default:
        return this.#channels.accept(message)
    }
  }

  #onReady(memoryBytes: number): void {
    this.#watch.stop()
    this.usage.memoryBytes = memoryBytes
    this.#isReady = true
    this.#markReady?.resolve()
    this.#markReady = null
    this.#pump()
  }

  #onResult(result: Extract<ToHost, { t: 'result' }>): void {
    const { outcome } = result
    const pending = this.#calls.finish(result.call)
    // A call that was taken back while it was on its way to the guest may still be answered.
    if (pending === null) return
    meterResult(this.usage, pending, result)
    if (result.dropped > 0) this.#parts.log.warn('sandbox:posts-dropped', { dropped: result.dropped })
    if (!result.channelUsed) pending.forget()
    if (outcome.kind === 'end') {
      const { reason, message, exitCode } = outcome
      const during = reason === 'exit' ? '' : ` (${pending.what}${argumentsOf(pending)})`
      this.#end(
        { reason, message: `${message}${during}`, ...(exitCode !== undefined && { exitCode }) },
        pending,
      )
      return
    }
    answerCall(pending, outcome, this.#request.app)
    this.#pump()
  }

  #send(batch: readonly ToGuest[]): void {
    if (this.#incident !== null) return
    try {
      this.#link.send(batch)
    } catch (error) {
      this.#end({ reason: 'host-fault', message: `a value cannot cross to it: ${messageOf(error)}` })
    }
  }

  /** The first reason stands. The sandbox is gone before anybody is told. */
  #end(incident: Incident, guilty?: PendingCall): void {
    if (this.#incident !== null) return
    const { reason, message, exitCode } = incident
    this.#incident = { reason, message: toldBy(message), ...(exitCode !== undefined && { exitCode }) }
    this.#watch.stop()
    this.#caller.end()
    void this.#leave(this.#incident, guilty)
  }

  async #leave(incident: Incident, guilty?: PendingCall): Promise<void> {
    const begun = this.#link.begun()
    // The guilty call's own time is known.
    const lostMs = guilty === undefined ? this.#watch.headMs : 0
    await this.#link.terminate()
    const { app } = this.#request
    // Before its calls are told: who still reads from one of these learns that something is missing.
    this.#channels.lost(incident.message)
    guilty?.reject(errorOf(incident, app))
    endCalls(this.#calls, { incident, app, usage: this.usage, begun, lostMs })
    this.#markReady?.reject(startErrorOf(incident, app))
    this.#markReady = null
    await this.#requests.outputTaken()
    this.#resolveEnded(incident)
  }
}

const cancelled: Incident = { reason: 'stopped', message: 'the call was taken back' }
