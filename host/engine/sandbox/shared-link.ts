/**
 * Sandboxes that share a thread, about a megabyte each where a thread of their own would take ten. The thread is the
 * unit of failure: a guest that does not let go of it takes its neighbours along, and they are told that it was not theirs.
 */
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import { messageOf } from '../../../core/index.ts'
import {
  cells,
  maxTenants,
  packToGuest,
  sharedCells,
  unpackToHost,
  type FromShared,
  type ToGuest,
  type ToShared,
} from '../../guest/index.ts'
import type { LinkEvents, LinkOptions, SandboxLink } from './link.ts'
import { compiledModules } from './thread-link.ts'

/** A thread that does not let go of a sandbox within this many ms is busy with it for good. */
const letGoMs = 100

export class SharedThreads {
  readonly #threads = new Map<string, SharedThread[]>()

  /** A sandbox in a thread of this publisher's. */
  link(publisher: string, options: LinkOptions): SandboxLink {
    const threads = this.#threads.get(publisher) ?? []
    let thread = threads.find(({ hasRoom }) => hasRoom)
    if (thread === undefined) {
      const made = new SharedThread(options, () => this.#gone(publisher, made))
      thread = made
      this.#threads.set(publisher, [...threads, made])
    }
    return thread.add(options.events)
  }

  #gone(publisher: string, thread: SharedThread): void {
    const left = (this.#threads.get(publisher) ?? []).filter((candidate) => candidate !== thread)
    if (left.length === 0) this.#threads.delete(publisher)
    else this.#threads.set(publisher, left)
  }
}

type EndReason = 'memory' | 'host-fault' | 'neighbour'

interface Guilty {
  readonly number: number
  readonly reason: EndReason
  readonly message: string
}

interface Tenant {
  readonly events: LinkEvents
  /** Set while it is asked to go. */
  letGo: (() => void) | null
}

class SharedThread {
  readonly #worker: Worker
  readonly #port: MessagePort
  readonly #cells: Int32Array
  readonly #tenants = new Map<number, Tenant>()
  readonly #onGone: () => void
  #added = 0
  #isOver = false

  constructor({ program, limits }: LinkOptions, onGone: () => void) {
    this.#onGone = onGone
    const channel = new MessageChannel()
    const shared = new SharedArrayBuffer(sharedCells.count * 4)
    this.#cells = new Int32Array(shared)
    this.#port = channel.port1
    this.#worker = new Worker(program.sandboxShared, {
      name: 'shared sandboxes',
      workerData: { port: channel.port2, shared },
      transferList: [channel.port2],
      env: {},
      argv: [],
      execArgv: [],
      stdin: false,
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: limits.sandboxHeapMb },
    })
    this.#port.on('message', (message: FromShared) => this.#onMessage(message))
    this.#port.unref()
    const print = (chunk: Buffer): void => {
      for (const { events } of this.#tenants.values()) events.printed(chunk.toString('utf8', 0, 1_000))
    }
    this.#worker.stdout.on('data', print)
    this.#worker.stderr.on('data', print)
    this.#worker.on('error', (error: NodeJS.ErrnoException) => {
      const memory = error.code === 'ERR_WORKER_OUT_OF_MEMORY'
      this.#failed(memory ? 'memory' : 'host-fault', `failed: ${messageOf(error)}`)
    })
    this.#worker.on('exit', (code) => this.#failed('host-fault', `ended with code ${code}`))
  }

  get hasRoom(): boolean {
    return !this.#isOver && this.#tenants.size < maxTenants
  }

  add(events: LinkEvents): SandboxLink {
    const number = this.#freeNumber()
    Atomics.store(this.#cells, sharedCells.begunBy(number), 0)
    const tenant: Tenant = { events, letGo: null }
    this.#tenants.set(number, tenant)
    return {
      pid: null,
      send: (batch: readonly ToGuest[]) => this.#send({ sandbox: number, batch: packToGuest(batch) }),
      modulesOf: compiledModules,
      begun: () => Atomics.load(this.#cells, sharedCells.begunBy(number)),
      isHeldUp: () => this.#holder !== 0 && this.#holder !== number,
      terminate: () => this.#leave(number, tenant),
    }
  }

  /** One that was never used, whose cells no other tenant's number shares. */
  #freeNumber(): number {
    const slots = new Set([...this.#tenants.keys()].map((number) => number % maxTenants))
    let slot = 0
    while (slots.has(slot)) slot += 1
    this.#added += 1
    return this.#added * maxTenants + slot
  }

  /** The number of the sandbox that has the thread, or 0. */
  get #holder(): number {
    return Atomics.load(this.#cells, sharedCells.held)
  }

  #send(message: ToShared): void {
    this.#port.postMessage(message)
    Atomics.add(this.#cells, cells.batches, 1)
    Atomics.notify(this.#cells, cells.batches)
  }

  #onMessage({ sandbox, batch }: FromShared): void {
    const tenant = this.#tenants.get(sandbox)
    if (tenant === undefined) return
    if (batch === null) return tenant.letGo?.()
    if (tenant.letGo === null) tenant.events.batch(unpackToHost(batch))
  }

  /** One goes and the others stay, unless it is the one that does not let go of the thread. */
  async #leave(number: number, tenant: Tenant): Promise<void> {
    if (!this.#tenants.has(number)) return
    Atomics.store(this.#cells, sharedCells.leaving(number), number)
    const holder = this.#holder
    if (holder !== number && this.#tenants.has(holder)) {
      // Nothing of it runs, and nothing will: it need not wait for the other's turn to end, nor end that.
      this.#send({ sandbox: number, batch: null })
      this.#tenants.delete(number)
      return
    }
    const hasLetGo = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), letGoMs)
      tenant.letGo = () => {
        clearTimeout(timer)
        resolve(true)
      }
      this.#send({ sandbox: number, batch: null })
    })
    this.#tenants.delete(number)
    if (hasLetGo && this.#tenants.size > 0) return
    this.#end(
      'neighbour',
      'another app did not let go of the thread that it shares, which was ended for that',
    )
    await this.#worker.terminate()
  }

  /**
   * The thread is gone, and who had it then is asked for it: of a heap that ran full nobody can say more, as V8 does
   * not keep apart whose objects are whose. Where nobody had it, each of them may have been the one.
   */
  #failed(reason: 'memory' | 'host-fault', what: string): void {
    const count = this.#tenants.size
    if (count <= 1) return this.#end(reason, `the thread it shares ${what}`)
    const holder = this.#holder
    const thread = `the thread that ${count} apps share ${what}`
    if (!this.#tenants.has(holder)) return this.#end(reason, `${thread}; which one caused it is not known`)
    this.#end('neighbour', `${thread}, while another one ran`, {
      number: holder,
      reason,
      message: `${thread}, while it ran; whether it alone caused it is not known`,
    })
  }

  /** @param guilty the one that is told otherwise */
  #end(reason: EndReason, message: string, guilty: Guilty | null = null): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#onGone()
    this.#port.close()
    const tenants = [...this.#tenants]
    this.#tenants.clear()
    for (const [number, { events, letGo }] of tenants) {
      letGo?.()
      if (number === guilty?.number) events.ended(guilty.reason, guilty.message)
      else events.ended(reason, message)
    }
  }
}
