/**
 * Who has how much of the memory that this node has for apps. Pure: what does not fit is said with all the numbers.
 *
 * An instance counts with the memory that its release allows it, as it may take that at any moment, and with the thread
 * or process that it runs in. While an app is swapped its old instances and its new ones are there together; of these the
 * larger ones count, so that a node whose room is taken can still update what it runs.
 */
import type { SelvedgeError } from '../../core/index.ts'
import type { Isolation } from './contract.ts'
import { engineProblems } from './problems.ts'

const mib = 1024 * 1024

/** What an instance takes beside its memory: measured 9 to 12 MB for a thread or a process, 1 MB in a shared thread. */
export const sandboxBytes: Readonly<Record<Isolation, number>> = {
  worker: 10 * mib,
  process: 12 * mib,
  shared: 1 * mib,
}

export interface MemoryRoom {
  /** For apps together, bytes. */
  readonly appsBytes: number
  /** The whole budget, of which that is a part; for messages. */
  readonly budgetBytes: number
}

export interface AppMemory {
  readonly app: string
  readonly bytes: number
}

/** Instances of one release of an app, which come and go together. */
export class MemoryHolder {
  readonly app: string
  readonly instanceBytes: number
  instances = 0

  constructor(app: string, instanceBytes: number) {
    this.app = app
    this.instanceBytes = instanceBytes
  }

  get bytes(): number {
    return this.instances * this.instanceBytes
  }
}

/** Apps named in a refusal; the rest is counted. */
const maxNamed = 5

export class MemoryLedger {
  readonly room: MemoryRoom
  readonly #holders = new Map<string, Set<MemoryHolder>>()
  /** By app, and of all together: asked with every call of a pool. */
  readonly #bytes = new Map<string, number>()
  #sum = 0

  constructor(room: MemoryRoom) {
    this.room = room
  }

  /** What the apps have, the most first. */
  held(): AppMemory[] {
    return [...this.#bytes]
      .map(([app, bytes]) => ({ app, bytes }))
      .sort((a, b) => b.bytes - a.bytes || (a.app < b.app ? -1 : 1))
  }

  /** Instances of a release to come, of which there are none yet. */
  holder(app: string, memoryBytes: number, isolation: Isolation): MemoryHolder {
    return new MemoryHolder(app, memoryBytes + sandboxBytes[isolation])
  }

  /** Whether one more instance fits. */
  fits(holder: MemoryHolder): boolean {
    return this.#leftFor(holder) >= holder.bytes + holder.instanceBytes
  }

  /** One more instance. @throws ERR_MEMORY_BUDGET where it does not fit */
  take(holder: MemoryHolder): void {
    if (!this.fits(holder)) throw this.refusal(holder)
    holder.instances += 1
    const holders = this.#holders.get(holder.app) ?? new Set()
    this.#holders.set(holder.app, holders.add(holder))
    this.#count(holder.app)
  }

  /** One of its instances has ended. */
  giveBack(holder: MemoryHolder): void {
    holder.instances = Math.max(0, holder.instances - 1)
    const holders = this.#holders.get(holder.app)
    if (holder.instances === 0) holders?.delete(holder)
    if (holders?.size === 0) this.#holders.delete(holder.app)
    this.#count(holder.app)
  }

  /** Why one more instance does not fit: what it needs, what is left, and who has the rest. */
  refusal(holder: MemoryHolder): SelvedgeError {
    const { appsBytes, budgetBytes } = this.room
    const others = this.held().filter(({ app }) => app !== holder.app)
    const left = Math.max(0, this.#leftFor(holder) - holder.bytes)
    const named = others.slice(0, maxNamed).map(({ app, bytes }) => `${app} (${sizeText(bytes)})`)
    const more = others.length > maxNamed ? [`${others.length - maxNamed} others`] : []
    const used = others.length === 0 ? '' : `, used by ${[...named, ...more].join(', ')}`
    return engineProblems.error(
      'ERR_MEMORY_BUDGET',
      `${holder.app} needs ${sizeText(holder.instanceBytes)}; this node has ${sizeText(left)} left of the ` +
        `${sizeText(appsBytes)} that are for apps in its ${sizeText(budgetBytes)} of memory${used}`,
    )
  }

  /** What the other apps leave. */
  #leftFor({ app }: MemoryHolder): number {
    return this.room.appsBytes - (this.#sum - (this.#bytes.get(app) ?? 0))
  }

  /** Of the releases of one app the larger counts. */
  #count(app: string): void {
    const before = this.#bytes.get(app) ?? 0
    const bytes = Math.max(0, ...[...(this.#holders.get(app) ?? [])].map((holder) => holder.bytes))
    if (bytes === 0) this.#bytes.delete(app)
    else this.#bytes.set(app, bytes)
    this.#sum += bytes - before
  }
}

/**
 * Whether an app could not even have the node to itself: nothing that ends would make it fit.
 * @returns ERR_MEMORY_BUDGET, or null
 */
export function refusalOfSize(room: MemoryRoom, app: string, memoryBytes: number): SelvedgeError | null {
  const needed = memoryBytes + sandboxBytes.shared
  return needed <= room.appsBytes ? null : new MemoryLedger(room).refusal(new MemoryHolder(app, needed))
}

/** The largest `memory` under `[limits]` of an app that could run here, bytes, with nothing beside it. */
export function largestAppBytes(room: MemoryRoom): number {
  return Math.max(0, room.appsBytes - sandboxBytes.worker)
}

function sizeText(bytes: number): string {
  if (!Number.isFinite(bytes)) return 'all'
  const size = bytes / mib
  return `${size < 10 && !Number.isInteger(size) ? size.toFixed(1) : Math.floor(size)} MiB`
}
