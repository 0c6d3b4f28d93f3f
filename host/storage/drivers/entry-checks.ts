/** What a key-value store refuses before it asks a server: keys, values and batches over the limits, cursors of others. */
import { entryOverheadBytes, type KeyValueLimits } from '../limits.ts'
import { storageProblems } from '../problems.ts'

export class EntryChecks {
  readonly #limits: KeyValueLimits

  constructor(limits: KeyValueLimits) {
    this.#limits = limits
  }

  /** @throws ERR_STORAGE_TOO_LARGE */
  key(key: string): void {
    const { keyBytes } = this.#limits
    if (Buffer.byteLength(key) > keyBytes) throw tooLarge(`a key is longer than ${keyBytes} bytes`)
  }

  /** @throws ERR_STORAGE_TOO_LARGE */
  value(key: string, value: Uint8Array): void {
    const { valueBytes } = this.#limits
    if (value.length <= valueBytes) return
    throw tooLarge(`the value of ${shownKey(key)} has ${value.length} bytes, more than ${valueBytes}`)
  }

  /** @throws ERR_STORAGE_TOO_LARGE */
  keys(keys: readonly string[]): void {
    const { batchEntries } = this.#limits
    if (keys.length > batchEntries) {
      throw tooLarge(`a batch has ${keys.length} entries, more than ${batchEntries}`)
    }
    for (const key of keys) this.key(key)
  }

  /** @throws ERR_STORAGE_TOO_LARGE */
  entries(entries: readonly (readonly [string, Uint8Array])[]): void {
    this.keys(entries.map(([key]) => key))
    for (const [key, value] of entries) this.value(key, value)
    if (entries.length > 1) this.batchBytes(entries.reduce((sum, [, value]) => sum + value.length, 0))
  }

  /** @throws ERR_STORAGE_TOO_LARGE */
  batchBytes(bytes: number): void {
    const { batchBytes } = this.#limits
    if (bytes > batchBytes) {
      throw tooLarge(`the values of a batch have ${bytes} bytes, more than ${batchBytes}`)
    }
  }
}

/** @returns the id after which a page begins @throws ERR_STORAGE_CURSOR */
export function readCursor(cursor: string | null): number {
  if (cursor === null) return 0
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor)
  throw storageProblems.error('ERR_STORAGE_CURSOR', `${shownKey(cursor)} is not a cursor of this store`)
}

/** What an entry counts for, beside its key and value. */
export const overheadBytes = entryOverheadBytes

export function shownKey(key: string): string {
  return JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key)
}

export const tooLarge = (message: string): Error => storageProblems.error('ERR_STORAGE_TOO_LARGE', message)
export const quota = (message: string): Error => storageProblems.error('ERR_STORAGE_QUOTA', message)
export const failed = (message: string, cause?: unknown): Error =>
  storageProblems.error('ERR_STORAGE_FAILED', message, cause === undefined ? {} : { cause })
