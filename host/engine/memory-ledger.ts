/**
 * Who has how much of the memory that this node has for apps. Pure: what does not fit is said with all the numbers.
 *
 * An instance counts with the memory that its release allows it, as it may take that at any moment, and with the thread
 * or process that it runs in. While an app is swapped its old instances and its new ones are there together; of these the
 * larger ones count, so that a node whose room is taken can still update what it runs.
 */
import type { SelvedgeError } from '../../core/index.ts'
import { sandboxBytes } from '../budget/index.ts'
import type { AppSize, Isolation } from './contract.ts'
import { engineProblems } from './problems.ts'

const mib = 1024 * 1024

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

/** Instances of one release of an app, which come and go together, and need not all run in the same kind of place. */
export class MemoryHolder {
  readonly app: string
  readonly isolation: Isolation
  /** Of all its instances. */
  bytes = 0
  instances = 0
  readonly #memoryBytes: number

  constructor(app: string, memoryBytes: number, isolation: Isolation) {
    this.app = app
    this.isolation = isolation
    this.#memoryBytes = memoryBytes
  }

  instanceBytes(isolation: Isolation = this.isolation): number {
    return this.#memoryBytes + sandboxBytes[isolation]
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
    return new MemoryHolder(app, memoryBytes, isolation)
  }

  /** Whether one more instance fits. @param isolation where it runs, the holder's own unless given */
  fits(holder: MemoryHolder, isolation: Isolation = holder.isolation): boolean {
    return this.#leftFor(holder) >= holder.bytes + holder.instanceBytes(isolation)
  }

  /** One more instance. @throws ERR_MEMORY_BUDGET where it does not fit */
  take(holder: MemoryHolder, isolation: Isolation = holder.isolation): void {
    if (!this.fits(holder, isolation)) throw this.refusal(holder, isolation)
    holder.instances += 1
    holder.bytes += holder.instanceBytes(isolation)
    const holders = this.#holders.get(holder.app) ?? new Set()
    this.#holders.set(holder.app, holders.add(holder))
    this.#count(holder.app)
  }

  /** One of its instances has ended, which was taken for this isolation. */
  giveBack(holder: MemoryHolder, isolation: Isolation = holder.isolation): void {
    holder.instances = Math.max(0, holder.instances - 1)
    holder.bytes = holder.instances === 0 ? 0 : holder.bytes - holder.instanceBytes(isolation)
    const holders = this.#holders.get(holder.app)
    if (holder.instances === 0) holders?.delete(holder)
    if (holders?.size === 0) this.#holders.delete(holder.app)
    this.#count(holder.app)
  }

  /** Why one more instance does not fit: what it needs, what is left, and who has the rest. */
  refusal(holder: MemoryHolder, isolation: Isolation = holder.isolation): SelvedgeError {
    const { appsBytes, budgetBytes } = this.room
    const others = this.held().filter(({ app }) => app !== holder.app)
    const left = Math.max(0, this.#leftFor(holder) - holder.bytes)
    const named = others.slice(0, maxNamed).map(({ app, bytes }) => `${app} (${sizeText(bytes)})`)
    const more = others.length > maxNamed ? [`${others.length - maxNamed} others`] : []
    const used = others.length === 0 ? '' : `, used by ${[...named, ...more].join(', ')}`
    return engineProblems.error(
      'ERR_MEMORY_BUDGET',
      `${holder.app} needs ${sizeText(holder.instanceBytes(isolation))}; this node has ${sizeText(left)} left of the ` +
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
 * Whether an app could not even have the node to itself: nothing that ends would make it fit. Counts as `memoryOf` in
 * host/fit does, but for what asks for a shared thread: that is placed only where a thread of its own would fit.
 * @returns ERR_MEMORY_BUDGET, or null
 */
export function refusalOfSize(
  room: MemoryRoom,
  app: string,
  { memoryBytes, isolation = 'worker', instances = 1 }: AppSize,
): SelvedgeError | null {
  const overhead = sandboxBytes[isolation]
  const needed = Math.max(1, instances) * (memoryBytes + overhead)
  if (needed <= room.appsBytes) return null
  const ledger = new MemoryLedger(room)
  return ledger.refusal(ledger.holder(app, needed - overhead, isolation))
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
