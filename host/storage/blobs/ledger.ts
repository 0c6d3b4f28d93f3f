/**
 * What one app's blob store holds and does at once, held against its limits. Bytes count from the moment they
 * arrive: an upload that is never finished must not fill the disk either.
 */
import type { StoreAmount } from '../contract.ts'
import type { BlobLimits } from '../limits.ts'
import { storageProblems } from '../problems.ts'

export class BlobLedger {
  readonly #limits: BlobLimits
  #allowed: StoreAmount
  #objects: number
  #bytes: number
  #uploads = 0
  #downloads = 0

  constructor(limits: BlobLimits, held: { readonly objects: number; readonly bytes: number }) {
    this.#limits = limits
    this.#allowed = { bytes: limits.bytes, items: limits.objects }
    this.#objects = held.objects
    this.#bytes = held.bytes
  }

  /** What the app may hold from now on; see `MeteredStore`. */
  allow(amount: StoreAmount): void {
    this.#allowed = amount
  }

  get held(): StoreAmount {
    return { items: this.#objects, bytes: this.#bytes }
  }

  /** @throws ERR_STORAGE_QUOTA and adds nothing then */
  addBytes(count: number): void {
    const { bytes } = this.#allowed
    if (this.#bytes + count > bytes) {
      const message = `${count} bytes more do not fit: the app may hold ${bytes} and holds ${this.#bytes}`
      throw storageProblems.error('ERR_STORAGE_QUOTA', message)
    }
    this.#bytes += count
  }

  removeBytes(count: number): void {
    this.#bytes -= count
  }

  /** @throws ERR_STORAGE_QUOTA */
  addObject(): void {
    const { items } = this.#allowed
    if (this.#objects >= items) {
      const message = `the app holds ${this.#objects} objects; ${items} are its limit`
      throw storageProblems.error('ERR_STORAGE_QUOTA', message)
    }
    this.#objects += 1
  }

  removeObject(): void {
    this.#objects -= 1
  }

  /** @returns what ends it, once @throws ERR_OBJECTS_OPEN */
  beginUpload(): () => void {
    if (this.#uploads >= this.#limits.uploads) throw tooMany('written', this.#limits.uploads)
    this.#uploads += 1
    return once(() => (this.#uploads -= 1))
  }

  /** @returns what ends it, once @throws ERR_OBJECTS_OPEN */
  beginDownload(): () => void {
    if (this.#downloads >= this.#limits.downloads) throw tooMany('read', this.#limits.downloads)
    this.#downloads += 1
    return once(() => (this.#downloads -= 1))
  }

  /** @throws ERR_STORAGE_TOO_LARGE */
  checkName(name: string): void {
    const { nameBytes } = this.#limits
    if (Buffer.byteLength(name) > nameBytes)
      throw storageProblems.error('ERR_STORAGE_TOO_LARGE', `a name is longer than ${nameBytes} bytes`)
  }
}

/**
 * The part of an object of `sizeBytes` that an inclusive range names.
 * @returns the first byte, and how many @throws ERR_OBJECT_RANGE
 */
export function partOf(sizeBytes: number, start: bigint, end: bigint): { start: number; length: number } {
  const size = BigInt(sizeBytes)
  if (size === 0n && start === 0n) return { start: 0, length: 0 }
  if (start > end || start >= size) {
    const message = `bytes ${start} to ${end} are not within an object of ${sizeBytes} bytes`
    throw storageProblems.error('ERR_OBJECT_RANGE', message)
  }
  const last = end >= size ? size - 1n : end
  return { start: Number(start), length: Number(last - start + 1n) }
}

function once(run: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) run()
    isDone = true
  }
}

function tooMany(what: string, limit: number): Error {
  return storageProblems.error('ERR_OBJECTS_OPEN', `${limit} objects are being ${what} already`)
}

export const containerMissing = (name: string): Error =>
  storageProblems.error('ERR_CONTAINER_MISSING', `there is no container ${shown(name)}`)
export const containerExists = (name: string): Error =>
  storageProblems.error('ERR_CONTAINER_EXISTS', `there is a container ${shown(name)} already`)
export const objectMissing = (container: string, name: string): Error =>
  storageProblems.error('ERR_OBJECT_MISSING', `there is no object ${shown(name)} in ${shown(container)}`)

function shown(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name)
}
