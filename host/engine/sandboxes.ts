/** All sandboxes of a node: single ones and pools of them, the spares beside them, and the room there is for more. */
import { fileURLToPath } from 'node:url'
import { availableMemoryBytes, memoryCapBytes, type Clock, type Log } from '../../core/index.ts'
import { addressFlags, memoriesThatFit } from './address-space.ts'
import { Apart } from './apart.ts'
import type { IdleThread } from '../threads/index.ts'
import type { PreparedCache, StoredComponent } from './cache.ts'
import type {
  AppPool,
  AppsMemory,
  ConfinementKind,
  Isolation,
  Sandbox,
  StartCounts,
  StartRequest,
} from './contract.ts'
import type { EngineLimits } from './limits.ts'
import { MemoryLedger, type MemoryHolder } from './memory-ledger.ts'
import { defaultShape, type PoolShape } from './pool/pool-machine.ts'
import { InstancePool } from './pool/pool.ts'
import { engineProblems } from './problems.ts'
import type { Program } from './program.ts'
import { confinementFor } from './sandbox/confinement.ts'
import { StartFailure } from './sandbox/incident.ts'
import type { LinkFactory } from './sandbox/link.ts'
import { GlueCodes } from './sandbox/glue-codes.ts'
import { spawnProcess } from './sandbox/process-link.ts'
import { startSandbox, type RunningSandbox } from './sandbox/sandbox.ts'
import { SharedThreads } from './sandbox/shared-link.ts'
import { Spares } from './sandbox/spares.ts'
import { compiledModules, spawnThread } from './sandbox/thread-link.ts'

export interface SandboxesNeeds {
  readonly cache: PreparedCache
  readonly clock: Clock
  readonly log: Log
  readonly limits: EngineLimits
  readonly isolation: Isolation
  program(): Promise<Program>
}

/** Kinds of which spares are kept; a shared thread is there already when the second app comes. */
const spawners = { worker: spawnThread, process: spawnProcess } as const
type Spared = keyof typeof spawners

/** From when an app's first instance is there until what later ones take is made, ms. */
const afterOpeningMs = 2_000

/** Nobody needs to know fresher than this whether there is memory left, ms. */
const roomFreshMs = 250

export class Sandboxes {
  readonly starts: StartCounts = { cold: 0, template: 0, shared: 0 }
  readonly #needs: SandboxesNeeds
  readonly #running = new Set<RunningSandbox>()
  /** Where each of them runs. */
  readonly #pools = new Set<() => Isolation>()
  readonly #spares: Readonly<Record<Spared, Spares>>
  readonly #shared = new SharedThreads()
  /** What is not let into a shared thread any more. */
  readonly #apart = new Apart()
  readonly #codes: GlueCodes
  readonly #ledger: MemoryLedger
  /** What some app runs of: others of the same component share its text, its compiled modules and its code. */
  readonly #loaded = new Map<string, WeakRef<StoredComponent>>()
  #room = { atMs: -Infinity, is: true }
  /** Memories that this process can have, and those that it has. */
  #mostMemories: number | null = null
  #memoryCapBytes: number | null = null
  #memories = 0
  #isStopped = false

  constructor(needs: SandboxesNeeds) {
    this.#needs = needs
    this.#ledger = new MemoryLedger(needs.limits)
    const sparesOf = (isolation: Spared): Spares =>
      new Spares({
        clock: needs.clock,
        counts: this.starts,
        spawn: spawners[isolation],
        wanted: () => this.#sparesWanted(isolation),
      })
    this.#codes = new GlueCodes({
      limits: needs.limits,
      compiler: async () => (await needs.program()).glueCompiler,
    })
    this.#spares = { worker: sparesOf('worker'), process: sparesOf('process') }
  }

  get memory(): AppsMemory {
    return { appsBytes: this.#ledger.room.appsBytes, held: this.#ledger.held() }
  }

  async start(request: StartRequest): Promise<Sandbox> {
    return this.#startStored(request, await this.#load(request), this.#holderOf(request))
  }

  async open(request: StartRequest, changes: Partial<PoolShape>): Promise<AppPool> {
    const shape = { ...defaultShape, ...changes }
    // Read once: instances that come and go do not read the disk again.
    const stored = await this.#load(request)
    const isolation = (): Isolation => this.#isolationOf(request)
    const holder = this.#holderOf(request)
    // Said before anything of it is loaded.
    if (shape.min > 0 && !this.#ledger.fits(holder, isolation()))
      throw this.#ledger.refusal(holder, isolation())
    this.#pools.add(isolation)
    // Begun now, so that the first instance need not wait for it; where it fails, that one's start says so.
    if (isolation() !== 'process') void compiledModules(stored).catch(() => {})
    try {
      const pool = await InstancePool.open(
        {
          app: request.app,
          get isolation() {
            return isolation()
          },
          confinement: isolation() === 'process' ? await this.#confinementOf(request) : null,
          clock: this.#needs.clock,
          log: this.#needs.log.scope(request.app),
          start: () => this.#startStored(request, this.#codes.with(stored), holder),
          mayGrow: () => this.#hasRoom() && this.#ledger.fits(holder, isolation()),
          incident: (incident) => request.incident?.(incident),
        },
        shape,
      )
      void pool.ended.then(() => this.#pools.delete(isolation))
      const place = isolation()
      if (place !== 'shared') {
        // Neither is of use to the instance that is there already, so that both wait until it, and a node that starts,
        // have done what comes first.
        const program = await this.#needs.program()
        this.#needs.clock.after(afterOpeningMs, () => {
          if (this.#isStopped) return
          void this.#codes.make(stored)
          this.#spares[place].keep({ program, limits: this.#needs.limits })
        })
      }
      return pool
    } catch (error) {
      this.#pools.delete(isolation)
      throw error
    }
  }

  /** Starts one thread or process for an app that will come at once. @param thread one that was started before */
  async warm(isolation: Spared, thread?: IdleThread): Promise<void> {
    const program = await this.#needs.program()
    this.#spares[isolation].add({
      program,
      limits: this.#needs.limits,
      ...(thread !== undefined && { thread }),
    })
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all([
      ...[...this.#running].map((sandbox) => sandbox.stop()),
      ...Object.values(this.#spares).map((spares) => spares.stop()),
      this.#codes.stop(),
    ])
  }

  async #load({ app, prepared }: StartRequest): Promise<StoredComponent> {
    const known = this.#loaded.get(prepared.entry)?.deref()
    if (known !== undefined) return known
    const stored = await this.#needs.cache.load(prepared.entry)
    if (stored !== null) {
      for (const [entry, loaded] of this.#loaded) if (loaded.deref() === undefined) this.#loaded.delete(entry)
      this.#loaded.set(prepared.entry, new WeakRef(stored))
      return stored
    }
    throw engineProblems.error('ERR_CACHE_ENTRY', `the prepared form of ${app} is no longer in the cache`)
  }

  /** A start that keeps a shared thread from the others in it is made in one of its own, now and from now on. */
  async #startStored(request: StartRequest, stored: StoredComponent, holder: MemoryHolder): Promise<Sandbox> {
    const isolation = this.#isolationOf(request)
    try {
      return await this.#startIn(isolation, request, stored, holder)
    } catch (error) {
      const isSlow = error instanceof StartFailure && error.incident.reason === 'deadline'
      if (!isSlow || isolation !== 'shared') throw error
      this.#apart.add(request)
      const message = `${error.incident.message}; it runs in a thread of its own from now on`
      request.incident?.({ reason: 'deadline', message })
      this.#needs.log.scope(request.app).warn('sandbox:apart', { message })
      return this.#startIn('worker', request, stored, holder)
    }
  }

  async #startIn(
    isolation: Isolation,
    request: StartRequest,
    stored: StoredComponent,
    holder: MemoryHolder,
  ): Promise<Sandbox> {
    const { clock, limits, log } = this.#needs
    const program = await this.#needs.program()
    if (this.#isStopped) throw engineProblems.error('ERR_APP_STOPPED', 'the engine has stopped')
    const memories = isolation === 'process' ? 0 : stored.modules.filter(({ hasMemory }) => hasMemory).length
    this.#refuseBeyondAddresses(request.app, memories)
    // What was moved out of a shared thread takes as much as any other in one of its own.
    this.#ledger.take(holder, isolation)
    this.#memories += memories
    const sandbox = startSandbox(request, stored, {
      clock,
      limits,
      program,
      log: log.scope(request.app),
      link: this.#linkOf(isolation, request),
    })
    this.#running.add(sandbox)
    void sandbox.ended.then(() => {
      this.#running.delete(sandbox)
      this.#ledger.giveBack(holder, isolation)
      this.#memories -= memories
    })
    await sandbox.ready
    return sandbox
  }

  /** Better said beforehand than by V8, which takes the lack of addresses for one of memory and may end the process. */
  #refuseBeyondAddresses(app: string, memories: number): void {
    if (memories === 0) return
    this.#mostMemories ??= memoriesThatFit()
    if (this.#memories + memories <= this.#mostMemories) return
    throw engineProblems.error(
      'ERR_ADDRESS_SPACE',
      `${app} needs addresses for ${memories} more memories; those of this process hold ${this.#mostMemories}, and ${this.#memories} are there`,
    )
  }

  #holderOf(request: StartRequest): MemoryHolder {
    return this.#ledger.holder(request.app, request.memoryBytes, this.#isolationOf(request))
  }

  async #confinementOf({ world }: StartRequest): Promise<ConfinementKind> {
    const { sandboxProcess } = await this.#needs.program()
    return confinementFor(fileURLToPath(sandboxProcess), world?.preopens ?? []).kind
  }

  #isolationOf(request: StartRequest): Isolation {
    const { isolation = this.#needs.isolation, memoryBytes } = request
    if (isolation !== 'process' && this.#mustLeaveProcess(memoryBytes)) return 'process'
    return isolation === 'shared' && this.#apart.has(request) ? 'worker' : isolation
  }

  /** Where this process has no addresses for a single memory, and others can be told to do with fewer; or none for one so large. */
  #mustLeaveProcess(memoryBytes: number): boolean {
    this.#memoryCapBytes ??= memoryCapBytes()
    if (memoryBytes > this.#memoryCapBytes) return true
    this.#mostMemories ??= memoriesThatFit()
    return this.#mostMemories < 1 && addressFlags().length > 0
  }

  #linkOf(isolation: Isolation, { app, publisher }: StartRequest): LinkFactory {
    if (isolation !== 'shared') return (options) => this.#spares[isolation].take(options)
    return (options) => {
      this.starts.shared += 1
      return this.#shared.link(publisher ?? `app ${app}`, options)
    }
  }

  #sparesWanted(isolation: Isolation): number {
    const isUseful = [...this.#pools].some((isolationOf) => isolationOf() === isolation)
    return isUseful && this.#hasRoom() ? this.#needs.limits.spares : 0
  }

  /** Asked with every call of a pool, while reading what is free costs as much as a call. */
  #hasRoom(): boolean {
    const nowMs = this.#needs.clock.monotonicMs()
    if (nowMs - this.#room.atMs > roomFreshMs) {
      this.#room = { atMs: nowMs, is: availableMemoryBytes() > this.#needs.limits.reservedBytes }
    }
    return this.#room.is
  }
}
