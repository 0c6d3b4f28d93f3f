/**
 * The rules of a key-value store over rows, wherever those are: limits, the quota, versions, numbers, lifetimes, and what
 * changed. Synchronous, as both memory and SQLite are; who must not wait for a disk runs it on a thread of its own.
 */
import { AgeClock, type TimeSource } from './age-clock.ts'
import type { KeyChange, KeyChanges, KeyPage, StoreAmount, StoredValue, StoreUsage } from './contract.ts'
import { EntryChecks, quota, readCursor, shownKey } from './drivers/entry-checks.ts'
import { entryOverheadBytes, type KeyValueLimits } from './limits.ts'
import { storageProblems } from './problems.ts'
import { Readers } from './readers.ts'
import type { RowFacts, Rows } from './rows.ts'
import { forEver, type LifeOf } from './time-to-live.ts'

export interface TableTimes {
  readonly time: TimeSource
  readonly lifeOf: LifeOf
}

/** What a key holds, for those who read without asking; null where it is not set. */
export interface ShownEntry {
  readonly bucket: string
  readonly key: string
  readonly value: Uint8Array | null
  readonly version: number
}

const none: readonly ShownEntry[] = []
const [leastNumber, mostNumber] = [-(2n ** 63n), 2n ** 63n - 1n]
/** The age on the disk may lag behind by this: what passed since is told by the wall clock, as what passes while off. */
const saveAgeEveryMs = 10 * 60_000

export class KeyValueTable {
  readonly #rows: Rows
  readonly #checks: EntryChecks
  readonly #pageKeys: number
  readonly #lifeOf: LifeOf
  readonly #age: AgeClock
  readonly #readers: Readers
  #allowed: StoreAmount
  #usage: StoreUsage
  #version: number
  #savedAgeMs: number
  #isWatched = false
  #changes: KeyChange[] = []
  readonly #shownBuckets = new Set<string>()
  #shown: ShownEntry[] = []

  constructor(rows: Rows, limits: KeyValueLimits, { time, lifeOf }: TableTimes) {
    this.#rows = rows
    this.#checks = new EntryChecks(limits)
    this.#pageKeys = limits.pageKeys
    this.#lifeOf = lifeOf
    this.#allowed = { bytes: limits.bytes, items: limits.keys }
    const { version, at, ...usage } = rows.totals()
    this.#usage = usage
    this.#version = version
    const [ageMs, wallMs] = [rows.note('age'), rows.note('wall')]
    this.#age = new AgeClock(time, ageMs === null || wallMs === null ? null : { ageMs, wallMs }, at)
    this.#savedAgeMs = ageMs ?? 0
    this.#readers = new Readers(rows)
    rows.followVersions(lifeOf !== forEver || !this.#readers.isEmpty)
  }

  /** What the app may hold from now on. What it holds stays: it may only not grow beyond. */
  allow(amount: StoreAmount): void {
    this.#allowed = amount
  }

  get(bucket: string, key: string): StoredValue | null {
    this.#checks.key(key)
    const row = this.#rows.read(bucket, key)
    const found =
      row === undefined || this.#isOver(bucket, row) ? null : { value: row.value, version: row.version }
    this.#show(bucket, key, found)
    return found
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
    this.#checks.key(key)
    return this.#find(bucket, key)?.version ?? 0
  }

  keys(bucket: string, cursor: string | null): KeyPage {
    const afterId = readCursor(cursor)
    // One more than a page tells whether there is a next one.
    const pageKeys = this.#pageKeys
    const life = this.#lifeOf(bucket)
    const since = life === null ? 0 : this.#age.ageMs() - life + 1
    const found = this.#rows.page(bucket, afterId, since, pageKeys + 1)
    const page = found.slice(0, pageKeys)
    const last = page.at(-1)
    return {
      keys: page.map(({ key }) => key),
      cursor: found.length > pageKeys && last !== undefined ? String(last.id) : null,
    }
  }

  increment(bucket: string, key: string, delta: bigint): bigint {
    return this.#atomically(() => {
      const present = this.get(bucket, key)
      const sum = (present === null ? 0n : readNumber(key, present.value)) + delta
      if (sum < leastNumber || sum > mostNumber)
        throw storageProblems.error('ERR_STORAGE_NUMBER', `${shownKey(key)} would leave the range of 64 bits`)
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
    return this.#atomically(() => {
      const present = this.version(bucket, key)
      if (present !== version) return { swapped: false, version: present }
      this.#put(bucket, key, value)
      return { swapped: true, version: this.#version }
    })
  }

  getMany(bucket: string, keys: readonly string[]): (Uint8Array | null)[] {
    this.#checks.keys(keys)
    let bytes = 0
    return keys.map((key) => {
      const value = this.get(bucket, key)?.value ?? null
      bytes += value?.length ?? 0
      this.#checks.batchBytes(bytes)
      return value
    })
  }

  setMany(bucket: string, entries: readonly (readonly [string, Uint8Array])[]): void {
    this.#checks.keys(entries.map(([key]) => key))
    if (entries.length > 1) this.#checks.batchBytes(entries.reduce((sum, [, value]) => sum + value.length, 0))
    const put = (): void => {
      for (const [key, value] of entries) this.#put(bucket, key, value)
    }
    // Where nothing ends by itself, nothing is removed on the way: to begin and to commit would cost more than it.
    if (entries.length === 1 && this.#lifeOf === forEver) this.#atomically(put, () => this.#rows.atOnce(put))
    else this.#atomically(put)
  }

  deleteMany(bucket: string, keys: readonly string[]): void {
    this.#checks.keys(keys)
    this.#atomically(() => {
      for (const key of keys) {
        const present = this.#rows.find(bucket, key)
        if (present !== undefined) this.#drop(bucket, key, present)
      }
    })
  }

  usage(): StoreUsage {
    return this.#usage
  }

  /** Removes what has outlived its time, at most `most` entries. @returns whether there may be more */
  sweep(most: number): boolean {
    const dying = this.#rows.buckets().flatMap((bucket) => {
      const life = this.#lifeOf(bucket)
      return life === null
        ? []
        : this.#rows.oldest(bucket, this.#age.ageMs() - life, most).map((key) => ({ bucket, key }))
    })
    if (dying.length === 0) return false
    this.#atomically(() => {
      for (const { bucket, key } of dying.slice(0, most)) {
        const present = this.#rows.find(bucket, key)
        if (present !== undefined) this.#drop(bucket, key, present)
      }
    })
    return dying.length >= most
  }

  /** From now on {@link takeChanges} has something to give. */
  watch(): void {
    this.#isWatched = true
  }

  /** What changed since it was last called, oldest first. */
  takeChanges(): KeyChange[] {
    if (this.#changes.length === 0) return []
    const changes = this.#changes
    this.#changes = []
    return changes
  }

  /**
   * From now on {@link takeShown} has what was read and written of the bucket. @returns false where its entries end by
   * themselves, which nobody would be told of
   */
  show(bucket: string): boolean {
    if (this.#lifeOf(bucket) !== null) return false
    this.#shownBuckets.add(bucket)
    return true
  }

  hide(bucket: string): void {
    this.#shownBuckets.delete(bucket)
  }

  /** In order, the last of a key is what it is; asked for after each transaction. */
  takeShown(): readonly ShownEntry[] {
    if (this.#shown.length === 0) return none
    const shown = this.#shown
    this.#shown = []
    return shown
  }

  follow(reader: string): number {
    return this.#atomically(() => this.#readers.follow(reader, this.#version))
  }

  advance(reader: string, version: number): void {
    this.#atomically(() => this.#readers.advance(reader, Math.min(version, this.#version)))
  }

  forget(reader: string): void {
    this.#atomically(() => this.#readers.forget(reader))
  }

  changes(bucket: string, after: number, limit: number): KeyChanges {
    return this.#readers.changes(bucket, after, limit, this.#version)
  }

  /**
   * Runs several of these as one: all of it is stored or, where the store fails, nothing. What is refused for its own
   * reasons changes nothing, and the others are stored.
   */
  together<Result>(run: () => Result): Result {
    return this.#atomically(run)
  }

  /** @param isWhole all of the log is in the file afterwards, so that the file alone is the store */
  flush(isWhole = false): void {
    this.#rows.flush(isWhole)
  }

  /** The highest version that was ever used. */
  lastVersion(): number {
    return this.#version
  }

  /** No version up to this one is used again. */
  raise(version: number): void {
    if (version <= this.#version) return
    this.#version = version
    this.#rows.transaction(() => this.#rows.setNote('version', version))
  }

  close(): void {
    try {
      if (this.#usage.keys > 0) this.#rows.transaction(() => this.#saveAge())
    } catch {
      // A disk that is full or read-only now: what it has of the age is older, and no harm.
    } finally {
      this.#rows.close()
    }
  }

  /** Inside a transaction. */
  #put(bucket: string, key: string, value: Uint8Array): void {
    this.#checks.key(key)
    this.#checks.value(key, value)
    const there = this.#rows.find(bucket, key)
    const isOver = there !== undefined && this.#isOver(bucket, there)
    if (isOver) this.#drop(bucket, key, there)
    const present = isOver ? undefined : there
    const added = present === undefined ? 1 : 0
    const growth = sizeOf(key, value.length) - (present === undefined ? 0 : sizeOf(key, present.valueBytes))
    this.#checkQuota(key, added, growth)
    this.#version += 1
    this.#rows.write(bucket, key, value, this.#version, this.#age.ageMs())
    this.#count(added, growth)
    this.#changed({ bucket, key, version: this.#version, kind: 'set' })
    this.#show(bucket, key, { value, version: this.#version })
    if (this.#lifeOf(bucket) !== null && this.#age.ageMs() - this.#savedAgeMs >= saveAgeEveryMs)
      this.#saveAge()
  }

  #checkQuota(key: string, added: number, growth: number): void {
    const { items, bytes } = this.#allowed
    const isTooMany = (): boolean => added > 0 && this.#usage.keys >= items
    // What makes an app smaller is let through, whatever it holds.
    const isTooMuch = (): boolean => growth > 0 && this.#usage.bytes + growth > bytes
    // What has outlived its time and is still there must not stand in the way of what is new.
    while ((isTooMany() || isTooMuch()) && this.sweep(sweptForRoom)) continue
    if (isTooMany()) throw quota(`the app holds ${this.#usage.keys} keys; ${items} are its limit`)
    if (isTooMuch()) {
      throw quota(
        `${shownKey(key)} does not fit: the app may hold ${bytes} bytes and holds ${this.#usage.bytes}`,
      )
    }
  }

  /** Inside a transaction. */
  #drop(bucket: string, key: string, present: RowFacts): void {
    this.#rows.remove(bucket, key)
    this.#count(-1, -sizeOf(key, present.valueBytes))
    this.#version += 1
    // It is in no row, and must not be used again after a restart.
    this.#rows.setNote('version', this.#version)
    const change: KeyChange = { bucket, key, version: this.#version, kind: 'delete' }
    this.#readers.deleted(change)
    this.#changed(change)
    this.#show(bucket, key, null)
  }

  #show(bucket: string, key: string, found: StoredValue | null): void {
    if (!this.#shownBuckets.has(bucket)) return
    this.#shown.push({ bucket, key, value: found?.value ?? null, version: found?.version ?? 0 })
  }

  #changed(change: KeyChange): void {
    if (this.#isWatched) this.#changes.push(change)
  }

  #find(bucket: string, key: string): RowFacts | undefined {
    const row = this.#rows.find(bucket, key)
    return row === undefined || this.#isOver(bucket, row) ? undefined : row
  }

  #isOver(bucket: string, { at }: { readonly at: number }): boolean {
    const life = this.#lifeOf(bucket)
    return life !== null && this.#age.ageMs() - at >= life
  }

  #saveAge(): void {
    const { ageMs, wallMs } = this.#age.save()
    this.#rows.setNote('age', ageMs)
    this.#rows.setNote('wall', wallMs)
    this.#savedAgeMs = ageMs
  }

  #count(keys: number, bytes: number): void {
    this.#usage = { keys: this.#usage.keys + keys, bytes: this.#usage.bytes + bytes }
  }

  #atomically<Result>(run: () => Result, transact = () => this.#rows.transaction(run)): Result {
    const [usage, changes, shown] = [this.#usage, this.#changes.length, this.#shown.length]
    try {
      return transact()
    } catch (error) {
      // The version is left as it is: a number too high does no harm, one used twice does.
      this.#usage = usage
      this.#changes.length = changes
      this.#shown.length = shown
      this.#readers.reload()
      throw error
    }
  }
}

/** Entries removed at once where a new one needs their room. */
const sweptForRoom = 500

/** @returns what an entry counts for */
export function sizeOf(key: string, valueBytes: number): number {
  return Buffer.byteLength(key) + valueBytes + entryOverheadBytes
}

function readNumber(key: string, value: Uint8Array): bigint {
  const text = value.length > 20 ? '' : new TextDecoder().decode(value)
  if (!/^-?\d{1,19}$/.test(text)) {
    throw storageProblems.error('ERR_STORAGE_NUMBER', `${shownKey(key)} does not hold a decimal number`)
  }
  return BigInt(text)
}
