/**
 * Who wants to know which chunks of which list this node has. The list itself may come later than its follower.
 *
 * What comes to the store is told to the followers soon, together; a node that still fetches is a source already.
 */
import { isSelvedgeError, type Digest } from '../../core/index.ts'
import { decodeChunkList, distinctChunks } from './chunk-list.ts'
import { blobLimits } from './limits.ts'
import type { BlobStore } from './store.ts'

/** Whom to tell. */
export interface Follower {
  /** The list is here, with these of its chunks. */
  has(list: Digest, bits: Uint8Array): void
  gains(list: Digest, place: number): void
}

interface Followed {
  readonly followers: Set<Follower>
  /** Null while the list is not here, or is none. */
  places: Map<Digest, number> | null
}

export class FollowedLists {
  readonly #store: BlobStore
  readonly #lists = new Map<Digest, Followed>()
  /** Those of {@link #lists} whose places are known. */
  readonly #known = new Map<Digest, Followed>()
  #placeCount = 0

  constructor(store: BlobStore) {
    this.#store = store
  }

  async follow(list: Digest, follower: Follower): Promise<void> {
    const followed = this.#lists.get(list) ?? { followers: new Set(), places: null }
    this.#lists.set(list, followed)
    followed.followers.add(follower)
    if (followed.places === null) await this.#load(list, followed)
    if (followed.places !== null) await this.#tell(list, followed.places, [follower])
  }

  unfollow(list: Digest, follower: Follower): void {
    const followed = this.#lists.get(list)
    if (followed === undefined) return
    followed.followers.delete(follower)
    if (followed.followers.size > 0) return
    this.#lists.delete(list)
    if (this.#known.delete(list)) this.#placeCount -= followed.places?.size ?? 0
  }

  /** A verified blob is here. */
  async arrived(digest: Digest): Promise<void> {
    for (const [list, { places, followers }] of this.#known) {
      const place = places?.get(digest)
      if (place !== undefined) for (const follower of followers) follower.gains(list, place)
    }
    const followed = this.#lists.get(digest)
    if (followed === undefined || followed.places !== null) return
    await this.#load(digest, followed)
    if (followed.places !== null) await this.#tell(digest, followed.places, [...followed.followers])
  }

  async #load(list: Digest, followed: Followed): Promise<void> {
    const bytes = await this.#store.getChunk(list)
    if (bytes === null || followed.places !== null || this.#lists.get(list) !== followed) return
    try {
      const chunks = distinctChunks(decodeChunkList(bytes))
      if (this.#placeCount + chunks.length > blobLimits.followedPlaces) return
      followed.places = new Map(chunks.map(({ digest }, place) => [digest, place]))
    } catch (error) {
      // Somebody follows what is no list.
      if (isSelvedgeError(error, 'ERR_CHUNK_LIST')) return
      throw error
    }
    this.#placeCount += followed.places.size
    this.#known.set(list, followed)
  }

  async #tell(list: Digest, places: Map<Digest, number>, followers: readonly Follower[]): Promise<void> {
    const bits = new Uint8Array(Math.ceil(places.size / 8))
    for (const [digest, place] of places) {
      if (await this.#store.has(digest)) bits[place >> 3] = (bits[place >> 3] ?? 0) | (1 << (place & 7))
    }
    for (const follower of followers) follower.has(list, bits)
  }
}
