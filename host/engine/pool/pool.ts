/**
 * Several instances of one app behind the face of one: calls wait here for whichever is free, instances come and go
 * by what the machine says. Effects only.
 */
import { messageOf, type Cancel, type Clock, type Log } from '../../../core/index.ts'
import type {
  AppPool,
  Borrower,
  CallTerms,
  ConfinementKind,
  Incident,
  IncidentReason,
  Isolation,
  LeaseOptions,
  PoolReport,
  Sandbox,
  PoolUsage,
} from '../contract.ts'
import { engineProblems } from '../problems.ts'
import { notBegun, StartFailure } from '../sandbox/incident.ts'
import { Lessee, PoolLoan } from './loan.ts'
import { Member, PoolMeter } from './pool-meter.ts'
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

const called: PoolEvent = { type: 'called' }

export class InstancePool implements AppPool {
  readonly ended: Promise<Incident>
  readonly #needs: PoolNeeds
  readonly #shape: PoolShape
  readonly #members = new Map<number, Member>()
  #calls = 0
  readonly #waiting: PoolLoan[] = []
  readonly #meter: PoolMeter
  readonly #incidents = new Map<IncidentReason, number>()
  readonly #resolveEnded: (incident: Incident) => void
  #state: PoolState = emptyPool
  #last: Incident = { reason: 'stopped', message: 'it was stopped by the node' }
  #over: Incident | null = null
  #cancelWake: Cancel | null = null
  readonly #ended = (loan: PoolLoan, again: boolean): void => this.#returned(loan, again)

  private constructor(needs: PoolNeeds, shape: PoolShape) {
    this.#needs = needs
    this.#shape = shape
    this.#meter = new PoolMeter(needs.clock, this.#members)
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
      instances: this.#members.size,
      waiting: this.#waiting.length,
      incidents: Object.fromEntries(this.#incidents),
    }
  }

  get usage(): PoolUsage {
    return this.#meter.sum()
  }

  call(target: string, args: readonly unknown[], terms?: CallTerms): Promise<unknown> {
    return this.lease((sandbox) => sandbox.call(target, args, terms), { mayRepeat: true })
  }

  lease<Result>(use: (sandbox: Sandbox) => Promise<Result>, options: LeaseOptions = {}): Promise<Result> {
    return new Promise((resolve, reject) =>
      this.borrow(new Lessee(use, options.mayRepeat === true, resolve, reject)),
    )
  }

  borrow(borrower: Borrower): void {
    this.#calls += 1
    this.#enqueue(new PoolLoan(borrower, this.#calls, this.#ended))
  }

  withdraw(borrower: Borrower): boolean {
    const index = this.#waiting.findIndex((loan) => loan.isOf(borrower))
    if (index < 0) return false
    this.#waiting.splice(index, 1)
    this.#take({ type: 'withdrawn', index })
    return true
  }

  async stop(): Promise<void> {
    this.#finish({ reason: 'stopped', message: 'it was stopped by the node' })
    await this.ended
  }

  #enqueue(loan: PoolLoan): void {
    if (this.#over !== null) return loan.refuse(notBegun(this.#over, this.#needs.app))
    this.#waiting.push(loan)
    this.#take(called)
  }

  #take(event: PoolEvent, nowMs = this.#needs.clock.monotonicMs()): void {
    if (this.#over !== null) return
    const { state, actions } = stepPool(this.#state, event, this.#shape, nowMs, this.#needs.mayGrow())
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
        const sandbox = this.#members.get(action.id)?.sandbox
        this.#meter.left(action.id)
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
      if (this.#over !== null) return
      const message = messageOf(error)
      this.#needs.log.warn('pool:start-failed', { message })
      // By its own fault, its node's or a neighbour's, as one that had started.
      this.#died(id, {
        reason: error instanceof StartFailure ? error.incident.reason : 'host-fault',
        message,
      })
    }
  }

  /** The instance that was started before the machine had a say. */
  #adopt(sandbox: Sandbox): void {
    const id = this.#state.lastId + 1
    const instance = { id, isReady: true, inFlight: 0, sinceMs: this.#needs.clock.monotonicMs() }
    this.#state = { ...this.#state, lastId: id, instances: [...this.#state.instances, instance] }
    this.#watch(id, sandbox)
  }

  #watch(id: number, sandbox: Sandbox): void {
    this.#meter.joined(id, new Member(sandbox, this.#calls))
    void sandbox.ended.then((incident) => {
      if (!this.#members.has(id)) return
      this.#meter.left(id)
      this.#died(id, incident)
    })
  }

  #died(id: number, incident: Incident): void {
    const { reason } = incident
    this.#last = incident
    this.#incidents.set(reason, (this.#incidents.get(reason) ?? 0) + 1)
    this.#needs.incident(incident)
    this.#take({ type: 'ended', id, isBlameless: reason === 'neighbour' })
  }

  #dispatch(id: number): void {
    const loan = this.#waiting.shift()
    const member = this.#members.get(id)
    if (loan === undefined) return
    if (member === undefined) {
      return loan.refuse(engineProblems.error('ERR_APP_NOT_BEGUN', 'its instance is gone'))
    }
    // Given to another one again, it still is one call.
    if (loan.isFirst) this.#meter.begun(loan.number > member.callsBefore)
    loan.lend(id, member.sandbox)
  }

  /** An instance comes back, or comes no more. */
  #returned(loan: PoolLoan, again: boolean): void {
    const { id, busyMs } = loan
    const nowMs = this.#needs.clock.monotonicMs()
    this.#meter.worked(id, nowMs)
    this.#take({ type: 'answered', id, busyMs }, nowMs)
    if (again) this.#enqueue(loan)
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
    const members = [...this.#members]
    const stop = async (): Promise<void> => {
      await Promise.all(members.map(([, { sandbox }]) => sandbox.stop()))
      for (const [id] of members) this.#meter.left(id)
      this.#resolveEnded(incident)
    }
    void stop()
  }
}
