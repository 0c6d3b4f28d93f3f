/**
 * What is put into a queue until it is on the disk: which of it is new, whether it fits, what has to go for it, and the
 * ids it gets.
 */
import type { Clock } from '../../core/index.ts'
import type { NewItem, QueueLimits } from './contract.ts'
import { rememberedNames, type QueueContents } from './file.ts'
import type { Ledger, QueueRow } from './ledger.ts'
import { RememberedNames } from './names.ts'
import { queueProblems } from './problems.ts'

/** Of one transaction, so that a burst does not hold up everybody else at the disk. */
const changesAtOnce = 1_024
/** What an item costs beside its bytes. */
const itemOverheadBytes = 64

export interface Put {
  readonly items: readonly NewItem[]
  resolve(): void
  reject(error: unknown): void
}

/** Of a put, on its way to the disk. */
export interface Arrival {
  readonly row: QueueRow
  readonly body: Uint8Array
  readonly waitMs: number
}

/** For one transaction. */
export interface Admitted {
  readonly puts: readonly Put[]
  readonly arrivals: readonly Arrival[]
  /** Taken out of the ledger for them. */
  readonly dropped: readonly QueueRow[]
}

export class Admission {
  readonly #clock: Clock
  readonly #limits: QueueLimits
  readonly #ledger: Ledger
  readonly #seen: RememberedNames
  readonly #puts: Put[] = []
  /** Of all puts that wait. */
  #pendingItems = 0
  #lastId: number
  #duplicates = 0

  constructor(clock: Clock, limits: QueueLimits, ledger: Ledger, { rows, lastId, seen }: QueueContents) {
    this.#clock = clock
    this.#limits = limits
    this.#ledger = ledger
    this.#lastId = lastId
    // Those of items that are here are always known: there are never more of them than `items`.
    this.#seen = new RememberedNames(rememberedNames + limits.items, limits.sourceOf)
    for (const name of seen) this.#seen.add(name)
    for (const { unique } of rows) if (unique !== null) this.#seen.add(unique)
  }

  get isEmpty(): boolean {
    return this.#puts.length === 0
  }

  get duplicates(): number {
    return this.#duplicates
  }

  /** @throws ERR_QUEUE_TOO_LARGE, ERR_QUEUE_FULL */
  push(put: Put): void {
    const { items } = put
    for (const item of items) this.#checkSize(item)
    // A disk that hangs must not fill the memory.
    if (this.#pendingItems + items.length > this.#limits.items) throw this.#full(items.length)
    this.#pendingItems += items.length
    this.#puts.push(put)
  }

  /** Those puts that fit, and what had to go for them; those that do not fit are told so. */
  admit(): Admitted {
    const puts: Put[] = []
    const arrivals: Arrival[] = []
    let bytes = 0
    let drops: readonly number[] = []
    while (arrivals.length < changesAtOnce) {
      const put = this.#puts[0]
      if (put === undefined) break
      const fresh = this.#freshOf(put.items)
      const putBytes = fresh.reduce((sum, item) => sum + sizeOf(item), 0)
      const room = this.#ledger.roomFor(
        arrivals.length + fresh.length,
        bytes + putBytes,
        this.#sourceOf(fresh),
      )
      // Alone it may fit; what of it is new is told then.
      if (room === null && arrivals.length > 0) break
      this.#puts.shift()
      this.#pendingItems -= put.items.length
      if (room === null) {
        put.reject(this.#full(fresh.length))
        continue
      }
      this.#duplicates += put.items.length - fresh.length
      drops = room
      bytes += putBytes
      puts.push(put)
      for (const item of fresh) {
        if (item.unique !== undefined) this.#seen.add(item.unique)
        arrivals.push({ row: this.#rowOf(item), body: item.body, waitMs: item.notBeforeMs ?? 0 })
      }
    }
    return { puts, arrivals, dropped: drops.flatMap((id) => this.#ledger.remove(id) ?? []) }
  }

  /** They could not be written, and may be put again. */
  refused({ arrivals, dropped }: Admitted): void {
    for (const row of dropped) this.#ledger.add(row, 0)
    for (const { row } of arrivals) if (row.unique !== null) this.#seen.delete(row.unique)
  }

  /** Of all of one put, which is one source's. */
  #sourceOf([first]: readonly NewItem[]): string | null {
    return first?.unique === undefined ? null : (this.#limits.sourceOf?.(first.unique) ?? null)
  }

  /** Without those that were put before, here or in the same put. */
  #freshOf(items: readonly NewItem[]): NewItem[] {
    const here = new Set<string>()
    return items.filter(({ unique }) => {
      if (unique === undefined) return true
      if (this.#seen.has(unique) || here.has(unique)) return false
      here.add(unique)
      return true
    })
  }

  /** @returns names that are remembered no longer, for the file */
  trimSeen(): string[] {
    return this.#seen.trim()
  }

  #checkSize(item: NewItem): void {
    const size = sizeOf(item)
    const { itemBytes } = this.#limits
    if (size <= itemBytes) return
    const message = `an item of ${size} bytes; the queue takes at most ${itemBytes} bytes in one`
    throw queueProblems.error('ERR_QUEUE_TOO_LARGE', message)
  }

  #full(items: number): Error {
    const { waiting, taken, bytes } = this.#ledger.counts
    const message = `${items} more do not fit into the queue: it holds ${waiting + taken} items and ${bytes} bytes`
    return queueProblems.error('ERR_QUEUE_FULL', message)
  }

  #rowOf(item: NewItem): QueueRow {
    this.#lastId += 1
    return {
      id: this.#lastId,
      lane: item.lane ?? '',
      key: item.key,
      unique: item.unique ?? null,
      sizeBytes: sizeOf(item),
      addedMs: Math.max(0, Math.floor(this.#clock.now())),
      attempts: 0,
      lastError: null,
      diedMs: null,
    }
  }
}

function sizeOf({ body, key, lane = '', unique = '' }: NewItem): number {
  const names = Buffer.byteLength(key ?? '') + Buffer.byteLength(lane) + Buffer.byteLength(unique)
  return body.length + names + itemOverheadBytes
}
