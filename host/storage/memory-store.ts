/** A key-value store in memory, as the rest of the host sees it. */
import { systemClock, type Cancel, type Clock } from '../../core/index.ts'
import type {
  ChangeFeed,
  KeyChange,
  KeyPage,
  KeyValueStore,
  MeteredStore,
  StoreAmount,
  StoredValue,
  StoreUsage,
} from './contract.ts'
import { KeyValueTable } from './key-value-table.ts'
import { memoryKeyValueLimits, type KeyValueLimits } from './limits.ts'
import { Listeners } from './listeners.ts'
import { MapRows } from './map-rows.ts'
import { storageProblems } from './problems.ts'
import { forEver, type LifeOf } from './time-to-live.ts'

export class MemoryStore implements KeyValueStore, MeteredStore {
  readonly #table: KeyValueTable
  readonly #listeners = new Listeners<KeyChange>()
  #isClosed = false

  constructor(
    limits: KeyValueLimits = memoryKeyValueLimits,
    lifeOf: LifeOf = forEver,
    time: Pick<Clock, 'now' | 'monotonicMs'> = systemClock,
  ) {
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

  async get(bucket: string, key: string): Promise<StoredValue | null> {
    return this.#open().get(bucket, key)
  }

  async set(bucket: string, key: string, value: Uint8Array): Promise<void> {
    return this.#changing((table) => table.set(bucket, key, value))
  }

  async delete(bucket: string, key: string): Promise<void> {
    return this.#changing((table) => table.delete(bucket, key))
  }

  async exists(bucket: string, key: string): Promise<boolean> {
    return this.#open().exists(bucket, key)
  }

  async version(bucket: string, key: string): Promise<number> {
    return this.#open().version(bucket, key)
  }

  async keys(bucket: string, cursor: string | null): Promise<KeyPage> {
    return this.#open().keys(bucket, cursor)
  }

  async increment(bucket: string, key: string, delta: bigint): Promise<bigint> {
    return this.#changing((table) => table.increment(bucket, key, delta))
  }

  async compareAndSwap(
    bucket: string,
    key: string,
    version: number,
    value: Uint8Array,
  ): Promise<{ swapped: boolean; version: number }> {
    return this.#changing((table) => table.compareAndSwap(bucket, key, version, value))
  }

  async getMany(bucket: string, keys: readonly string[]): Promise<readonly (Uint8Array | null)[]> {
    return this.#open().getMany(bucket, keys)
  }

  async setMany(bucket: string, entries: readonly (readonly [string, Uint8Array])[]): Promise<void> {
    return this.#changing((table) => table.setMany(bucket, entries))
  }

  async deleteMany(bucket: string, keys: readonly string[]): Promise<void> {
    return this.#changing((table) => table.deleteMany(bucket, keys))
  }

  async usage(): Promise<StoreUsage> {
    return this.#open().usage()
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  #changing<Result>(change: (table: KeyValueTable) => Result): Result {
    const table = this.#open()
    const result = change(table)
    this.#listeners.tell(table.takeChanges())
    return result
  }

  #open(): KeyValueTable {
    if (this.#isClosed) throw storageProblems.error('ERR_STORAGE_CLOSED', 'the store is closed')
    return this.#table
  }
}
