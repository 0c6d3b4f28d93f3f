/**
 * A key-value store of one app at a Redis server. What it acknowledges is as safe as the server makes it: with
 * `appendonly yes` and `appendfsync always` on the server's disk, with `everysec` up to two seconds can be lost in a power
 * cut, and without an append-only file everything since its last snapshot.
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
import { EntryChecks, quota, readCursor, shownKey } from '../entry-checks.ts'
import type { RedisConnection, Reply } from './connection.ts'

export class RedisStore implements KeyValueStore, MeteredStore {
  readonly #connection: RedisConnection
  readonly #prefix: string
  readonly #limits: KeyValueLimits
  readonly #checks: EntryChecks
  readonly #listeners = new Set<(change: KeyChange) => void>()
  #listening: { readonly ready: Promise<void>; readonly cancel: Cancel } | null = null
  #allowed: StoreAmount
  #isClosed = false
  held: StoreAmount | null = null

  /** @param app letters, digits and hyphens */
  constructor(connection: RedisConnection, app: string, limits: KeyValueLimits) {
    this.#connection = connection
    this.#prefix = `selvedge:{${app}}`
    this.#limits = limits
    this.#checks = new EntryChecks(limits)
    this.#allowed = { bytes: limits.bytes, items: limits.keys }
  }

  allow(amount: StoreAmount): void {
    this.#allowed = amount
  }

  async get(bucket: string, key: string): Promise<StoredValue | null> {
    this.#checks.key(key)
    const [value, version] = await this.#run('get', bucket, key)
    return Buffer.isBuffer(value) ? { value: bytesOf(value), version: numberOf(version) } : null
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
    const [version] = await this.#run('version', bucket, key)
    return numberOf(version)
  }

  async keys(bucket: string, cursor: string | null): Promise<KeyPage> {
    const afterId = readCursor(cursor)
    const { pageKeys } = this.#limits
    // One more than a page tells whether there is a next one.
    const [reply] = await this.#run('page', bucket, String(afterId), String(pageKeys + 1))
    const flat = listOf(reply)
    const found = flat.flatMap((key, index) =>
      index % 2 === 0 ? [{ key: String(key), id: String(flat[index + 1]) }] : [],
    )
    const page = found.slice(0, pageKeys)
    return {
      keys: page.map(({ key }) => key),
      cursor: found.length > pageKeys ? (page.at(-1)?.id ?? null) : null,
    }
  }

  async increment(bucket: string, key: string, delta: bigint): Promise<bigint> {
    this.#checks.key(key)
    const [sum] = await this.#run('increment', bucket, key, String(delta))
    return BigInt(String(sum))
  }

  async compareAndSwap(
    bucket: string,
    key: string,
    version: number,
    value: Uint8Array,
  ): Promise<{ swapped: boolean; version: number }> {
    this.#checks.key(key)
    this.#checks.value(key, value)
    const [swapped, present] = await this.#run('swap', bucket, key, String(version), value)
    return { swapped: String(swapped) === '1', version: numberOf(present) }
  }

  async getMany(bucket: string, keys: readonly string[]): Promise<readonly (Uint8Array | null)[]> {
    this.#checks.keys(keys)
    if (keys.length === 0) return []
    const [values] = await this.#run('many', bucket, String(this.#limits.batchBytes), ...keys)
    return listOf(values).map((value) => (Buffer.isBuffer(value) ? bytesOf(value) : null))
  }

  async setMany(bucket: string, entries: readonly (readonly [string, Uint8Array])[]): Promise<void> {
    this.#checks.entries(entries)
    if (entries.length > 0) await this.#run('set', bucket, ...entries.flat())
  }

  async deleteMany(bucket: string, keys: readonly string[]): Promise<void> {
    this.#checks.keys(keys)
    if (keys.length > 0) await this.#run('delete', bucket, ...keys)
  }

  async usage(): Promise<StoreUsage> {
    await this.#run('usage', '')
    return { keys: this.held?.items ?? 0, bytes: this.held?.bytes ?? 0 }
  }

  /**
   * Each change, of whichever node, while there is a connection: what happens while there is none is not told later.
   * Ends with `close`.
   */
  onChange(listener: (change: KeyChange) => void): Cancel {
    const own = (change: KeyChange): void => listener(change)
    this.#listeners.add(own)
    this.#listening ??= this.#connection.listen(this.#channel(), (message) => this.#changed(message))
    return () => {
      this.#listeners.delete(own)
      if (this.#listeners.size > 0) return
      this.#listening?.cancel()
      this.#listening = null
    }
  }

  /** The connection is its maker's to close. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#listening?.cancel()
    this.#listeners.clear()
  }

  async #run(operation: string, bucket: string, ...args: (string | Uint8Array)[]): Promise<readonly Reply[]> {
    if (this.#isClosed) throw storageProblems.error('ERR_STORAGE_CLOSED', 'the store is closed')
    // Who listens hears of all that is done from now on.
    await this.#listening?.ready
    const name = Buffer.from(bucket).toString('base64url')
    const keys = [
      `${this.#prefix}:held`,
      ...['value', 'fact', 'order'].map((part) => `${this.#prefix}:${part}:${name}`),
    ]
    const { items, bytes } = this.#allowed
    const [status, heldKeys, heldBytes, ...rest] = await this.#connection.run(keys, [
      operation,
      String(items),
      String(bytes),
      this.#channel(),
      name,
      ...args,
    ])
    this.held = { items: numberOf(heldKeys), bytes: numberOf(heldBytes) }
    if (String(status) !== 'ok') throw this.#refused(String(status), args[0], rest[0])
    return rest
  }

  #refused(status: string, key: string | Uint8Array | undefined, detail: Reply | undefined): Error {
    const { items, bytes } = this.#allowed
    const named = shownKey(typeof key === 'string' ? key : '')
    switch (status) {
      case 'keys':
        return quota(`the app holds ${this.held?.items ?? items} keys; ${items} are its limit`)
      case 'bytes':
        return quota(
          `${shownKey(String(detail))} does not fit: the app may hold ${bytes} bytes and holds ${this.held?.bytes ?? bytes}`,
        )
      case 'batch':
        return storageProblems.error(
          'ERR_STORAGE_TOO_LARGE',
          `the values of a batch have ${String(detail)} bytes, more than ${this.#limits.batchBytes}`,
        )
      case 'range':
        return storageProblems.error('ERR_STORAGE_NUMBER', `${named} would leave the range of 64 bits`)
      default:
        return storageProblems.error('ERR_STORAGE_NUMBER', `${named} does not hold a decimal number`)
    }
  }

  #changed(message: Buffer): void {
    const [kind, version, bucket, ...key] = message.toString('utf8').split('\0')
    if ((kind !== 'set' && kind !== 'delete') || bucket === undefined) return
    const change: KeyChange = {
      kind,
      version: Number(version),
      bucket: Buffer.from(bucket, 'base64url').toString('utf8'),
      // A key may have a zero character of its own.
      key: key.join('\0'),
    }
    for (const listener of this.#listeners) listener(change)
  }

  #channel(): string {
    return `${this.#prefix}:changes`
  }
}

function numberOf(reply: Reply | undefined): number {
  return Number(String(reply ?? 0))
}

function listOf(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? (reply as readonly Reply[]) : []
}

/** Not a view of what the library read, which may be larger and is its own. */
function bytesOf(value: Buffer): Uint8Array {
  return Uint8Array.from(value)
}
