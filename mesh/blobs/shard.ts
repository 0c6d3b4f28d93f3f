/**
 * A 256th of the store: one folder of blobs named by their digest, and in memory which names it holds.
 *
 * Writes and removals take turns, so that a blob that is collected while it is written again ends up either way on the
 * disk as the index says. What is read is hashed again: a disk is not believed.
 */
import { digestOf, isSelvedgeError, type Digest, type DurableFolder, type Log } from '../../core/index.ts'
import { Turns } from '../identity/index.ts'
import { blobLimits } from './limits.ts'

export class Shard {
  readonly #folder: DurableFolder
  readonly #log: Log
  readonly #names: Set<Digest>
  readonly #turns = new Turns()

  private constructor(folder: DurableFolder, names: readonly string[], log: Log) {
    this.#folder = folder
    this.#names = new Set(names)
    this.#log = log
  }

  static async open(folder: DurableFolder, log: Log): Promise<Shard> {
    return new Shard(folder, await folder.list(), log)
  }

  has(digest: Digest): boolean {
    return this.#names.has(digest)
  }

  names(): Digest[] {
    return [...this.#names]
  }

  /** @returns bytes that have this digest, or null; what is damaged is removed */
  async get(digest: Digest): Promise<Uint8Array | null> {
    if (!this.#names.has(digest)) return null
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
    return this.#names.has(digest) ? this.#take(digest) : null
  }

  /** Writes what is not there or damaged. */
  async put(digest: Digest, bytes: Uint8Array): Promise<void> {
    if ((await this.get(digest)) !== null) return
    await this.#turns.take(async () => {
      if (this.#names.has(digest)) return
      await this.#folder.write(digest, bytes)
      this.#names.add(digest)
    })
  }

  /** Removes the blob unless `isNeeded` says otherwise when its turn has come. */
  async removeUnless(digest: Digest, isNeeded: () => boolean): Promise<boolean> {
    return this.#turns.take(async () => {
      if (isNeeded() || !this.#names.has(digest)) return false
      this.#names.delete(digest)
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

  async #drop(digest: Digest): Promise<void> {
    if (!this.#names.delete(digest)) return
    this.#log.warn('blob:damaged', { digest })
    await this.#folder.remove(digest)
  }
}
