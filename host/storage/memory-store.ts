/** A key-value store in memory, as the rest of the host sees it. */
import { systemClock, type Cancel, type Clock } from '../../core/index.ts'
import { AskedEntries, type EntryMethod } from './asked-entries.ts'
import type { ChangeFeed, KeyChange, KeyValueStore, MeteredStore, StoreAmount } from './contract.ts'
import { KeyValueTable } from './key-value-table.ts'
import { memoryKeyValueLimits, type KeyValueLimits } from './limits.ts'
import { Listeners } from './listeners.ts'
import { MapRows } from './map-rows.ts'
import { storageProblems } from './problems.ts'
import { forEver, type LifeOf } from './time-to-live.ts'

export class MemoryStore extends AskedEntries implements KeyValueStore, MeteredStore {
  readonly #table: KeyValueTable
  readonly #listeners = new Listeners<KeyChange>()
  #isClosed = false

  constructor(
    limits: KeyValueLimits = memoryKeyValueLimits,
    lifeOf: LifeOf = forEver,
    time: Pick<Clock, 'now' | 'monotonicMs'> = systemClock,
  ) {
    super()
    this.#table = new KeyValueTable(new MapRows(), limits, { time, lifeOf })
    this.#table.watch()
  }

  onChange(listener: (change: KeyChange) => void): Cancel {
    return this.#listeners.add(listener)
  }

  readonly feed: ChangeFeed = {
    follow: async (reader) => this.#open().follow(reader),
    changes: async (bucket, after, limit) => this.#open().changes(bucket, after, limit),
    advance: async (reader, version) => this.#open().advance(reader, version),
    forget: async (reader) => this.#open().forget(reader),
  }

  allow(amount: StoreAmount): void {
    this.#table.allow(amount)
  }

  get held(): StoreAmount {
    const { keys, bytes } = this.#table.usage()
    return { items: keys, bytes }
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  protected async ask<Result>(method: EntryMethod, ...args: unknown[]): Promise<Result> {
    const table = this.#open()
    const result = (table[method] as (...args: unknown[]) => unknown).apply(table, args)
    this.#listeners.tell(table.takeChanges())
    return result as Result
  }

  #open(): KeyValueTable {
    if (this.#isClosed) throw storageProblems.error('ERR_STORAGE_CLOSED', 'the store is closed')
    return this.#table
  }
}
