/**
 * Content-addressed blobs on the disk: chunks and chunk lists, in 256 folders by the first byte of their digest.
 *
 * A component is never stored as a whole, so two releases share what they have in common. Nothing is believed: bytes are
 * hashed before they are written and after they are read, and what is damaged counts as missing and is fetched again.
 */
import {
  digestOf,
  isDigest,
  isSelvedgeError,
  silentLog,
  systemClock,
  type Cancel,
  type Clock,
  type Digest,
  type DurableFolder,
  type Log,
} from '../../core/index.ts'
import { Turns } from '../identity/index.ts'
import type { BlobRef, ComponentRef } from '../releases/index.ts'
import { assembled, isWhole } from './assembly.ts'
import { componentRef, distinctChunks, readChunkList, type ChunkList } from './chunk-list.ts'
import { Holds } from './holds.ts'
import { blobLimits } from './limits.ts'
import { blobsProblems } from './problems.ts'
import { RecentBlobs } from './recent.ts'
import { Room, type BlobUsage, type NeededComponents, type RoomClaim } from './room.ts'
import type { Shard } from './shard.ts'
import { Shards } from './shards.ts'

export interface BlobStoreOptions {
  readonly clock?: Clock
  readonly log?: Log
  /** Most bytes of blobs on the disk; the disk's own size where it is left out. */
  readonly quotaBytes?: number | undefined
  /** Most bytes of verified blobs in memory; the usual where it is left out. */
  readonly recentBytes?: number | undefined
}

/** `incomplete`: something is missing or was damaged. `mismatched`: all is there and adds up to something else. */
export type ComponentState = 'whole' | 'incomplete' | 'mismatched'

export interface Collected {
  readonly blobs: number
}

/** @param folder the store's own: nobody else writes there, and it is opened once */
export async function openBlobStore(
  folder: DurableFolder,
  options: BlobStoreOptions = {},
): Promise<BlobStore> {
  return new BlobStore(folder, options)
}

export class BlobStore {
  readonly #log: Log
  readonly #holds: Holds
  readonly #room: Room
  readonly #shards: Shards
  readonly #recent: RecentBlobs
  readonly #listeners = new Set<(digest: Digest) => void>()
  readonly #lanes = Array.from({ length: blobLimits.parallelWrites }, () => new Turns())
  #nextLane = 0

  constructor(
    folder: DurableFolder,
    {
      clock = systemClock,
      log = silentLog,
      quotaBytes = Number.POSITIVE_INFINITY,
      recentBytes = blobLimits.recentBytes,
    }: BlobStoreOptions,
  ) {
    this.#recent = new RecentBlobs(recentBytes)
    this.#shards = new Shards(folder, { clock, log })
    this.#log = log
    this.#holds = new Holds(clock, blobLimits.graceMs)
    this.#room = new Room({
      quotaBytes,
      clock,
      log,
      shards: () => this.#shards.all(),
      blobsOf: (components) => this.#blobsOf(components),
      isHeld: (digest) => this.#holds.has(digest),
      onRemoved: (digest) => this.#recent.delete(digest),
    })
  }

  /** What the blobs take of the disk. Looks at all of them the first time. */
  usage(): Promise<BlobUsage> {
    return this.#room.usage()
  }

  /** Who knows which components releases need. What they do not need makes room when there is none. */
  setNeeded(needed: () => NeededComponents): void {
    this.#room.setNeeded(needed)
  }

  /** Asks for room for a component before its chunks come. */
  claim(ref: ComponentRef): RoomClaim {
    return this.#room.claim(ref)
  }

  /**
   * Stores one chunk or chunk list; resolved means it is on the disk.
   * @throws ERR_BLOB_DIGEST where the bytes have another digest, ERR_BLOB_SIZE over the limit, ERR_DISK_FULL,
   *   ERR_BLOB_QUOTA
   */
  async putChunk(digest: Digest, bytes: Uint8Array): Promise<void> {
    if (bytes.length > blobLimits.chunkListBytes) {
      throw blobsProblems.error(
        'ERR_BLOB_SIZE',
        `a blob has ${bytes.length} bytes; ${blobLimits.chunkListBytes} are allowed`,
      )
    }
    const actual = digestOf(bytes)
    if (actual !== digest) {
      throw blobsProblems.error('ERR_BLOB_DIGEST', `bytes named ${digest} have the digest ${actual}`)
    }
    await this.keep(digest, bytes)
  }

  /**
   * As {@link putChunk}, for bytes whose digest was just checked. They can be read, and are announced, before they are
   * on the disk: peers wait for them, and hash them anyway.
   * @throws ERR_DISK_FULL, ERR_BLOB_QUOTA, and they are gone again
   */
  async keep(digest: Digest, bytes: Uint8Array): Promise<void> {
    const release = this.hold([digest])
    this.#recent.put(digest, bytes)
    try {
      for (const listener of this.#listeners) listener(digest)
      const shard = await this.#shards.of(digest)
      await this.#lane().take(() => this.#write(shard, digest, bytes))
    } catch (error) {
      this.#recent.delete(digest)
      throw error
    } finally {
      release()
    }
  }

  async #write(shard: Shard, digest: Digest, bytes: Uint8Array): Promise<void> {
    if (shard.has(digest) && (await shard.get(digest)) !== null) return
    const write = (): Promise<void> => shard.put(digest, bytes)
    await this.#room.within(digest, bytes.length, async () => {
      try {
        await write()
      } catch (error) {
        if (!isSelvedgeError(error, 'ERR_DISK_FULL') || (await this.#room.free(2 * bytes.length)) === 0)
          throw error
        await write()
      }
    })
  }

  /** Calls `listener` with each blob that comes, once it is verified. */
  onArrival(listener: (digest: Digest) => void): Cancel {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Whether the blob is here. Goes by name: only reading finds damage. */
  async has(digest: Digest): Promise<boolean> {
    return this.#recent.has(digest) || (await this.#shards.of(digest)).has(digest)
  }

  /** @returns the verified bytes, or null where there are none or they were damaged (and are now removed) */
  async getChunk(digest: Digest): Promise<Uint8Array | null> {
    if (!isDigest(digest)) return null
    const recent = this.#recent.get(digest)
    const shard = await this.#shards.of(digest)
    if (recent !== null) {
      shard.used(digest)
      return recent
    }
    const bytes = await shard.get(digest)
    if (bytes !== null) this.#recent.put(digest, bytes)
    return bytes
  }

  /**
   * Cuts and stores a component, its list last. It survives collection for {@link blobLimits}.graceMs though no release
   * names it yet.
   * @throws ERR_BLOB_SIZE, ERR_DISK_FULL, ERR_BLOB_QUOTA
   */
  async putComponent(bytes: Uint8Array): Promise<ComponentRef> {
    const { ref, list, chunks } = componentRef(bytes)
    const claim = this.claim(ref)
    let release: (() => void) | null = null
    try {
      await claim.take([ref.chunks, ...chunks])
      release = this.hold([ref.chunks.digest, ...chunks.map((chunk) => chunk.digest)])
      const queue = chunks.values()
      const write = async (): Promise<void> => {
        for (const chunk of queue) await this.putChunk(chunk.digest, chunk.bytes)
      }
      await Promise.all(Array.from({ length: blobLimits.parallelWrites }, write))
      await this.putChunk(ref.chunks.digest, list)
      return ref
    } finally {
      claim.drop()
      release?.()
    }
  }

  /** @returns the component, hashed as a whole, or null where anything is missing, damaged or does not add up */
  async readComponent(ref: ComponentRef): Promise<Uint8Array | null> {
    const list = await this.#readableList(ref)
    if (list === null) return null
    const bytes = await assembled(ref, list, (digest) => this.#peek(digest))
    // Whatever is damaged must not be offered to anybody any more.
    if (bytes === null) await this.#sift(list)
    return bytes
  }

  /** Reads every chunk of a component from the disk and hashes the whole, one chunk in memory at a time. */
  async check(ref: ComponentRef): Promise<ComponentState> {
    const list = await this.#readableList(ref)
    if (list === null) return 'incomplete'
    return (await isWhole(ref, list, (digest) => this.#peek(digest))) ? 'whole' : this.#sift(list)
  }

  /** What the disk says, not hashed. */
  async #peek(digest: Digest): Promise<Uint8Array | null> {
    return (await this.#shards.of(digest)).peek(digest)
  }

  /** Finds all that is damaged in one go: only where the whole is wrong is each chunk worth a hash. */
  async #sift(list: ChunkList): Promise<'incomplete' | 'mismatched'> {
    let isComplete = true
    for (const { digest } of list.chunks) {
      if ((await (await this.#shards.of(digest)).get(digest)) !== null) continue
      isComplete = false
      this.#recent.delete(digest)
    }
    return isComplete ? 'mismatched' : 'incomplete'
  }

  /** The chunk list of `ref`, or null where it is not here. @throws ERR_CHUNK_LIST where it is here and unusable */
  async readList(ref: ComponentRef): Promise<ChunkList | null> {
    const bytes = await this.getChunk(ref.chunks.digest)
    return bytes === null ? null : readChunkList(bytes, ref)
  }

  /** Chunks of `list` that are not here, each once, in order. Goes by name: only reading finds damage. */
  async missing(list: ChunkList): Promise<BlobRef[]> {
    const lacking: BlobRef[] = []
    for (const chunk of distinctChunks(list)) {
      if (!(await this.#shards.of(chunk.digest)).has(chunk.digest)) lacking.push(chunk)
    }
    return lacking
  }

  /** Whether the list and every chunk of `ref` are here. Goes by name: only reading finds damage. */
  async holds(ref: ComponentRef): Promise<boolean> {
    const list = await this.#readableList(ref)
    return list !== null && (await this.missing(list)).length === 0
  }

  /** Keeps blobs from being collected until released, and for the grace time after that. */
  hold(digests: readonly Digest[]): () => void {
    return this.#holds.take(digests)
  }

  /**
   * Removes what neither `keep` names nor anything holds. Chunks of a kept component whose list is lost are not known
   * and go too.
   */
  async collect(keep: readonly ComponentRef[]): Promise<Collected> {
    this.#holds.forgetOld()
    return { blobs: await this.#room.collect(keep) }
  }

  async #blobsOf(components: readonly ComponentRef[]): Promise<Set<Digest>> {
    const digests = new Set<Digest>()
    for (const ref of components) {
      digests.add(ref.chunks.digest)
      for (const chunk of (await this.#readableList(ref))?.chunks ?? []) digests.add(chunk.digest)
    }
    return digests
  }

  async #readableList(ref: ComponentRef): Promise<ChunkList | null> {
    try {
      return await this.readList(ref)
    } catch (error) {
      this.#log.warn('chunk-list:unusable', { digest: ref.chunks.digest, error })
      return null
    }
  }

  /** A fetch hands over chunks faster than a card takes them; each write costs an open file. */
  #lane(): Turns {
    this.#nextLane = (this.#nextLane + 1) % blobLimits.parallelWrites
    return this.#lanes[this.#nextLane] ?? new Turns()
  }
}
