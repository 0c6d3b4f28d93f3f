/** A key-value store in one SQLite file, as the rest of the host sees it: each method is a request to the thread. */
import type {
  KeyPage,
  KeyValueStore,
  MeteredStore,
  StoreAmount,
  StoredValue,
  StoreUsage,
} from '../contract.ts'
import { storageProblems } from '../problems.ts'
import type { StorageMethod } from './protocol.ts'
import type { StorageThread } from './thread.ts'

export class SqliteStore implements KeyValueStore, MeteredStore {
  readonly #thread: StorageThread
  /** Made when it is needed: the folder may not be there yet. */
  readonly #path: () => Promise<string>
  #openedIn = -1
  #isClosed = false
  #allowed: StoreAmount | null = null
  #allowedIn = -1
  held: StoreAmount | null = null

  constructor(thread: StorageThread, path: () => Promise<string>) {
    this.#thread = thread
    this.#path = path
  }

  allow(amount: StoreAmount): void {
    this.#allowed = amount
    this.#allowedIn = -1
  }

  get(bucket: string, key: string): Promise<StoredValue | null> {
    return this.#ask('get', bucket, key)
  }

  set(bucket: string, key: string, value: Uint8Array): Promise<void> {
    return this.#ask('set', bucket, key, value)
  }

  delete(bucket: string, key: string): Promise<void> {
    return this.#ask('delete', bucket, key)
  }

  exists(bucket: string, key: string): Promise<boolean> {
    return this.#ask('exists', bucket, key)
  }

  version(bucket: string, key: string): Promise<number> {
    return this.#ask('version', bucket, key)
  }

  keys(bucket: string, cursor: string | null): Promise<KeyPage> {
    return this.#ask('keys', bucket, cursor)
  }

  increment(bucket: string, key: string, delta: bigint): Promise<bigint> {
    return this.#ask('increment', bucket, key, delta)
  }

  compareAndSwap(
    bucket: string,
    key: string,
    version: number,
    value: Uint8Array,
  ): Promise<{ swapped: boolean; version: number }> {
    return this.#ask('compareAndSwap', bucket, key, version, value)
  }

  getMany(bucket: string, keys: readonly string[]): Promise<readonly (Uint8Array | null)[]> {
    return this.#ask('getMany', bucket, keys)
  }

  setMany(bucket: string, entries: readonly (readonly [string, Uint8Array])[]): Promise<void> {
    return this.#ask('setMany', bucket, entries)
  }

  deleteMany(bucket: string, keys: readonly string[]): Promise<void> {
    return this.#ask('deleteMany', bucket, keys)
  }

  usage(): Promise<StoreUsage> {
    return this.#ask('usage')
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#openedIn === this.#thread.generation)
      await this.#thread.request(await this.#path(), 'close', [])
  }

  async #ask<Result>(method: StorageMethod, ...args: unknown[]): Promise<Result> {
    if (this.#isClosed) throw storageProblems.error('ERR_STORAGE_CLOSED', 'the store is closed')
    const path = await this.#path()
    if (this.#openedIn !== this.#thread.generation) {
      await this.#thread.request(path, 'open', [])
      this.#openedIn = this.#thread.generation
    }
    if (this.#allowed !== null && this.#allowedIn !== this.#thread.generation) {
      this.#allowedIn = this.#thread.generation
      await this.#thread.request(path, 'allow', [this.#allowed])
    }
    return (await this.#thread.request(path, method, args, (held) => (this.held = held))) as Result
  }
}
