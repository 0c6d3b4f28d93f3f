/** An engine without WebAssembly: the test decides what each step does, and sees every call. */
import {
  engineProblems,
  WitError,
  type Engine,
  type Incident,
  type Sandbox,
} from '../../../host/engine/index.ts'
import { defaultShape } from '../../../host/engine/pool/pool-machine.ts'
import { InstancePool } from '../../../host/engine/pool/pool.ts'
import type { AppPool, PoolShape, PrepareRequest, StartRequest } from '../../../host/engine/index.ts'
import type { ReleaseRecord } from '../../../mesh/index.ts'
import { digestOf, silentLog, type SelvedgeError } from '../../../core/index.ts'
import type { DesiredRelease } from '../../../host/apps/index.ts'
import type { FakeClock } from '../fake-clock.ts'

export interface HandledEvent {
  readonly id: number
  readonly sandbox: number
  readonly component: string
}

export class FakeSandbox implements Sandbox {
  readonly number: number
  readonly request: StartRequest
  readonly ended: Promise<Incident>
  readonly usage = { calls: 0, errors: 0, activeMs: 0, bytesIn: 0, bytesOut: 0, memoryBytes: 0, dropped: 0 }
  incident: Incident | null = null
  isEnded = false
  readonly #engine: FakeEngine
  #resolveEnded!: (incident: Incident) => void
  #rejectCall: ((error: Error) => void) | null = null

  constructor(number: number, request: StartRequest, engine: FakeEngine) {
    this.number = number
    this.request = request
    this.#engine = engine
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve))
  }

  invoke(): never {
    throw new Error('the fake takes no invocations')
  }

  async call(_target: string, args: readonly unknown[]): Promise<unknown> {
    if (this.isEnded) throw engineProblems.error('ERR_APP_STOPPED', 'it has ended')
    if (this.#rejectCall !== null) throw new Error('a second call was made before the first was answered')
    const { id } = args[0] as { id: bigint }
    await new Promise<void>((resolve, reject) => {
      this.#rejectCall = reject
      this.#engine.clock.after(this.#engine.handleMs(this), resolve)
    })
    this.#rejectCall = null
    this.usage.calls += 1
    this.usage.activeMs += this.#engine.handleMs(this)
    this.usage.bytesIn += 40
    this.usage.bytesOut += 1
    this.usage.memoryBytes = 65_536
    const behaviour = this.#engine.behaviour(Number(id), this)
    if (behaviour !== 'ok') this.usage.errors += 1
    if (behaviour === 'err') throw new WitError('no such threshold')
    if (behaviour === 'trap') {
      this.end({ reason: 'trap', message: 'unreachable' })
      throw engineProblems.error('ERR_APP_TRAP', 'unreachable')
    }
    this.#engine.handled.push({
      id: Number(id),
      sandbox: this.number,
      component: this.request.prepared.facts.digest,
    })
    return undefined
  }

  end(incident: Incident): void {
    if (this.isEnded) return
    this.incident = incident
    this.isEnded = true
    this.#rejectCall?.(engineProblems.error('ERR_APP_STOPPED', 'it was stopped'))
    this.#resolveEnded(incident)
  }

  async stop(): Promise<void> {
    this.end({ reason: 'stopped', message: 'stopped' })
  }
}

export class FakeEngine implements Engine {
  readonly clock: FakeClock
  readonly prepared: PrepareRequest[] = []
  readonly sandboxes: FakeSandbox[] = []
  readonly handled: HandledEvent[] = []
  prepareMs = 30
  startMs = 60
  handleMs: (sandbox: FakeSandbox) => number = () => 5
  behaviour: (id: number, sandbox: FakeSandbox) => 'ok' | 'err' | 'trap' = () => 'ok'
  /** Errors to throw from the next calls, in order. */
  readonly prepareErrors: Error[] = []
  readonly startErrors: Error[] = []

  constructor(clock: FakeClock) {
    this.clock = clock
  }

  readonly memory = { appsBytes: Infinity, held: [] }
  /** What it says of apps that are too large for it. */
  tooLarge: SelvedgeError | null = null

  refusalOfSize(): SelvedgeError | null {
    return this.tooLarge
  }

  get live(): FakeSandbox[] {
    return this.sandboxes.filter(({ isEnded }) => !isEnded)
  }

  async examine(): Promise<never> {
    throw new Error('the fake examines nothing')
  }

  async inspect(): Promise<never> {
    throw new Error('not needed here')
  }

  async prepare(request: PrepareRequest) {
    this.prepared.push(request)
    await this.#wait(this.prepareMs)
    const error = this.prepareErrors.shift()
    if (error !== undefined) throw error
    const { digest, bytes } = request
    const kind = 'component' as const
    const facts = { kind, digest, sizeBytes: bytes.length, imports: [], exports: [], features: [] }
    return { facts, entry: digest, fresh: true }
  }

  async start(request: StartRequest): Promise<Sandbox> {
    await this.#wait(this.startMs)
    const error = this.startErrors.shift()
    if (error !== undefined) throw error
    const sandbox = new FakeSandbox(this.sandboxes.length + 1, request, this)
    this.sandboxes.push(sandbox)
    return sandbox
  }

  readonly starts = { cold: 0, template: 0, shared: 0 }

  open(request: StartRequest, shape: Partial<PoolShape>): Promise<AppPool> {
    const needs = {
      app: request.app,
      isolation: 'worker' as const,
      confinement: null,
      clock: this.clock,
      log: silentLog,
      start: () => this.start(request),
      mayGrow: () => true,
      incident: (incident: Incident) => request.incident?.(incident),
    }
    return InstancePool.open(needs, { ...defaultShape, ...shape })
  }

  async stop(): Promise<void> {}

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve))
  }
}

export const componentBytes = (version: string): Uint8Array =>
  new TextEncoder().encode(`component ${version}`)

/** A release of `light-alarm`: a sensor trigger every 200 ms. */
export function releaseOf(seq: number, overrides: Partial<ReleaseRecord> = {}): DesiredRelease {
  const version = overrides.version ?? `${seq}.0.0`
  const bytes = componentBytes(version)
  const blob = { digest: digestOf(bytes), sizeBytes: bytes.length }
  const record: ReleaseRecord = {
    v: 1,
    mesh: 'a'.repeat(64),
    app: 'light-alarm',
    seq,
    version,
    component: { ...blob, chunks: blob },
    grants: ['pin:led', 'sensor:light'],
    triggers: [{ kind: 'sensor', sensor: 'light', everyMs: 200 }],
    config: { threshold: '40' },
    limits: { memoryBytes: 16_777_216, deadlineMs: 1_000 },
    groups: [],
    previous: null,
    signedAt: 0,
    critical: [],
    ...overrides,
  }
  return { record, digest: digestOf(new TextEncoder().encode(JSON.stringify(record))) }
}
