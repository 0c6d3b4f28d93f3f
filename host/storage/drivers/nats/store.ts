/**
 * A key-value store of one app in a bucket of NATS JetStream. What it acknowledges is in the server's stream, on as many
 * servers as the table asks for; the servers themselves flush to their disks every two minutes unless told otherwise.
 */
import type { Cancel } from '../../../../core/index.ts'
import type {
  KeyChange,
  KeyPage,
  KeyValueStore,
  MeteredStore,
  StoreAmount,
  StoredValue,
  StoreUsage,
} from '../../contract.ts'
import type { KeyValueLimits } from '../../limits.ts'
import { storageProblems } from '../../problems.ts'
import { EntryChecks, overheadBytes, quota, readCursor, shownKey } from '../entry-checks.ts'
import type { NatsServerConnection } from './connection.ts'
import { inlineBytes, loadEntry, NatsLedger, type Plan } from './ledger.ts'
import {
  bucketFilter,
  decodeEntry,
  entryName,
  parseEntryName,
  type Entry,
  type Head,
  type Step,
} from './records.ts'
import { NatsWatch } from './watch.ts'

const [leastNumber, mostNumber] = [-(2n ** 63n), 2n ** 63n - 1n]

type Write = readonly [key: string, value: Uint8Array | null]

export class NatsStore implements KeyValueStore, MeteredStore {
  readonly #ledger: NatsLedger
  readonly #connection: NatsServerConnection
  readonly #limits: KeyValueLimits
  readonly #checks: EntryChecks
  readonly #watch: NatsWatch
  #allowed: StoreAmount
  #isClosed = false
  held: StoreAmount | null = null

  /** @param app letters, digits and hyphens */
  constructor(connection: NatsServerConnection, app: string, limits: KeyValueLimits) {
    this.#connection = connection
    this.#ledger = new NatsLedger(connection, `selvedge_${app}`)
    this.#limits = limits
    this.#checks = new EntryChecks(limits)
    this.#watch = new NatsWatch(this.#ledger, connection.clock)
    this.#allowed = { bytes: limits.bytes, items: limits.keys }
  }

  allow(amount: StoreAmount): void {
    this.#allowed = amount
  }

  async get(bucket: string, key: string): Promise<StoredValue | null> {
    this.#checks.key(key)
    const found = await this.#read(() => loadEntry(this.#ledger, entryName(bucket, key)))
    return found === null ? null : { value: found.value, version: found.entry.version }
  }

  async set(bucket: string, key: string, value: Uint8Array): Promise<void> {
    await this.setMany(bucket, [[key, value]])
  }

  async delete(bucket: string, key: string): Promise<void> {
    await this.deleteMany(bucket, [key])
  }

  async exists(bucket: string, key: string): Promise<boolean> {
    return (await this.version(bucket, key)) !== 0
  }

  async version(bucket: string, key: string): Promise<number> {
    this.#checks.key(key)
    return (await this.#read(() => this.#ledger.entry(entryName(bucket, key))))?.version ?? 0
  }

  async keys(bucket: string, cursor: string | null): Promise<KeyPage> {
    const afterId = readCursor(cursor)
    const { pageKeys } = this.#limits
    const all = await this.#read(() => this.#list(bucket))
    const rest = all.filter(({ id }) => id > afterId).sort((one, other) => one.id - other.id)
    const page = rest.slice(0, pageKeys)
    const last = page.at(-1)
    return {
      keys: page.map(({ key }) => key),
      cursor: rest.length > pageKeys && last !== undefined ? String(last.id) : null,
    }
  }

  async increment(bucket: string, key: string, delta: bigint): Promise<bigint> {
    this.#checks.key(key)
    return this.#change(bucket, [key], async (head, [present = null]) => {
      const bytes =
        present === null || present.content === null ? null : await this.#ledger.load(present.content)
      const sum = (bytes === null ? 0n : readNumber(key, bytes)) + delta
      if (sum < leastNumber || sum > mostNumber) {
        throw storageProblems.error('ERR_STORAGE_NUMBER', `${shownKey(key)} would leave the range of 64 bits`)
      }
      const write: Write = [key, new TextEncoder().encode(String(sum))]
      return { ...(await this.#steps(bucket, head, [present], [write])), result: sum }
    })
  }

  async compareAndSwap(
    bucket: string,
    key: string,
    version: number,
    value: Uint8Array,
  ): Promise<{ swapped: boolean; version: number }> {
    this.#checks.key(key)
    this.#checks.value(key, value)
    const own = value.slice()
    return this.#change<{ swapped: boolean; version: number }>(
      bucket,
      [key],
      async (head, [present = null]) => {
        const found = present?.version ?? 0
        if (found !== version) return { head, steps: [], result: { swapped: false, version: found } }
        const decided = await this.#steps(bucket, head, [present], [[key, own]])
        return { ...decided, result: { swapped: true, version: decided.head.version } }
      },
    )
  }

  async getMany(bucket: string, keys: readonly string[]): Promise<readonly (Uint8Array | null)[]> {
    this.#checks.keys(keys)
    const names = keys.map((key) => entryName(bucket, key))
    return this.#read(async () => {
      const entries = await this.#ledger.entries(names)
      this.#checks.batchBytes(entries.reduce((sum, entry) => sum + (entry?.size ?? 0), 0))
      const values = await Promise.all(
        entries.map((entry, index) => (entry === null ? null : loadEntry(this.#ledger, names[index] ?? ''))),
      )
      return values.map((found) => found?.value ?? null)
    })
  }

  async setMany(bucket: string, entries: readonly (readonly [string, Uint8Array])[]): Promise<void> {
    this.#checks.entries(entries)
    await this.#write(
      bucket,
      entries.map(([key, value]) => [key, value.slice()]),
    )
  }

  async deleteMany(bucket: string, keys: readonly string[]): Promise<void> {
    this.#checks.keys(keys)
    await this.#write(
      bucket,
      keys.map((key) => [key, null]),
    )
  }

  async usage(): Promise<StoreUsage> {
    const { keys, bytes } = await this.#read(() => this.#ledger.head())
    this.held = { items: keys, bytes }
    return { keys, bytes }
  }

  /** Of whichever node, in the order of versions; of what happens while the server is away the last of each key. */
  onChange(listener: (change: KeyChange) => void): Cancel {
    return this.#watch.listen(listener)
  }

  /** The connection is its maker's to close. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#watch.stop()
  }

  async #write(bucket: string, writes: readonly Write[]): Promise<void> {
    const keys = [...new Set(writes.map(([key]) => key))]
    await this.#change(bucket, keys, async (head, entries) => ({
      ...(await this.#steps(bucket, head, entries, writes, keys)),
      result: undefined,
    }))
  }

  /** What the writes come to, one after the other. @throws ERR_STORAGE_QUOTA */
  async #steps(
    bucket: string,
    head: Head,
    entries: readonly (Entry | null)[],
    writes: readonly Write[],
    keys: readonly string[] = writes.map(([key]) => key),
  ): Promise<{ head: Omit<Head, 'steps'>; steps: Step[] }> {
    const present = new Map(keys.map((key, index) => [key, entries[index] ?? null]))
    let { version, id, keys: count, bytes } = head
    const decided: { key: string; id: number; version: number; value: Uint8Array | null }[] = []
    for (const [key, value] of writes) {
      const before = present.get(key) ?? null
      if (before === null && value === null) continue
      const own = Buffer.byteLength(key) + overheadBytes
      const growth = (value === null ? 0 : value.length + own) - (before === null ? 0 : before.size + own)
      if (before === null && count >= this.#allowed.items) {
        throw quota(`the app holds ${count} keys; ${this.#allowed.items} are its limit`)
      }
      if (growth > 0 && bytes + growth > this.#allowed.bytes) {
        throw quota(
          `${shownKey(key)} does not fit: the app may hold ${this.#allowed.bytes} bytes and holds ${bytes}`,
        )
      }
      if (before === null) id += 1
      count += value === null ? -1 : Number(before === null)
      bytes += growth
      version += 1
      const entryId = before?.id ?? id
      decided.push({ key, id: entryId, version, value })
      const content = { inline: new Uint8Array(0) }
      present.set(key, value === null ? null : { id: entryId, version, size: value.length, content })
    }
    const steps = await Promise.all(
      decided.map(async ({ key, value, ...rest }): Promise<Step> => {
        const content = value === null ? null : await this.#ledger.store(value, inlineBytes)
        return { name: entryName(bucket, key), entry: { ...rest, size: value?.length ?? 0, content } }
      }),
    )
    return { head: { version, id, keys: count, bytes }, steps }
  }

  async #change<Result>(bucket: string, keys: readonly string[], plan: Plan<Result>): Promise<Result> {
    this.#checkOpen()
    await this.#watch.ready()
    const names = keys.map((key) => entryName(bucket, key))
    return this.#ledger.change(names, async (head, entries) => {
      const decided = await plan(head, entries)
      this.held = { items: decided.head.keys, bytes: decided.head.bytes }
      return decided
    })
  }

  async #read<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#checkOpen()
    try {
      return await work()
    } catch (error) {
      throw this.#connection.told(error)
    }
  }

  async #list(bucket: string): Promise<{ key: string; id: number }[]> {
    const { kv } = await this.#ledger.bucket()
    return this.#connection.ask(async () => {
      const listed: { key: string; id: number }[] = []
      for await (const { key: name, value, operation, revision } of await kv.history({
        key: bucketFilter(bucket),
      })) {
        const parsed = operation === 'PUT' ? parseEntryName(name) : null
        if (parsed === null) continue
        const { id, content } = decodeEntry(value)
        if (content !== null) listed.push({ key: parsed.key, id })
        // Left by a node that did not get to remove it.
        else this.#ledger.bury(revision)
      }
      return listed
    }, listMs)
  }

  #checkOpen(): void {
    if (this.#isClosed) throw storageProblems.error('ERR_STORAGE_CLOSED', 'the store is closed')
  }
}

/** For a whole bucket. */
const listMs = 30_000

function readNumber(key: string, value: Uint8Array): bigint {
  const text = value.length > 20 ? '' : new TextDecoder().decode(value)
  if (/^-?\d{1,19}$/.test(text)) return BigInt(text)
  throw storageProblems.error('ERR_STORAGE_NUMBER', `${shownKey(key)} does not hold a decimal number`)
}
