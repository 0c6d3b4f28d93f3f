/**
 * wasi:keyvalue inside a sandbox: store, atomics and batch of 0.2.0-draft2, and of 0.2.0-draft before it, which
 * lacks `cas` and has numbers for cursors and sums. Handles are names; the node's half holds nothing for them.
 */
import { dispose } from '../io/index.ts'
import type { PartContext, PartKind } from '../part.ts'
import { WitError } from '../wit-error.ts'
import { shortWayOf, type ShortWay } from './short-way.ts'
import {
  keyValuePartName,
  keyValueStoreId,
  maxArgumentBytes,
  type KeyValueError,
  type WireEntry,
  type WirePage,
} from './wire.ts'

export * from './wire.ts'

export const keyValuePart: PartKind = {
  name: keyValuePartName,
  create(context) {
    return {
      imports: {
        'wasi:keyvalue/store': { Bucket, open: (identifier: string) => Bucket.open(identifier, context) },
        'wasi:keyvalue/atomics': { Cas, increment, swap },
        'wasi:keyvalue/batch': { getMany, setMany, deleteMany },
      },
    }
  },
}

class Bucket {
  readonly #name: string
  readonly way: ShortWay
  readonly #context: PartContext
  readonly #release: () => void

  private constructor(name: string, way: ShortWay, context: PartContext) {
    this.#release = context.hold()
    this.#name = name
    this.way = way
    this.#context = context
  }

  static open(identifier: string, context: PartContext): Bucket {
    checkSize(identifier.length * 2)
    const way = shortWayOf(context.line, identifier)
    if (!way.isOpened) context.line.call(keyValueStoreId, 'open', [identifier])
    way.isOpened = true
    return new Bucket(identifier, way, context)
  }

  get context(): PartContext {
    return this.#context
  }

  /** Asks the node's half. @throws WitError */
  ask(name: string, ...args: readonly unknown[]): unknown {
    return this.#context.line.call(keyValueStoreId, name, [this.#name, ...args])
  }

  get(key: string): Uint8Array | undefined {
    checkKeys([key])
    const found = this.way.get(key)
    return found === null ? (this.ask('get', key) as Uint8Array | undefined) : found.value
  }

  set(key: string, value: Uint8Array): void {
    checkEntries([[key, value]])
    if (!this.way.set(key, value)) this.ask('set', key, value)
  }

  delete(key: string): void {
    checkKeys([key])
    if (!this.way.delete(key)) this.ask('delete', key)
  }

  exists(key: string): boolean {
    checkKeys([key])
    const version = this.way.version(key)
    return version === null ? (this.ask('exists', key) as boolean) : version !== 0
  }

  /** The first draft's glue takes the digits for the number they are. */
  listKeys(cursor: string | bigint | undefined): { keys: readonly string[]; cursor: string | undefined } {
    const from = cursor === undefined ? null : String(cursor)
    if (from !== null) checkKeys([from])
    const page = this.ask('list-keys', from) as WirePage
    return { keys: page.keys, cursor: page.cursor ?? undefined }
  }

  [dispose](): void {
    this.#release()
  }
}

/** Stands for what the key held when the handle was made, or when its value was last read through it. */
class Cas {
  readonly #bucket: Bucket
  readonly #key: string
  #version: number
  readonly #release: () => void
  #isSpent = false

  private constructor(bucket: Bucket, key: string, version: number) {
    this.#release = bucket.context.hold()
    this.#bucket = bucket
    this.#key = key
    this.#version = version
  }

  static new(bucket: Bucket, key: string): Cas {
    checkKeys([key])
    return new Cas(bucket, key, bucket.way.version(key) ?? (bucket.ask('version', key) as number))
  }

  current(): Uint8Array | undefined {
    const entry = this.#bucket.way.get(this.#key) ?? (this.#bucket.ask('current', this.#key) as WireEntry)
    this.#version = entry.version
    return entry.value
  }

  /** Spends the handle, whatever comes of it. @returns null, or the handle to try again with */
  swap(value: Uint8Array): Cas | null {
    if (this.#isSpent) throw new Error('a guest swapped with a handle that it had given away')
    this.#spend()
    checkEntries([[this.#key, value]])
    const outcome =
      this.#bucket.way.swap(this.#key, this.#version, value) ??
      (this.#bucket.ask('swap', this.#key, this.#version, value) as {
        readonly swapped: boolean
        readonly version: number
      })
    return outcome.swapped ? null : new Cas(this.#bucket, this.#key, outcome.version)
  }

  [dispose](): void {
    this.#spend()
  }

  #spend(): void {
    if (!this.#isSpent) this.#release()
    this.#isSpent = true
  }
}

function increment(bucket: Bucket, key: string, delta: bigint): bigint {
  checkKeys([key])
  return bucket.way.increment(key, delta) ?? (bucket.ask('increment', key, delta) as bigint)
}

function swap(cas: Cas, value: Uint8Array): void {
  let retry: Cas | null
  try {
    retry = cas.swap(value)
  } catch (error) {
    throw error instanceof WitError ? new WitError({ tag: 'store-error', val: error.payload }) : error
  }
  if (retry !== null) throw new WitError({ tag: 'cas-failed', val: retry })
}

function getMany(bucket: Bucket, keys: readonly string[]): ([string, Uint8Array] | undefined)[] {
  checkKeys(keys)
  const known = bucket.way.getMany(keys)
  if (known !== null) return keys.map((key, index) => paired(key, known[index]?.value))
  const values = bucket.ask('get-many', keys) as readonly (Uint8Array | undefined)[]
  return keys.map((key, index) => paired(key, values[index]))
}

function paired(key: string, value: Uint8Array | undefined): [string, Uint8Array] | undefined {
  return value === undefined ? undefined : [key, value]
}

function setMany(bucket: Bucket, entries: readonly (readonly [string, Uint8Array])[]): void {
  checkEntries(entries)
  bucket.ask('set-many', entries)
}

function deleteMany(bucket: Bucket, keys: readonly string[]): void {
  checkKeys(keys)
  bucket.ask('delete-many', keys)
}

/** What a string or list costs on its way beside its contents; the engine counts 32 for each, twice for a pair. */
const overheadBytes = 64

function checkKeys(keys: readonly string[]): void {
  checkSize(keys.reduce((sum, key) => sum + key.length * 2 + overheadBytes, 0))
}

function checkEntries(entries: readonly (readonly [string, Uint8Array])[]): void {
  checkSize(entries.reduce((sum, [key, value]) => sum + key.length * 2 + value.length + 2 * overheadBytes, 0))
}

function checkSize(bytes: number): void {
  if (bytes <= maxArgumentBytes) return
  const error: KeyValueError = { tag: 'other', val: `more than ${maxArgumentBytes} bytes in one call` }
  throw new WitError(error)
}
