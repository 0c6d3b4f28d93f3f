/**
 * The rules of a key-value store over rows, wherever those are: limits, the quota, versions, numbers. Synchronous,
 * as both memory and SQLite are; who must not wait for a disk runs it on a thread of its own.
 */
import type { KeyPage, StoreAmount, StoredValue, StoreUsage } from './contract.ts'
import { entryOverheadBytes, type KeyValueLimits } from './limits.ts'
import { storageProblems } from './problems.ts'

/** What a row is without its value. */
export interface RowFacts {
  readonly valueBytes: number
  readonly version: number
}

/** Where entries are kept. Ids count up and are not used again; writing a key that is there keeps its id. */
export interface Rows {
  find(bucket: string, key: string): RowFacts | undefined
  read(bucket: string, key: string): StoredValue | undefined
  write(bucket: string, key: string, value: Uint8Array, version: number): void
  remove(bucket: string, key: string): void
  /** In the order of ids, those above `afterId`. */
  page(
    bucket: string,
    afterId: number,
    count: number,
  ): readonly { readonly id: number; readonly key: string }[]
  /** Of all buckets; `version` is the highest ever used. */
  totals(): StoreUsage & { readonly version: number }
  /** Runs all of it or, where it throws, none. */
  transaction<Result>(run: () => Result): Result
  close(): void
}

const [leastNumber, mostNumber] = [-(2n ** 63n), 2n ** 63n - 1n]

export class KeyValueTable {
  readonly #rows: Rows
  readonly #limits: KeyValueLimits
  #allowed: StoreAmount
  #usage: StoreUsage
  #version: number

  constructor(rows: Rows, limits: KeyValueLimits) {
    this.#rows = rows
    this.#limits = limits
    this.#allowed = { bytes: limits.bytes, items: limits.keys }
    const { version, ...usage } = rows.totals()
    this.#usage = usage
    this.#version = version
  }

  /** What the app may hold from now on. What it holds stays: it may only not grow beyond. */
  allow(amount: StoreAmount): void {
    this.#allowed = amount
  }

  get(bucket: string, key: string): StoredValue | null {
    this.#checkKey(key)
    return this.#rows.read(bucket, key) ?? null
  }

  set(bucket: string, key: string, value: Uint8Array): void {
    this.setMany(bucket, [[key, value]])
  }

  delete(bucket: string, key: string): void {
    this.deleteMany(bucket, [key])
  }

  exists(bucket: string, key: string): boolean {
    return this.version(bucket, key) !== 0
  }

  version(bucket: string, key: string): number {
    this.#checkKey(key)
    return this.#rows.find(bucket, key)?.version ?? 0
  }

  keys(bucket: string, cursor: string | null): KeyPage {
    const afterId = cursor === null ? 0 : readCursor(cursor)
    // One more than a page tells whether there is a next one.
    const { pageKeys } = this.#limits
    const found = this.#rows.page(bucket, afterId, pageKeys + 1)
    const page = found.slice(0, pageKeys)
    const last = page.at(-1)
    return {
      keys: page.map(({ key }) => key),
      cursor: found.length > pageKeys && last !== undefined ? String(last.id) : null,
    }
  }

  increment(bucket: string, key: string, delta: bigint): bigint {
    this.#checkKey(key)
    return this.#atomically(() => {
      const present = this.#rows.read(bucket, key)
      const sum = (present === undefined ? 0n : readNumber(key, present.value)) + delta
      if (sum < leastNumber || sum > mostNumber)
        throw storageProblems.error('ERR_STORAGE_NUMBER', `${shown(key)} would leave the range of 64 bits`)
      this.#put(bucket, key, new TextEncoder().encode(String(sum)))
      return sum
    })
  }

  compareAndSwap(
    bucket: string,
    key: string,
    version: number,
    value: Uint8Array,
  ): { swapped: boolean; version: number } {
    this.#checkKey(key)
    return this.#atomically(() => {
      const present = this.version(bucket, key)
      if (present !== version) return { swapped: false, version: present }
      this.#put(bucket, key, value)
      return { swapped: true, version: this.#version }
    })
  }

  getMany(bucket: string, keys: readonly string[]): (Uint8Array | null)[] {
    this.#checkBatch(keys)
    let bytes = 0
    for (const key of keys) bytes += this.#rows.find(bucket, key)?.valueBytes ?? 0
    this.#checkBatchBytes(bytes)
    return keys.map((key) => this.#rows.read(bucket, key)?.value ?? null)
  }

  setMany(bucket: string, entries: readonly (readonly [string, Uint8Array])[]): void {
    this.#checkBatch(entries.map(([key]) => key))
    if (entries.length > 1) this.#checkBatchBytes(entries.reduce((sum, [, value]) => sum + value.length, 0))
    this.#atomically(() => {
      for (const [key, value] of entries) this.#put(bucket, key, value)
    })
  }

  deleteMany(bucket: string, keys: readonly string[]): void {
    this.#checkBatch(keys)
    this.#atomically(() => {
      for (const key of keys) {
        const present = this.#rows.find(bucket, key)
        if (present === undefined) continue
        this.#rows.remove(bucket, key)
        this.#count(-1, -sizeOf(key, present.valueBytes))
      }
    })
  }

  usage(): StoreUsage {
    return this.#usage
  }

  close(): void {
    this.#rows.close()
  }

  /** Inside a transaction. */
  #put(bucket: string, key: string, value: Uint8Array): void {
    const { valueBytes } = this.#limits
    const { items, bytes } = this.#allowed
    if (value.length > valueBytes) {
      throw tooLarge(`the value of ${shown(key)} has ${value.length} bytes, more than ${valueBytes}`)
    }
    const present = this.#rows.find(bucket, key)
    const added = present === undefined ? 1 : 0
    const growth = sizeOf(key, value.length) - (present === undefined ? 0 : sizeOf(key, present.valueBytes))
    if (added > 0 && this.#usage.keys >= items) {
      throw quota(`the app holds ${this.#usage.keys} keys; ${items} are its limit`)
    }
    // What makes an app smaller is let through, whatever it holds.
    if (growth > 0 && this.#usage.bytes + growth > bytes) {
      throw quota(
        `${shown(key)} does not fit: the app may hold ${bytes} bytes and holds ${this.#usage.bytes}`,
      )
    }
    this.#version += 1
    this.#rows.write(bucket, key, value, this.#version)
    this.#count(added, growth)
  }

  #count(keys: number, bytes: number): void {
    this.#usage = { keys: this.#usage.keys + keys, bytes: this.#usage.bytes + bytes }
  }

  #atomically<Result>(run: () => Result): Result {
    const before = this.#usage
    try {
      return this.#rows.transaction(run)
    } catch (error) {
      // The version is left as it is: a number too high does no harm, one used twice does.
      this.#usage = before
      throw error
    }
  }

  #checkKey(key: string): void {
    const { keyBytes } = this.#limits
    if (Buffer.byteLength(key) > keyBytes) throw tooLarge(`a key is longer than ${keyBytes} bytes`)
  }

  #checkBatch(keys: readonly string[]): void {
    const { batchEntries } = this.#limits
    if (keys.length > batchEntries)
      throw tooLarge(`a batch has ${keys.length} entries, more than ${batchEntries}`)
    for (const key of keys) this.#checkKey(key)
  }

  #checkBatchBytes(bytes: number): void {
    const { batchBytes } = this.#limits
    if (bytes > batchBytes)
      throw tooLarge(`the values of a batch have ${bytes} bytes, more than ${batchBytes}`)
  }
}

/** @returns what an entry counts for */
export function sizeOf(key: string, valueBytes: number): number {
  return Buffer.byteLength(key) + valueBytes + entryOverheadBytes
}

function readCursor(cursor: string): number {
  if (!/^\d{1,15}$/.test(cursor)) {
    throw storageProblems.error('ERR_STORAGE_CURSOR', `${shown(cursor)} is not a cursor of this store`)
  }
  return Number(cursor)
}

function readNumber(key: string, value: Uint8Array): bigint {
  const text = value.length > 20 ? '' : new TextDecoder().decode(value)
  if (!/^-?\d{1,19}$/.test(text)) {
    throw storageProblems.error('ERR_STORAGE_NUMBER', `${shown(key)} does not hold a decimal number`)
  }
  return BigInt(text)
}

function shown(key: string): string {
  return JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key)
}

const tooLarge = (message: string): Error => storageProblems.error('ERR_STORAGE_TOO_LARGE', message)
const quota = (message: string): Error => storageProblems.error('ERR_STORAGE_QUOTA', message)
