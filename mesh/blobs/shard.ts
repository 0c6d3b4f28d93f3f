/**
 * A 256th of the store: one folder of blobs named by their digest, and in memory which it holds, how large, and when
 * each was last used.
 *
 * Writes and removals take turns, so that a blob that is collected while it is written again ends up either way on the
 * disk as the index says. What is read is hashed again: a disk is not believed.
 */
import {
  digestOf,
  isSelvedgeError,
  type Clock,
  type Digest,
  type DurableFolder,
  type Log,
} from '../../core/index.ts'
import { Turns } from '../identity/index.ts'
import { blobLimits } from './limits.ts'

export interface Held {
  readonly sizeBytes: number
  /** Monotonic; -1 for not since the store was opened. */
  usedAt: number
}

interface ShardParts {
  readonly clock: Clock
  readonly log: Log
}

export class Shard {
  readonly #folder: DurableFolder
  readonly #log: Log
  readonly #blobs: Map<Digest, Held>
  readonly #clock: Clock
  readonly #turns = new Turns()
  #bytes = 0

  private constructor(folder: DurableFolder, sizes: ReadonlyMap<string, number>, { clock, log }: ShardParts) {
    this.#folder = folder
    this.#clock = clock
    this.#log = log
    // Nobody knows when they were used: they are older than all that is.
    this.#blobs = new Map([...sizes].map(([name, sizeBytes]) => [name, { sizeBytes, usedAt: -1 }]))
    for (const sizeBytes of sizes.values()) this.#bytes += sizeBytes
  }

  static async open(folder: DurableFolder, parts: ShardParts): Promise<Shard> {
    return new Shard(folder, await folder.sizes(), parts)
  }

  /** Of all its blobs. */
  get bytes(): number {
    return this.#bytes
  }

  has(digest: Digest): boolean {
    return this.#blobs.has(digest)
  }

  blobs(): ReadonlyMap<Digest, Held> {
    return this.#blobs
  }

  /** It was read, here or from memory. */
  used(digest: Digest): void {
    const held = this.#blobs.get(digest)
    if (held !== undefined) held.usedAt = this.#clock.monotonicMs()
  }

  /** @returns bytes that have this digest, or null; what is damaged is removed */
  async get(digest: Digest): Promise<Uint8Array | null> {
    if (!this.#blobs.has(digest)) return null
    this.used(digest)
    const bytes = await this.#read(digest)
    if (bytes !== null) return bytes
    // Look again in turn: it may just have been written anew.
    return this.#turns.take(async () => {
      const again = await this.#read(digest)
      if (again === null) await this.#drop(digest)
      return again
    })
  }

  /** @returns what the disk gives, not hashed, or null */
  async peek(digest: Digest): Promise<Uint8Array | null> {
    if (!this.#blobs.has(digest)) return null
    this.used(digest)
    return this.#take(digest)
  }

  /** Writes what is not there or damaged. */
  async put(digest: Digest, bytes: Uint8Array): Promise<void> {
    if ((await this.get(digest)) !== null) return
    await this.#turns.take(async () => {
      if (this.#blobs.has(digest)) return
      await this.#folder.write(digest, bytes)
      this.#blobs.set(digest, { sizeBytes: bytes.length, usedAt: this.#clock.monotonicMs() })
      this.#bytes += bytes.length
    })
  }

  /** Removes the blob unless `isNeeded` says otherwise when its turn has come. */
  async removeUnless(digest: Digest, isNeeded: () => boolean): Promise<boolean> {
    return this.#turns.take(async () => {
      if (isNeeded() || !this.#forget(digest)) return false
      await this.#folder.remove(digest)
      return true
    })
  }

  async #read(digest: Digest): Promise<Uint8Array | null> {
    const bytes = await this.#take(digest)
    return bytes !== null && digestOf(bytes) === digest ? bytes : null
  }

  async #take(digest: Digest): Promise<Uint8Array | null> {
    try {
      return await this.#folder.read(digest, blobLimits.chunkListBytes)
    } catch (error) {
      if (isSelvedgeError(error, 'ERR_FILE_TOO_LARGE')) return null
      throw error
    }
  }

  #forget(digest: Digest): boolean {
    this.#bytes -= this.#blobs.get(digest)?.sizeBytes ?? 0
    return this.#blobs.delete(digest)
  }

  async #drop(digest: Digest): Promise<void> {
    if (!this.#forget(digest)) return
    this.#log.warn('blob:damaged', { digest })
    await this.#folder.remove(digest)
  }
}
