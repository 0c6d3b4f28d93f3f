/**
 * The node's side of a sandbox: specialises it, hands it calls, answers what its guest asks of the host, and ends it
 * at a deadline, at a fault, or when told to. After an end nothing of it is used again.
 */
import { messageOf, plainText, type Cancel, type Clock, type Log } from '../../../core/index.ts'
import { assertBounded, type Boot, type ToGuest, type ToHost } from '../../guest/index.ts'
import type { StoredComponent } from '../cache.ts'
import {
  WitError,
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
import { CallQueue, type PendingCall } from './call-queue.ts'
import { Channels } from './channels.ts'
import { GuestRequests } from './guest-requests.ts'
import type { SandboxChannel } from './host-channel.ts'
import type { InvocationChannel } from './invocation-channel.ts'
import { errorOf, notBegun, startErrorOf } from './incident.ts'
import type { LinkFactory, SandboxLink } from './link.ts'
import { meterLost, meterResult, noUsage } from './usage.ts'

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
  readonly #channels: Channels
  readonly #requests: GuestRequests
  readonly #resolveEnded: (incident: Incident) => void
  #incident: Incident | null = null
  #markReady: { resolve: () => void; reject: (error: Error) => void } | null = null
  #nextCall = 1
  #nextChannel = 2
  #out: ToGuest[] = []
  #isFlushing = false
  #isReady = false
  /** When the call that runs became the oldest, of the monotonic clock. */
  #headSinceMs = 0
  #cancelWatch: Cancel | null = null

  constructor(request: StartRequest, stored: StoredComponent, parts: SandboxParts) {
    this.#request = request
    this.#parts = parts
    this.#calls = new CallQueue(parts.limits.sentAhead)
    const end = (incident: Incident): void => this.#end(incident)
    const queue = (message: ToGuest): void => this.#queue(message)
    const emit = (message: ToGuest): void => {
      if (message.t === 'bytes') this.usage.bytesIn += message.bytes.length
      this.#queue(message)
    }
    this.#channels = new Channels({ emit, end, limit: parts.limits.channels })
    this.#requests = new GuestRequests(request, {
      end,
      queue,
      channels: this.#channels,
      log: parts.log,
      valueBytes: parts.limits.valueBytes,
      flush: () => this.#flush(),
    })
    let resolveEnded!: (incident: Incident) => void
    this.ended = new Promise((resolve) => (resolveEnded = resolve))
    this.#resolveEnded = resolveEnded
    this.ready = new Promise((resolve, reject) => (this.#markReady = { resolve, reject }))
    this.ready.catch(() => {})
    this.#watch(parts.limits.bootMs, 'it was not loaded')
    const { program, limits, link } = parts
    const preopens = request.world?.preopens ?? []
    this.#link = link({ program, limits, preopens, events: this.#events() })
    void this.#boot(stored)
  }

  call(target: string, args: readonly unknown[]): Promise<unknown> {
    const call = this.#nextCall
    return this.#enqueue(target, args, null, () => this.#queue({ t: 'call', call, target, args }))
  }

  invoke({ part, name, args, signal, used }: InvocationRequest): Invocation {
    const channel = this.#nextChannel
    this.#nextChannel += 2
    const opened = this.#channels.expect(channel, used)
    const call = this.#nextCall
    const message: ToGuest = { t: 'invoke', call, part, name, args, channel }
    const result = this.#enqueue(`${part} ${name}`, args, opened, () => {
      this.#queue(message)
      opened.sent()
    })
    if (signal !== undefined) this.#abandonWith(signal, opened.channel, call)
    result.catch(() => opened.close())
    return opened.answeredBy(result)
  }

  #abandonWith(signal: AbortSignal, channel: SandboxChannel, call: number): void {
    const abandon = (): void => {
      channel.close({ message: 'it was cancelled' })
      this.#cancel(call)
    }
    if (signal.aborted) return abandon()
    signal.addEventListener('abort', abandon, { once: true })
    const forget = (): void => signal.removeEventListener('abort', abandon)
    channel.signal.addEventListener('abort', forget, { once: true })
  }

  get incident(): Incident | null {
    return this.#incident
  }

  async stop(): Promise<void> {
    this.#end({ reason: 'stopped', message: 'it was stopped by the node' })
    await this.ended
  }

  #events(): Parameters<LinkFactory>[0]['events'] {
    let left = this.#parts.limits.strayOutputBytes
    return {
      batch: (batch) => this.#take(batch),
      ended: (reason, message) => this.#end({ reason, message }),
      printed: (text) => {
        if (left <= 0) return
        left -= text.length
        this.#parts.log.debug('sandbox:stray-output', { text: text.trimEnd() })
      },
    }
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

  #enqueue(
    what: string,
    args: readonly unknown[],
    channel: InvocationChannel | null,
    send: () => void,
  ): Promise<unknown> {
    const { app } = this.#request
    if (this.#incident !== null) return Promise.reject(errorOf(this.#incident, app))
    if (this.#calls.size >= this.#parts.limits.waitingCalls) {
      const busy = `${this.#calls.size} calls of ${app} wait already`
      return Promise.reject(engineProblems.error('ERR_APP_BUSY', busy))
    }
    const call = this.#nextCall
    this.#nextCall += 1
    let argsBytes: number
    try {
      argsBytes = assertBounded(args, this.#parts.limits.valueBytes)
    } catch (error) {
      const fault = `${app}: the arguments of ${what} cannot be passed: ${messageOf(error)}`
      return Promise.reject(engineProblems.error('ERR_APP_HOST_FAULT', fault))
    }
    return new Promise((resolve, reject) => {
      this.#calls.add({ call, what, argsBytes, channel, resolve, reject, send })
      this.#pump()
    })
  }

  #pump(): void {
    if (!this.#isReady) return
    const wasIdle = this.#calls.head === null
    this.#calls.pump()
    if (wasIdle && this.#calls.head !== null) this.#newHead()
  }

  #cancel(call: number): void {
    this.#calls.withdraw(call)?.reject(errorOf(cancelled, this.#request.app))
    this.#queue({ t: 'cancel', call })
  }

  /** The call that runs is another one: its time begins now. One timer serves them all. */
  #newHead(): void {
    this.#headSinceMs = this.#parts.clock.monotonicMs()
    if (this.#cancelWatch === null) this.#watchHead(this.#request.deadlineMs)
  }

  #watchHead(ms: number): void {
    this.#cancelWatch = this.#parts.clock.after(Math.min(ms, longestTimerMs), () => {
      this.#cancelWatch = null
      const { head } = this.#calls
      if (head === null) return
      const leftMs = this.#headSinceMs + this.#request.deadlineMs - this.#parts.clock.monotonicMs()
      if (leftMs > 0) return this.#watchHead(leftMs)
      const begun = this.#link.begun()
      if (this.#link.isHeldUp() && begun !== null && begun < head.call) {
        const message = `${head.what} was not begun within ${this.#request.deadlineMs} ms`
        return this.#end({ reason: 'neighbour', message: `${message}; ${heldUp}` })
      }
      const message = `${head.what} did not return within ${this.#request.deadlineMs} ms`
      this.#end({ reason: 'deadline', message: `${message}${argumentsOf(head)}` })
    })
  }

  #watch(ms: number, what: string): void {
    this.#cancelWatch?.()
    this.#cancelWatch = this.#parts.clock.after(Math.min(ms, longestTimerMs), () => {
      if (!this.#link.isHeldUp()) this.#end({ reason: 'deadline', message: `${what} within ${ms} ms` })
      else this.#end({ reason: 'neighbour', message: `${what} within ${ms} ms; ${heldUp}` })
    })
  }

  #take(batch: readonly ToHost[]): void {
    let posts = 0
    for (const message of batch) {
      if (this.#incident !== null) return
      if (message.t === 'post') posts += 1
      this.#onMessage(message)
    }
    if (posts > 0) this.#queue({ t: 'posts', done: posts })
  }

  #onMessage(message: ToHost): void {
    switch (message.t) {
      case 'loaded':
        return this.#watch(
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
    this.#cancelWatch?.()
    this.#cancelWatch = null
    this.usage.memoryBytes = memoryBytes
    this.#isReady = true
    this.#markReady?.resolve()
    this.#markReady = null
    this.#pump()
  }

  #onResult(result: Extract<ToHost, { t: 'result' }>): void {
    const { outcome } = result
    const pending = this.#calls.finish(result.call)
    if (pending === null) {
      // A call that was taken back while it was on its way to the guest may still be answered.
      return
    }
    meterResult(this.usage, pending, result)
    if (result.dropped > 0) this.#parts.log.warn('sandbox:posts-dropped', { dropped: result.dropped })
    if (!result.channelUsed) pending.channel?.forget()
    if (outcome.kind === 'end') {
      const { reason, message, exitCode } = outcome
      const during = reason === 'exit' ? '' : ` (${pending.what}${argumentsOf(pending)})`
      this.#end(
        { reason, message: `${message}${during}`, ...(exitCode !== undefined && { exitCode }) },
        pending,
      )
      return
    }
    if (outcome.kind === 'ok') pending.resolve(outcome.value)
    else if (outcome.kind === 'err') pending.reject(new WitError(outcome.payload))
    else {
      const told = plainText(outcome.message).slice(0, maxIncidentChars)
      pending.reject(
        engineProblems.error('ERR_APP_EXPORT', `${this.#request.app} has no such export; ${told}`),
      )
    }
    if (this.#calls.head !== null) this.#newHead()
    this.#pump()
  }

  #queue(message: ToGuest): void {
    this.#out.push(message)
    if (this.#isFlushing) return
    this.#isFlushing = true
    // After what this turn of the loop has read: requests of several connections make one batch.
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#isFlushing = false
    const batch = this.#out
    if (batch.length === 0 || this.#incident !== null) return
    this.#out = []
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
    // In part what the guest, or a process that it broke, made of it; people read it.
    const told = plainText(message).slice(0, maxIncidentChars)
    this.#incident = { reason, message: told, ...(exitCode !== undefined && { exitCode }) }
    this.#cancelWatch?.()
    void this.#leave(this.#incident, guilty)
  }

  async #leave(incident: Incident, guilty?: PendingCall): Promise<void> {
    const begun = this.#link.begun()
    // The guilty call's own time is known.
    const lostMs = guilty === undefined ? this.#parts.clock.monotonicMs() - this.#headSinceMs : 0
    await this.#link.terminate()
    const { app } = this.#request
    guilty?.reject(errorOf(incident, app))
    const { sent, waiting } = this.#calls.drain()
    const isLost = ({ call }: PendingCall): boolean => begun === null || call <= begun
    // What the node ends itself, or another app, is no error of this one.
    const isItsOwn = incident.reason !== 'stopped' && incident.reason !== 'neighbour'
    if (isItsOwn) meterLost(this.usage, sent.filter(isLost), lostMs)
    for (const pending of sent) {
      pending.reject(isLost(pending) ? errorOf(incident, app) : notBegun(incident, app))
    }
    for (const pending of waiting) pending.reject(notBegun(incident, app))
    this.#channels.lost(incident.message)
    this.#markReady?.reject(startErrorOf(incident, app))
    this.#markReady = null
    await this.#requests.outputTaken()
    this.#resolveEnded(incident)
  }
}

/** Of the message of an incident. */
const maxIncidentChars = 2_000

/** What a timer can hold; what waits longer (no deadline is Infinity) looks again then. */
const longestTimerMs = 0x7fff_ffff

const heldUp = 'another app held the thread that it shares'

const cancelled: Incident = { reason: 'stopped', message: 'the call was taken back' }

function argumentsOf({ argsBytes }: PendingCall): string {
  return `, called with about ${argsBytes} bytes`
}
