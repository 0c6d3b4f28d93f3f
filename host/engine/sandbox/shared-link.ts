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
import { StartWatch } from './start-watch.ts'
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
  /** From its first batch until it takes calls, or cannot. */
  isStarting: boolean
  /** Set while it is asked to go. */
  letGo: (() => void) | null
}

class SharedThread {
  readonly #worker: Worker
  readonly #port: MessagePort
  readonly #cells: Int32Array
  readonly #tenants = new Map<number, Tenant>()
  readonly #onGone: () => void
  readonly #starts: StartWatch
  #added = 0
  #isOver = false
  /** Somebody left as another held it, and it has said nothing since. */
  #isHeldUp = false

  constructor({ program, limits }: LinkOptions, onGone: () => void) {
    this.#onGone = onGone
    this.#starts = new StartWatch({
      limitMs: limits.sharedStartMs,
      isNeeded: () => this.#tenants.size > 1 && [...this.#tenants.values()].some((one) => one.isStarting),
      turn: () => ({ number: Atomics.load(this.#cells, sharedCells.turns), holder: this.#holder }),
      tooLong: (holder) => this.#tooLong(holder, limits.sharedStartMs),
    })
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
    return !this.#isOver && !this.#isHeldUp && this.#tenants.size < maxTenants
  }

  add(events: LinkEvents): SandboxLink {
    const number = this.#freeNumber()
    Atomics.store(this.#cells, sharedCells.begunBy(number), 0)
    const tenant: Tenant = { events, isStarting: true, letGo: null }
    this.#tenants.set(number, tenant)
    this.#starts.begin()
    return {
      pid: null,
      sharesMemory: true,
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
    this.#isHeldUp = false
    const tenant = this.#tenants.get(sandbox)
    if (tenant === undefined) return
    if (batch === null) return tenant.letGo?.()
    if (tenant.letGo !== null) return
    const messages = unpackToHost(batch)
    if (tenant.isStarting)
      tenant.isStarting = !messages.some(({ t }) => t === 'ready' || t === 'start-failed')
    tenant.events.batch(messages)
  }

  /** Its node knows what else to do with it, which the others need not wait for. */
  #tooLong(holder: number, limitMs: number): void {
    const tenant = this.#tenants.get(holder)
    if (tenant === undefined || !tenant.isStarting || tenant.letGo !== null) return
    const others = this.#tenants.size - 1
    const message = `its start held the thread that it shares with ${others} more for ${limitMs} ms`
    tenant.events.ended('deadline', message)
  }

  /** One goes and the others stay, unless it is the one that does not let go of the thread. */
  async #leave(number: number, tenant: Tenant): Promise<void> {
    if (!this.#tenants.has(number)) return
    Atomics.store(this.#cells, sharedCells.leaving(number), number)
    const holder = this.#holder
    if (holder !== number && this.#tenants.has(holder)) {
      // Nothing of it runs, and nothing will: it need not wait for the other's turn to end, nor end that. Whoever
      // comes next, itself anew perhaps, had better not wait behind that either.
      this.#isHeldUp = true
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
    this.#starts.end()
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
