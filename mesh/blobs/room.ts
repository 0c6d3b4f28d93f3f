/**
 * How much room blobs take on the disk, and what goes when there is none: blobs that no release needs and nobody holds, the
 * one first that was not used for longest. What a release needs is never removed; then there is no room.
 */
import { type Clock, type Digest, type Log } from '../../core/index.ts'
import type { ComponentRef } from '../releases/index.ts'
import { Turns } from '../identity/index.ts'
import { blobLimits } from './limits.ts'
import { blobsProblems } from './problems.ts'
import type { Shard } from './shard.ts'

/** What the disk holds of blobs, in bytes. */
export interface BlobUsage {
  readonly usedBytes: number
  /** Infinity for no quota but the disk's own. */
  readonly quotaBytes: number
  /** Removed to make room, since the store was opened. */
  readonly evictedBytes: number
}

export interface RoomParts {
  readonly quotaBytes: number
  readonly clock: Clock
  readonly log: Log
  shards(): Promise<readonly Shard[]>
  /** Blobs of these components, as far as their lists are here. */
  blobsOf(components: readonly ComponentRef[]): Promise<ReadonlySet<Digest>>
  isHeld(digest: Digest): boolean
  onRemoved(digest: Digest): void
}

export class Room {
  readonly #parts: RoomParts
  readonly #turns = new Turns()
  /** Being written. */
  #reservedBytes = 0
  #evictedBytes = 0
  #barrenUntil = 0
  #needed: (() => readonly ComponentRef[]) | null = null

  constructor(parts: RoomParts) {
    this.#parts = parts
  }

  /** Who knows what releases need; before that nothing is evicted. */
  setNeeded(needed: () => readonly ComponentRef[]): void {
    this.#needed = needed
  }

  async usage(): Promise<BlobUsage> {
    const { quotaBytes } = this.#parts
    return { usedBytes: await this.#usedBytes(), quotaBytes, evictedBytes: this.#evictedBytes }
  }

  /**
   * Runs `write` where there is room for so many bytes, or where room could be made.
   * @throws ERR_BLOB_QUOTA, and what `write` throws
   */
  async within(bytes: number, write: () => Promise<void>): Promise<void> {
    const { quotaBytes } = this.#parts
    if (quotaBytes === Number.POSITIVE_INFINITY) return write()
    await this.#turns.take(() => this.#reserve(bytes))
    try {
      await write()
    } finally {
      this.#reservedBytes -= bytes
    }
  }

  async #reserve(bytes: number): Promise<void> {
    const { quotaBytes } = this.#parts
    const over = async (): Promise<number> =>
      (await this.#usedBytes()) + this.#reservedBytes + bytes - quotaBytes
    let missing = await over()
    // A little more than that, so that not every chunk looks through all.
    if (missing > 0) await this.#evict(missing + Math.min(quotaBytes / 20, blobLimits.componentBytes))
    missing = await over()
    if (missing > 0) {
      throw blobsProblems.error(
        'ERR_BLOB_QUOTA',
        `components may take ${quotaBytes} bytes on this disk; ${missing} more are needed, and all are in use`,
      )
    }
    this.#reservedBytes += bytes
  }

  /** Makes room on a disk that is full. @returns the bytes that were freed */
  free(bytes: number): Promise<number> {
    return this.#turns.take(() => this.#evict(bytes))
  }

  /** Removes all that neither these components need nor anybody holds. @returns how many blobs went */
  async collect(keep: readonly ComponentRef[]): Promise<number> {
    const { log, shards, blobsOf } = this.#parts
    const needed = await blobsOf(keep)
    let blobs = 0
    for (const shard of await shards()) {
      for (const digest of shard.blobs().keys()) {
        if (!needed.has(digest) && (await this.#remove(shard, digest))) blobs++
      }
    }
    if (blobs > 0) log.info('blobs:collected', { blobs })
    return blobs
  }

  async #remove(shard: Shard, digest: Digest): Promise<boolean> {
    const { isHeld, onRemoved } = this.#parts
    const isGone = await shard.removeUnless(digest, () => isHeld(digest))
    if (isGone) onRemoved(digest)
    return isGone
  }

  async #usedBytes(): Promise<number> {
    let sum = 0
    for (const { bytes } of await this.#parts.shards()) sum += bytes
    return sum
  }

  async #evict(bytes: number): Promise<number> {
    const { clock, log, shards, blobsOf, isHeld } = this.#parts
    if (this.#needed === null || clock.monotonicMs() < this.#barrenUntil) return 0
    const needed = await blobsOf(this.#needed())
    const candidates = (await shards())
      .flatMap((shard) => [...shard.blobs()].map(([digest, held]) => ({ shard, digest, ...held })))
      .filter(({ digest }) => !needed.has(digest) && !isHeld(digest))
      .sort((a, b) => a.usedAt - b.usedAt)
    let freed = 0
    for (const { shard, digest, sizeBytes } of candidates) {
      if (freed >= bytes) break
      if (await this.#remove(shard, digest)) freed += sizeBytes
    }
    // Every chunk of a fetch would look through all blobs again.
    if (freed === 0) this.#barrenUntil = clock.monotonicMs() + blobLimits.fullDiskPauseMs / 2
    else log.info('blobs:evicted', { bytes: freed })
    this.#evictedBytes += freed
    return freed
  }
}
