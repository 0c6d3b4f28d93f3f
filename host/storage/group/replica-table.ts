/**
 * A group's key-value store on one node: the rules of every store (limits, quota, versions, swaps), over a replica that
 * other nodes write too. Each is done at a time that the caller knows, as the thread that it runs on knows no group.
 */
import type { Random } from '../../../core/index.ts'
import type { KeyChanges, KeyPage, StoreAmount, StoredValue, StoreUsage } from '../contract.ts'
import { sizeOf } from '../key-value-table.ts'
import type { KeyValueLimits } from '../limits.ts'
import { storageProblems } from '../problems.ts'
import type { Batch, MergeOutcome, Position, ReplicaState, VisibleChange } from './batch.ts'
import type { EntryRows } from './entry-rows.ts'
import { numberIn } from './entry.ts'
import { Replica, type GroupTime, type Stable } from './replica.ts'
import type { Vector } from './vector.ts'

/** What comes from others is taken up to so many times what the app may hold itself: each of them may hold as much. */
const overQuota = 4
const [leastNumber, mostNumber] = [-(2n ** 63n), 2n ** 63n - 1n]

export class ReplicaTable {
  readonly #replica: Replica
  readonly #limits: KeyValueLimits
  #allowed: StoreAmount
  #changes: VisibleChange[] = []

  constructor(rows: EntryRows, limits: KeyValueLimits, node: string, random: Random) {
    this.#replica = new Replica(rows, node, random)
    this.#limits = limits
    this.#allowed = { bytes: limits.bytes, items: limits.keys }
  }

  allow(amount: StoreAmount): void {
    this.#allowed = amount
  }

  /** What time it is for what is done next. */
  setTime(time: GroupTime): void {
    this.#replica.time = time
  }

  get(bucket: string, key: string): StoredValue | null {
    this.#checkKey(key)
    return this.#replica.read(bucket, key)
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
    return this.#replica.find(bucket, key)?.version ?? 0
  }

  keys(bucket: string, cursor: string | null): KeyPage {
    const { pageKeys } = this.#limits
    // One more than a page tells whether there is a next one.
    const found = this.#replica.page(bucket, cursor === null ? 0 : readCursor(cursor), pageKeys + 1)
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
      const present = this.#replica.read(bucket, key)
      const number = present === null ? 0n : numberIn(present.value)
      if (number === null) throw notANumber(`${shown(key)} does not hold a decimal number`)
      const sum = number + delta
      if (sum < leastNumber || sum > mostNumber)
        throw notANumber(`${shown(key)} would leave the range of 64 bits`)
      this.#checkRoom(bucket, key, String(sum).length)
      this.#changed(bucket, key, this.#replica.count(bucket, key, delta), 'set')
      return sum
    })
  }

  /** Between those who ask this node: what other nodes write meanwhile is not seen. */
  compareAndSwap(
    bucket: string,
    key: string,
    version: number,
    value: Uint8Array,
  ): { swapped: boolean; version: number } {
    return this.#atomically(() => {
      const present = this.version(bucket, key)
      if (present !== version) return { swapped: false, version: present }
      return { swapped: true, version: this.#put(bucket, key, value) }
    })
  }

  getMany(bucket: string, keys: readonly string[]): (Uint8Array | null)[] {
    this.#checkBatch(keys)
    let bytes = 0
    for (const key of keys) bytes += this.#replica.find(bucket, key)?.valueBytes ?? 0
    this.#checkBatchBytes(bytes)
    return keys.map((key) => this.#replica.read(bucket, key)?.value ?? null)
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
        if (this.#replica.find(bucket, key) === null) continue
        this.#changed(bucket, key, this.#replica.write(bucket, key, null), 'delete')
      }
    })
  }

  usage(): StoreUsage {
    const { keys, bytes } = this.#replica.totals()
    return { keys, bytes }
  }

  /** What a reader sees otherwise since it was last asked, oldest first. */
  takeChanges(): VisibleChange[] {
    const changes = this.#changes
    this.#changes = []
    return changes
  }

  state(): ReplicaState & { readonly dead: number } {
    return { ...this.#replica.state(), dead: this.#replica.totals().dead }
  }

  changesAfter(after: Vector, maxBytes: number): Batch {
    return this.#replica.changes(after, maxBytes)
  }

  range(after: Position | null, maxBytes: number): Batch {
    return this.#replica.range(after, maxBytes)
  }

  fresh(): Batch | null {
    return this.#replica.fresh()
  }

  /** @returns null where nothing was taken, as it would be more than may be held */
  merge(batch: Batch): MergeOutcome | null {
    const outcome = this.#replica.merge(batch, overQuota * this.#allowed.bytes)
    this.#changes.push(...(outcome?.changed ?? []))
    return outcome
  }

  advance(vector: Vector, collected: Vector): void {
    this.#replica.advance(vector, collected)
  }

  /** @returns how many deletions were forgotten */
  collect(stable: Stable): number {
    return this.#replica.collect(stable, this.#limits.keys)
  }

  follow(reader: string): number {
    return this.#atomically(() => this.#replica.readers.follow(reader, this.#replica.version))
  }

  changes(bucket: string, after: number, limit: number): KeyChanges {
    return this.#replica.readers.changes(bucket, after, limit, this.#replica.version)
  }

  advanceReader(reader: string, version: number): void {
    this.#atomically(() => this.#replica.readers.advance(reader, Math.min(version, this.#replica.version)))
  }

  forgetReader(reader: string): void {
    this.#atomically(() => this.#replica.readers.forget(reader))
  }

  fact(name: string): string | null {
    return this.#replica.fact(name)
  }

  setFact(name: string, value: string): void {
    this.#replica.setFact(name, value)
  }

  /** The file alone is the store afterwards. */
  flush(): void {
    this.#replica.flush()
  }

  close(): void {
    this.#replica.close()
  }

  /** Inside a transaction. */
  #put(bucket: string, key: string, value: Uint8Array): number {
    const { valueBytes } = this.#limits
    this.#checkKey(key)
    if (value.length > valueBytes) {
      throw tooLarge(`the value of ${shown(key)} has ${value.length} bytes, more than ${valueBytes}`)
    }
    this.#checkRoom(bucket, key, value.length)
    const version = this.#replica.write(bucket, key, value)
    this.#changed(bucket, key, version, 'set')
    return version
  }

  #checkRoom(bucket: string, key: string, valueBytes: number): void {
    const present = this.#replica.find(bucket, key)
    const { items, bytes } = this.#allowed
    const held = this.#replica.totals()
    const growth = sizeOf(key, valueBytes) - (present === null ? 0 : sizeOf(key, present.valueBytes))
    if (present === null && held.keys >= items)
      throw quota(`the app holds ${held.keys} keys; ${items} are its limit`)
    // What makes an app smaller is let through, whatever it holds.
    if (growth > 0 && held.bytes + growth > bytes) {
      throw quota(`${shown(key)} does not fit: the app may hold ${bytes} bytes and holds ${held.bytes}`)
    }
  }

  #changed(bucket: string, key: string, version: number, kind: VisibleChange['kind']): void {
    this.#changes.push({ bucket, key, version, kind })
  }

  #atomically<Result>(run: () => Result): Result {
    const before = this.#changes.length
    try {
      return this.#replica.transaction(run)
    } catch (error) {
      this.#changes.length = before
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

function readCursor(cursor: string): number {
  if (!/^\d{1,15}$/.test(cursor)) {
    throw storageProblems.error('ERR_STORAGE_CURSOR', `${shown(cursor)} is not a cursor of this store`)
  }
  return Number(cursor)
}

function shown(key: string): string {
  return JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key)
}

const tooLarge = (message: string): Error => storageProblems.error('ERR_STORAGE_TOO_LARGE', message)
const quota = (message: string): Error => storageProblems.error('ERR_STORAGE_QUOTA', message)
const notANumber = (message: string): Error => storageProblems.error('ERR_STORAGE_NUMBER', message)
