/** A key-value store in memory, as the rest of the host sees it. */
import type {
  KeyPage,
  KeyValueStore,
  MeteredStore,
  StoreAmount,
  StoredValue,
  StoreUsage,
} from './contract.ts'
import { KeyValueTable } from './key-value-table.ts'
import { memoryKeyValueLimits, type KeyValueLimits } from './limits.ts'
import { MapRows } from './map-rows.ts'
import { storageProblems } from './problems.ts'

export class MemoryStore implements KeyValueStore, MeteredStore {
  readonly #table: KeyValueTable
  #isClosed = false

  constructor(limits: KeyValueLimits = memoryKeyValueLimits) {
    this.#table = new KeyValueTable(new MapRows(), limits)
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
    this.#open().set(bucket, key, value)
  }

  async delete(bucket: string, key: string): Promise<void> {
    this.#open().delete(bucket, key)
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
    return this.#open().increment(bucket, key, delta)
  }

  async compareAndSwap(
    bucket: string,
    key: string,
    version: number,
    value: Uint8Array,
  ): Promise<{ swapped: boolean; version: number }> {
    return this.#open().compareAndSwap(bucket, key, version, value)
  }

  async getMany(bucket: string, keys: readonly string[]): Promise<readonly (Uint8Array | null)[]> {
    return this.#open().getMany(bucket, keys)
  }

  async setMany(bucket: string, entries: readonly (readonly [string, Uint8Array])[]): Promise<void> {
    this.#open().setMany(bucket, entries)
  }

  async deleteMany(bucket: string, keys: readonly string[]): Promise<void> {
    this.#open().deleteMany(bucket, keys)
  }

  async usage(): Promise<StoreUsage> {
    return this.#open().usage()
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  #open(): KeyValueTable {
    if (this.#isClosed) throw storageProblems.error('ERR_STORAGE_CLOSED', 'the store is closed')
    return this.#table
  }
}
