/**
 * How much room blobs take on the disk, and what goes when there is none: first blobs that no release needs, the one that
 * was not used for longest; then what came of components that wait for room; then releases to go back to, the oldest
 * first. What must stay is never removed; then there is no room.
 *
 * A component is promised room as a whole before its first chunk: one that cannot be finished would fill the disk with
 * its beginning, and keep out those that fit.
 */
import { type Clock, type Digest, type Log } from '../../core/index.ts'
import type { BlobRef, ComponentRef } from '../releases/index.ts'
import { Turns } from '../identity/index.ts'
import { blobLimits } from './limits.ts'
import { blobsProblems } from './problems.ts'
import { PromisedRoom } from './promised-room.ts'
import type { Shard } from './shard.ts'
import { shardIndex } from './shards.ts'

/** What releases want of this disk. */
export interface NeededComponents {
  /** What runs or is to run: it stays. */
  readonly required: readonly ComponentRef[]
  /** To go back to, the likeliest first: kept as long as nothing else lacks room. */
  readonly kept: readonly ComponentRef[]
}

/** Room for one component, asked for again and again until there is some. */
export interface RoomClaim {
  /**
   * Promises room for those blobs that are not here. Until it does, what is here of the component makes room for others.
   * @throws ERR_BLOB_QUOTA where they do not fit beside what must stay
   */
  take(blobs: readonly BlobRef[]): Promise<void>
  /** Gives back what was promised and not used. */
  drop(): void
}

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
  /** In the order of {@link shardIndex}. */
  shards(): Promise<readonly Shard[]>
  /** Blobs of these components, as far as their lists are here. */
  blobsOf(components: readonly ComponentRef[]): Promise<ReadonlySet<Digest>>
  isHeld(digest: Digest): boolean
  onRemoved(digest: Digest): void
}

const nothing = (): void => {}

export class Room {
  readonly #parts: RoomParts
  readonly #turns = new Turns()
  /** Being written. */
  #reservedBytes = 0
  #evictedBytes = 0
  #barrenUntil = 0
  readonly #promised = new PromisedRoom()
  /** Components for which there was no room. */
  readonly #waiting = new Set<ComponentRef>()
  #needed: (() => NeededComponents) | null = null

  constructor(parts: RoomParts) {
    this.#parts = parts
  }

  /** Who knows what releases need; before that nothing is evicted. */
  setNeeded(needed: () => NeededComponents): void {
    this.#needed = needed
  }

  async usage(): Promise<BlobUsage> {
    const { quotaBytes } = this.#parts
    return { usedBytes: await this.#usedBytes(), quotaBytes, evictedBytes: this.#evictedBytes }
  }

  /**
   * Runs `write` where there is room for so many bytes of the blob, or where room could be made.
   * @throws ERR_BLOB_QUOTA, and what `write` throws
   */
  async within(digest: Digest, bytes: number, write: () => Promise<void>): Promise<void> {
    const { quotaBytes } = this.#parts
    if (quotaBytes === Number.POSITIVE_INFINITY) return write()
    await this.#turns.take(() => this.#reserve(bytes))
    const promiseAgain = this.#promised.use(digest)
    try {
      await write()
    } catch (error) {
      promiseAgain()
      throw error
    } finally {
      this.#reservedBytes -= bytes
    }
  }

  /** For one component; dropped by whoever asked, in the end. */
  claim(component: ComponentRef): RoomClaim {
    const ref = { ...component }
    let giveBack: () => void = nothing
    const drop = (): void => {
      giveBack()
      giveBack = nothing
      this.#waiting.delete(ref)
    }
    const take = async (blobs: readonly BlobRef[]): Promise<void> => {
      drop()
      if (this.#parts.quotaBytes === Number.POSITIVE_INFINITY) return
      giveBack = await this.#turns.take(() => this.#promise(ref, blobs))
    }
    return { take, drop }
  }

  async #promise(ref: ComponentRef, blobs: readonly BlobRef[]): Promise<() => void> {
    const { quotaBytes, shards } = this.#parts
    const held = await shards()
    const isHere = (digest: Digest): boolean => held[shardIndex(digest)]?.has(digest) === true
    // What is here is named too: it must not make room for the rest.
    const sizes = new Map(blobs.map(({ digest, sizeBytes }) => [digest, isHere(digest) ? 0 : sizeBytes]))
    const takenBytes = (await this.#usedBytes()) + this.#reservedBytes + this.#promised.bytes
    const missing = takenBytes + this.#promised.added(sizes) - quotaBytes
    if (missing <= 0) return this.#promised.add(sizes)
    const spareBytes = (await this.#candidates())
      .filter(({ digest }) => !sizes.has(digest))
      .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    if (missing <= spareBytes) return this.#promised.add(sizes)
    this.#waiting.add(ref)
    const lackingBytes = [...sizes.values()].reduce((sum, sizeBytes) => sum + sizeBytes, 0)
    throw blobsProblems.error(
      'ERR_BLOB_QUOTA',
      `${lackingBytes} bytes of the component are to come, ${missing - spareBytes} more than components may take: ` +
        `${quotaBytes} bytes on this disk, and what has to stay is in the way`,
    )
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
    const { clock, log } = this.#parts
    if (this.#needed === null || clock.monotonicMs() < this.#barrenUntil) return 0
    let freed = 0
    for (const { shard, digest, sizeBytes } of await this.#candidates()) {
      if (freed >= bytes) break
      if (await this.#remove(shard, digest)) freed += sizeBytes
    }
    // Every chunk of a fetch would look through all blobs again.
    if (freed === 0) this.#barrenUntil = clock.monotonicMs() + blobLimits.fullDiskPauseMs / 2
    else log.info('blobs:evicted', { bytes: freed })
    this.#evictedBytes += freed
    return freed
  }

  /** What may go, in this order. */
  async #candidates(): Promise<Candidate[]> {
    const { shards, blobsOf, isHeld } = this.#parts
    if (this.#needed === null) return []
    const { required, kept } = this.#needed()
    const waiting = new Set([...this.#waiting].map(({ chunks }) => chunks.digest))
    const waits = ({ chunks }: ComponentRef): boolean => waiting.has(chunks.digest)
    const needed = await blobsOf(required.filter((ref) => !waits(ref)))
    const ranks = new Map<Digest, number>()
    for (const digest of await blobsOf([...this.#waiting])) ranks.set(digest, 1)
    // Release by release: half of one is of no use.
    for (const [index, ref] of kept.toReversed().entries()) {
      if (waits(ref)) continue
      for (const digest of await blobsOf([ref])) ranks.set(digest, 2 + index)
    }
    const rank = (digest: Digest): number => ranks.get(digest) ?? 0
    return (await shards())
      .flatMap((shard) => [...shard.blobs()].map(([digest, held]) => ({ shard, digest, ...held })))
      .filter(({ digest }) => !needed.has(digest) && !isHeld(digest) && !this.#promised.has(digest))
      .sort((a, b) => rank(a.digest) - rank(b.digest) || a.usedAt - b.usedAt)
  }
}

interface Candidate {
  readonly shard: Shard
  readonly digest: Digest
  readonly sizeBytes: number
}
