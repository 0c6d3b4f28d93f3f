/**
 * Several instances of one app behind the face of one: calls wait here for whichever is free, instances come and go
 * by what the machine says. Effects only.
 */
import { isSelvedgeError, messageOf, type Cancel, type Clock, type Log } from '../../../core/index.ts'
import type {
  AppPool,
  ConfinementKind,
  Incident,
  IncidentReason,
  Isolation,
  LeaseOptions,
  PoolReport,
  Sandbox,
  PoolUsage,
  SandboxUsage,
} from '../contract.ts'
import { engineProblems } from '../problems.ts'
import { notBegun } from '../sandbox/incident.ts'
import {
  emptyPool,
  stepPool,
  wakePoolAt,
  type PoolAction,
  type PoolEvent,
  type PoolShape,
  type PoolState,
} from './pool-machine.ts'

export interface PoolNeeds {
  readonly app: string
  readonly isolation: Isolation
  /** Of its processes; null where it has none. */
  readonly confinement: ConfinementKind | null
  readonly clock: Clock
  readonly log: Log
  start(): Promise<Sandbox>
  /** Whether the node has room for one more. */
  mayGrow(): boolean
  /** Told of each instance that ended by itself. */
  incident(incident: Incident): void
}

interface WaitingCall {
  /** Gives it to an instance. @param finished told whether it came to nothing there and may be given to another */
  dispatch(sandbox: Sandbox, finished: (again: boolean) => void): void
  refuse(error: Error): void
  repeats: number
  /** Among all calls of the pool, from 1. */
  readonly number: number
  isCounted: boolean
}

/** A call that dead instances never came to is given to so many others. */
const maxRepeats = 3

export class InstancePool implements AppPool {
  readonly ended: Promise<Incident>
  readonly #needs: PoolNeeds
  readonly #shape: PoolShape
  readonly #sandboxes = new Map<number, Sandbox>()
  /** How many calls had come when an instance became ready: for later ones it is warm. */
  readonly #callsBefore = new Map<number, number>()
  #calls = 0
  readonly #waiting: WaitingCall[] = []
  /** Of instances that are gone. */
  readonly #past = {
    calls: 0,
    errors: 0,
    activeMs: 0,
    bytesIn: 0,
    bytesOut: 0,
    dropped: 0,
    memoryBytes: 0,
    memoryByteSeconds: 0,
    warmStarts: 0,
    newStarts: 0,
  }
  #meteredAtMs: number
  readonly #incidents = new Map<IncidentReason, number>()
  readonly #resolveEnded: (incident: Incident) => void
  #state: PoolState = emptyPool
  #last: Incident = { reason: 'stopped', message: 'it was stopped by the node' }
  #over: Incident | null = null
  #cancelWake: Cancel | null = null

  private constructor(needs: PoolNeeds, shape: PoolShape) {
    this.#needs = needs
    this.#shape = shape
    this.#meteredAtMs = needs.clock.monotonicMs()
    let resolveEnded!: (incident: Incident) => void
    this.ended = new Promise((resolve) => (resolveEnded = resolve))
    this.#resolveEnded = resolveEnded
  }

  /** Resolves when the least number of instances runs. @throws what the first one's start throws */
  static async open(needs: PoolNeeds, shape: PoolShape): Promise<InstancePool> {
    const pool = new InstancePool(needs, shape)
    if (shape.min > 0) {
      const first = await needs.start()
      pool.#adopt(first)
    }
    pool.#take({ type: 'opened' })
    return pool
  }

  get report(): PoolReport {
    const { isolation } = this.#needs
    return {
      isolation,
      confinement: this.#needs.confinement,
      instances: this.#sandboxes.size,
      waiting: this.#waiting.length,
      incidents: Object.fromEntries(this.#incidents),
    }
  }

  get usage(): PoolUsage {
    this.#meterMemory()
    const sum = { ...this.#past }
    for (const { usage } of this.#sandboxes.values()) {
      add(sum, usage)
      sum.memoryBytes += usage.memoryBytes
    }
    return sum
  }

  /** Memory changes with calls only, so that looking at it when they end misses nothing that lasts. */
  #meterMemory(): void {
    const nowMs = this.#needs.clock.monotonicMs()
    let bytes = 0
    for (const { usage } of this.#sandboxes.values()) bytes += usage.memoryBytes
    this.#past.memoryByteSeconds += (bytes * (nowMs - this.#meteredAtMs)) / 1_000
    this.#meteredAtMs = nowMs
  }

  call(target: string, args: readonly unknown[]): Promise<unknown> {
    return this.lease((sandbox) => sandbox.call(target, args), { mayRepeat: true })
  }

  lease<Result>(use: (sandbox: Sandbox) => Promise<Result>, options: LeaseOptions = {}): Promise<Result> {
    return new Promise((resolve, reject) => {
      const waiting: WaitingCall = {
        repeats: options.mayRepeat === true ? maxRepeats : 0,
        number: (this.#calls += 1),
        isCounted: false,
        refuse: reject,
        dispatch(sandbox, finished) {
          started(use, sandbox).then(
            (result) => {
              resolve(result)
              finished(false)
            },
            (error: unknown) => {
              const again = waiting.repeats > 0 && isSelvedgeError(error, 'ERR_APP_NOT_BEGUN')
              if (!again) reject(error)
              finished(again)
            },
          )
        },
      }
      this.#enqueue(waiting)
    })
  }

  async stop(): Promise<void> {
    this.#finish({ reason: 'stopped', message: 'it was stopped by the node' })
    await this.ended
  }

  #enqueue(waiting: WaitingCall): void {
    if (this.#over !== null) return waiting.refuse(notBegun(this.#over, this.#needs.app))
    this.#waiting.push(waiting)
    this.#take({ type: 'called' })
  }

  #take(event: PoolEvent): void {
    if (this.#over !== null) return
    const { clock, mayGrow } = this.#needs
    const nowMs = clock.monotonicMs()
    const { state, actions } = stepPool(this.#state, event, this.#shape, nowMs, mayGrow())
    this.#state = state
    for (const action of actions) this.#act(action)
    this.#wake()
  }

  #act(action: PoolAction): void {
    switch (action.type) {
      case 'start':
        return void this.#start(action.id)
      case 'dispatch':
        return this.#dispatch(action.id)
      case 'refuse': {
        const waiting = this.#waiting.pop()
        const message = `${this.#waiting.length} calls of ${this.#needs.app} wait already`
        return waiting?.refuse(engineProblems.error('ERR_APP_BUSY', message))
      }
      case 'retire': {
        const sandbox = this.#sandboxes.get(action.id)
        this.#forget(action.id)
        return void sandbox?.stop()
      }
      case 'give-up':
        return this.#finish(this.#last)
    }
  }

  async #start(id: number): Promise<void> {
    try {
      const sandbox = await this.#needs.start()
      if (this.#over !== null) return void sandbox.stop()
      this.#watch(id, sandbox)
      this.#take({ type: 'started', id })
    } catch (error) {
      this.#last = { reason: 'host-fault', message: messageOf(error) }
      this.#needs.log.warn('pool:start-failed', { message: this.#last.message })
      this.#take({ type: 'ended', id })
    }
  }

  /** The instance that was started before the machine had a say. */
  #adopt(sandbox: Sandbox): void {
    const id = this.#state.lastId + 1
    const instance = { id, isReady: true, inFlight: 0, idleSinceMs: this.#needs.clock.monotonicMs() }
    this.#state = { ...this.#state, lastId: id, instances: [...this.#state.instances, instance] }
    this.#watch(id, sandbox)
  }

  #watch(id: number, sandbox: Sandbox): void {
    this.#sandboxes.set(id, sandbox)
    this.#callsBefore.set(id, this.#calls)
    void sandbox.ended.then((incident) => {
      if (!this.#sandboxes.has(id)) return
      this.#forget(id)
      this.#last = incident
      this.#incidents.set(incident.reason, (this.#incidents.get(incident.reason) ?? 0) + 1)
      this.#needs.incident(incident)
      this.#take({ type: 'ended', id, isBlameless: incident.reason === 'neighbour' })
    })
  }

  #dispatch(id: number): void {
    const waiting = this.#waiting.shift()
    const sandbox = this.#sandboxes.get(id)
    if (waiting === undefined) return
    if (sandbox === undefined) {
      return waiting.refuse(engineProblems.error('ERR_APP_NOT_BEGUN', 'its instance is gone'))
    }
    const { activeMs, calls } = sandbox.usage
    const isWarm = waiting.number > (this.#callsBefore.get(id) ?? 0)
    // Given to another one again, it still is one call.
    if (!waiting.isCounted) this.#past[isWarm ? 'warmStarts' : 'newStarts'] += 1
    waiting.isCounted = true
    const finish = (again: boolean): void => {
      this.#meterMemory()
      const { usage } = sandbox
      const busyMs = (usage.activeMs - activeMs) / Math.max(1, usage.calls - calls)
      this.#take({ type: 'answered', id, busyMs })
      if (!again) return
      waiting.repeats -= 1
      this.#enqueue(waiting)
    }
    waiting.dispatch(sandbox, (again) => {
      if (sandbox.incident === null) return finish(again)
      // It has ended under the call: nobody gets it any more.
      void sandbox.ended.then(() => finish(again))
    })
  }

  #forget(id: number): void {
    this.#meterMemory()
    const usage = this.#sandboxes.get(id)?.usage
    this.#sandboxes.delete(id)
    this.#callsBefore.delete(id)
    if (usage !== undefined) add(this.#past, usage)
  }

  #wake(): void {
    this.#cancelWake?.()
    this.#cancelWake = null
    const atMs = wakePoolAt(this.#state, this.#shape)
    if (atMs === null || this.#over !== null) return
    const { clock } = this.#needs
    this.#cancelWake = clock.after(Math.max(1, atMs - clock.monotonicMs()), () => {
      this.#cancelWake = null
      this.#take({ type: 'tick' })
    })
  }

  #finish(incident: Incident): void {
    if (this.#over !== null) return
    this.#over = incident
    this.#cancelWake?.()
    for (const waiting of this.#waiting.splice(0)) waiting.refuse(notBegun(incident, this.#needs.app))
    const sandboxes = [...this.#sandboxes]
    const stop = async (): Promise<void> => {
      await Promise.all(sandboxes.map(([, sandbox]) => sandbox.stop()))
      for (const [id] of sandboxes) this.#forget(id)
      this.#resolveEnded(incident)
    }
    void stop()
  }
}

/** What it throws at once is a rejection too. */
function started<Result>(use: (sandbox: Sandbox) => Promise<Result>, sandbox: Sandbox): Promise<Result> {
  try {
    return use(sandbox)
  } catch (error) {
    return Promise.reject(error as Error)
  }
}

/** All but the memory, which is of now. */
function add(sum: SandboxUsage, usage: Readonly<SandboxUsage>): void {
  sum.calls += usage.calls
  sum.errors += usage.errors
  sum.activeMs += usage.activeMs
  sum.bytesIn += usage.bytesIn
  sum.bytesOut += usage.bytesOut
  sum.dropped += usage.dropped
}
