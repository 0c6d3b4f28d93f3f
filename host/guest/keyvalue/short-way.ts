/**
 * A bucket without the node's own thread in between: what was last read or written is read from memory that the storage
 * thread keeps, and the rest asked on a line to that thread. Where the sandbox is a process, the bucket a group's or the
 * store another machine's, there is no such way, and every call goes by the node as before.
 */
import {
  SharedEntriesReader,
  SharedLineClient,
  type FoundEntry,
  type LineAnswer,
} from '../../../core/index.ts'
import type { HostLine } from '../line.ts'
import { WitError } from '../wit-error.ts'
import { keyValueStoreId, type KeyValueError, type WireShared } from './wire.ts'

/** To make one takes two calls: who asks so seldom is done by then. */
const usesBefore = 2
/** Each may have 4 KiB, and all of them cross to the guest at once. */
const maxKnownKeys = 256
const nothing = new Uint8Array(0)

export class ShortWay {
  readonly #line: HostLine
  readonly #bucket: string
  #uses = 0
  #methods: readonly string[] = []
  #client: SharedLineClient | null = null
  #entries: SharedEntriesReader | null = null

  constructor(line: HostLine, bucket: string) {
    this.#line = line
    this.#bucket = bucket
  }

  /** Whether the node has said that the bucket is the guest's: it need not be asked again. */
  isOpened = false

  /** @returns null where the way is long, as with all of these. @throws WitError what the store refuses */
  get(key: string): FoundEntry | null {
    if (!this.#isMade()) return null
    const known = this.#entries?.find(key) ?? null
    if (known !== null) return known
    const answer = this.#ask('get', key)
    return answer && { value: answer.value ?? undefined, version: Number(answer.number) }
  }

  getMany(keys: readonly string[]): FoundEntry[] | null {
    return keys.length <= maxKnownKeys && this.#isMade() ? (this.#entries?.findAll(keys) ?? null) : null
  }

  version(key: string): number | null {
    if (!this.#isMade()) return null
    const known = this.#entries?.find(key) ?? null
    if (known !== null) return known.version
    const answer = this.#ask('version', key)
    return answer && Number(answer.number)
  }

  /** @returns whether it was done */
  set(key: string, value: Uint8Array): boolean {
    return this.#isMade() && this.#ask('set', key, value) !== null
  }

  /** @returns whether it was done */
  delete(key: string): boolean {
    return this.#isMade() && this.#ask('delete', key) !== null
  }

  increment(key: string, delta: bigint): bigint | null {
    // A number of the first draft comes as one.
    if (typeof delta !== 'bigint' || !this.#isMade()) return null
    return this.#ask('increment', key, null, delta)?.number ?? null
  }

  swap(key: string, version: number, value: Uint8Array): { swapped: boolean; version: number } | null {
    const answer = this.#isMade() ? this.#ask('compareAndSwap', key, value, BigInt(version)) : null
    return answer && { swapped: answer.value !== null, version: Number(answer.number) }
  }

  #ask(method: string, key: string, value: Uint8Array | null = null, number: bigint = 0n): LineAnswer | null {
    const client = this.#client
    if (client === null) return null
    const question = { method: this.#methods.indexOf(method), key, value, number }
    const answer = this.#line.asleep(() => client.ask(question))
    if (client.isClosed) this.#forget()
    if (answer === null) throw failure('the storage thread ended: whether this was done is not known')
    if (answer.outcome === 'refused') throw failure(new TextDecoder().decode(answer.value ?? nothing))
    return answer.outcome === 'ok' ? answer : null
  }

  #isMade(): boolean {
    if (this.#client !== null) return true
    this.#uses += 1
    if (this.#uses !== usesBefore + 1) return false
    const shared = this.#line.call(keyValueStoreId, 'share', [this.#bucket]) as WireShared | undefined
    if (shared === undefined) return false
    this.#methods = shared.methods
    this.#client = new SharedLineClient(shared.line, shared.bell)
    if (shared.entries !== null) this.#entries = new SharedEntriesReader(shared.entries)
    return true
  }

  /** Nobody answers there any more; later there may be another. */
  #forget(): void {
    this.#client = null
    this.#entries = null
    this.#uses = 0
  }
}

function failure(message: string): WitError {
  const error: KeyValueError = { tag: 'other', val: message }
  return new WitError(error)
}

/** They outlive the instance, as the sandbox does that they were lent to. */
const ways = new WeakMap<HostLine, Map<string, ShortWay>>()
/** A guest may open what it was never granted, by as many names as it likes. */
const maxWays = 64

export function shortWayOf(line: HostLine, bucket: string): ShortWay {
  const known = ways.get(line) ?? new Map<string, ShortWay>()
  ways.set(line, known)
  const present = known.get(bucket)
  if (present !== undefined) return present
  const made = new ShortWay(line, bucket)
  if (known.size < maxWays) known.set(bucket, made)
  return made
}
