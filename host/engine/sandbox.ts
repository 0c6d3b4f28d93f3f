/**
 * The node's side of a sandbox: starts its thread, hands it calls one at a time, answers what its guest asks of
 * the host, and ends it at a deadline, at a fault, or when told to. After an end nothing of it is used again.
 */
import type { MessagePort, Worker } from 'node:worker_threads'
import { messageOf, type Cancel, type Clock, type Log } from '../../core/index.ts'
import type { StoredComponent } from './cache.ts'
import { WitError, type BoundFunction, type Incident, type Sandbox, type StartRequest } from './contract.ts'
import { errorOf, startErrorOf } from './incident.ts'
import type { EngineLimits } from './limits.ts'
import { engineProblems } from './problems.ts'
import type { Program } from './program.ts'
import { cellCount, cells, type FromSandbox, type HostReply, type SandboxData } from './sandbox-protocol.ts'
import { spawnThread } from './sandbox-thread.ts'
import { assertBounded } from './values.ts'

export interface SandboxParts {
  readonly clock: Clock
  readonly log: Log
  readonly limits: EngineLimits
}

export interface RunningSandbox extends Sandbox {
  /** Resolves when it takes calls. @throws ERR_APP_START or the reason of its end */
  readonly ready: Promise<void>
}

interface PendingCall {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** Begins to start a sandbox. It exists from now on: whatever happens, `ended` tells. */
export function startSandbox(
  request: StartRequest,
  stored: StoredComponent,
  program: Program,
  parts: SandboxParts,
): RunningSandbox {
  return new WorkerSandbox(request, stored, program, parts)
}

class WorkerSandbox implements RunningSandbox {
  readonly ready: Promise<void>
  readonly ended: Promise<Incident>
  readonly #request: StartRequest
  readonly #parts: SandboxParts
  readonly #functions = new Map<string, BoundFunction>()
  readonly #cells = new SharedArrayBuffer(cellCount * 4)
  readonly #resolveEnded: (incident: Incident) => void
  #worker: Worker | null = null
  #replies: MessagePort | null = null
  #incident: Incident | null = null
  #markReady: PendingCall | null = null
  #call: PendingCall | null = null
  #cancelDeadline: Cancel = () => {}
  #turn: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #reportedDrops = 0

  constructor(request: StartRequest, stored: StoredComponent, program: Program, parts: SandboxParts) {
    this.#request = request
    this.#parts = parts
    for (const { id, functions } of request.imports) {
      for (const [name, bound] of Object.entries(functions)) this.#functions.set(`${id}#${name}`, bound)
    }
    let resolveEnded!: (incident: Incident) => void
    this.ended = new Promise((resolve) => (resolveEnded = resolve))
    this.#resolveEnded = resolveEnded
    this.ready = new Promise((resolve, reject) => (this.#markReady = { resolve: () => resolve(), reject }))
    this.ready.catch(() => {})
    this.#deadline(parts.limits.bootMs, 'it was not loaded')
    void this.#boot(stored, program)
  }

  call(target: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#waiting >= this.#parts.limits.waitingCalls) {
      const message = `${this.#waiting} calls of ${this.#request.app} wait already`
      return Promise.reject(engineProblems.error('ERR_APP_BUSY', message))
    }
    this.#waiting += 1
    const mine = this.#turn.then(() => this.#run(target, args))
    this.#turn = mine.then(
      () => (this.#waiting -= 1),
      () => (this.#waiting -= 1),
    )
    return mine
  }

  async stop(): Promise<void> {
    this.#end({ reason: 'stopped', message: 'it was stopped by the node' })
    await this.ended
  }

  async #boot(stored: StoredComponent, program: Program): Promise<void> {
    try {
      const modules = await Promise.all(
        stored.modules.map(async ({ name, hasMemory, bytes }) => ({
          name,
          hasMemory,
          module: await WebAssembly.compile(new Uint8Array(bytes)),
        })),
      )
      if (this.#incident !== null) return
      this.#spawn({ glue: stored.glue, modules }, program)
    } catch (error) {
      this.#end({ reason: 'host-fault', message: `its code could not be loaded: ${messageOf(error)}` })
    }
  }

  #spawn(code: Pick<SandboxData, 'glue' | 'modules'>, program: Program): void {
    const { worker, replies } = spawnThread({
      app: this.#request.app,
      code,
      imports: this.#request.imports,
      cells: this.#cells,
      program,
      limits: this.#parts.limits,
    })
    this.#worker = worker
    this.#replies = replies
    this.#drain(worker)
    worker.on('message', (message: FromSandbox) => this.#onMessage(message))
    worker.on('error', (error: NodeJS.ErrnoException) => {
      const memory = error.code === 'ERR_WORKER_OUT_OF_MEMORY'
      this.#end({
        reason: memory ? 'memory' : 'host-fault',
        message: `its thread failed: ${messageOf(error)}`,
      })
    })
    worker.on('exit', (code) => {
      this.#end({ reason: 'host-fault', message: `its thread ended by itself with code ${code}` })
    })
  }

  /** The guest's own output comes as messages; this is what the runtime or the glue prints. */
  #drain(worker: Worker): void {
    let left = this.#parts.limits.strayOutputBytes
    const onData = (chunk: Buffer): void => {
      if (left <= 0) return
      left -= chunk.length
      this.#parts.log.debug('sandbox:stray-output', { text: chunk.toString('utf8', 0, 1_000).trimEnd() })
    }
    worker.stdout.on('data', onData)
    worker.stderr.on('data', onData)
  }

  #run(target: string, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#incident !== null) return reject(errorOf(this.#incident, this.#request.app))
      try {
        assertBounded(args, this.#parts.limits.valueBytes)
      } catch (error) {
        const message = `${this.#request.app}: the arguments of ${target} cannot be passed: ${messageOf(error)}`
        return reject(engineProblems.error('ERR_APP_HOST_FAULT', message))
      }
      this.#worker?.postMessage({ type: 'call', target, args })
      this.#call = { resolve, reject }
      this.#deadline(this.#request.deadlineMs, `${target} did not return`)
    })
  }

  #deadline(ms: number, what: string): void {
    this.#cancelDeadline()
    this.#cancelDeadline = this.#parts.clock.after(ms, () => {
      this.#end({ reason: 'deadline', message: `${what} within ${ms} ms` })
    })
  }

  #onMessage(message: FromSandbox): void {
    if (this.#incident !== null) return
    switch (message.type) {
      case 'loaded':
        return this.#deadline(
          Math.max(this.#request.deadlineMs, this.#parts.limits.instantiateMs),
          'its instance was not made',
        )
      case 'ready':
        this.#cancelDeadline()
        this.#markReady?.resolve(undefined)
        this.#markReady = null
        return
      case 'start-failed':
        return this.#end(message)
      case 'result':
        return this.#onResult(message)
      case 'line':
        return this.#onPost(() => this.#output(message.stream, message.line))
      case 'post':
        return this.#onPost(() => this.#bound(message.id, message.name).run(message.args))
      case 'host-call':
        void this.#onHostCall(message)
    }
  }

  #onResult({ outcome }: Extract<FromSandbox, { type: 'result' }>): void {
    const call = this.#call
    if (call === null)
      return this.#end({ reason: 'host-fault', message: 'it answered a call that nobody made' })
    this.#reportDrops()
    if (outcome.kind === 'end') return this.#end(outcome)
    this.#cancelDeadline()
    this.#call = null
    if (outcome.kind === 'ok') call.resolve(outcome.value)
    else if (outcome.kind === 'err') call.reject(new WitError(outcome.payload))
    else
      call.reject(
        engineProblems.error('ERR_APP_EXPORT', `${this.#request.app} has no such export; ${outcome.message}`),
      )
  }

  #output(stream: 'stdout' | 'stderr', line: string): void {
    if (this.#request.output !== undefined) this.#request.output(stream, line)
    else this.#parts.log.debug('app:output', { stream, line })
  }

  #onPost(run: () => unknown): void {
    try {
      const result = run()
      if (result instanceof Promise) {
        result.catch(() => {})
        throw new Error('it returned a promise, which nobody waits for in mode `post`')
      }
    } catch (error) {
      this.#end({ reason: 'host-fault', message: `a posted call failed: ${messageOf(error)}` })
    } finally {
      Atomics.add(new Int32Array(this.#cells), cells.postsDone, 1)
    }
  }

  async #onHostCall({ id, name, args }: Extract<FromSandbox, { type: 'host-call' }>): Promise<void> {
    try {
      const value = await this.#bound(id, name).run(args)
      assertBounded(value, this.#parts.limits.valueBytes)
      this.#reply({ kind: 'ok', value })
    } catch (error) {
      if (error instanceof WitError) this.#reply({ kind: 'err', payload: error.payload })
      else this.#end({ reason: 'host-fault', message: `${id} ${name} failed: ${messageOf(error)}` })
    }
  }

  #bound(id: string, name: string): BoundFunction {
    const bound = this.#functions.get(`${id}#${name}`)
    if (bound === undefined) throw new Error(`${id} has no function ${name}`)
    return bound
  }

  #reply(reply: HostReply): void {
    if (this.#incident !== null) return
    try {
      this.#replies?.postMessage(reply)
    } catch (error) {
      return this.#end({
        reason: 'host-fault',
        message: `a host call's result cannot cross: ${messageOf(error)}`,
      })
    }
    const view = new Int32Array(this.#cells)
    Atomics.add(view, cells.replies, 1)
    Atomics.notify(view, cells.replies)
  }

  #reportDrops(): void {
    const dropped = Atomics.load(new Int32Array(this.#cells), cells.postsDropped)
    if (dropped === this.#reportedDrops) return
    this.#parts.log.warn('sandbox:posts-dropped', { dropped: dropped - this.#reportedDrops })
    this.#reportedDrops = dropped
  }

  /** The first reason stands. The thread is gone before anybody is told. */
  #end({ reason, message }: Incident): void {
    if (this.#incident !== null) return
    const incident: Incident = { reason, message }
    this.#incident = incident
    this.#cancelDeadline()
    this.#reportDrops()
    void this.#leave(incident)
  }

  async #leave(incident: Incident): Promise<void> {
    await this.#worker?.terminate()
    this.#replies?.close()
    const { app } = this.#request
    this.#call?.reject(errorOf(incident, app))
    this.#call = null
    this.#markReady?.reject(startErrorOf(incident, app))
    this.#markReady = null
    this.#resolveEnded(incident)
  }
}
