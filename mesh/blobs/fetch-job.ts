/**
 * One component on its way to the disk: the list of its chunks first, then the chunks that are not there yet, then a
 * look at all of it. Does what the schedule decides; what it stored stays, so the next attempt resumes there.
 */
import { every, type Cancel, type Clock, type Digest, type Random } from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import type { BlobRef, ComponentRef } from '../releases/index.ts'
import type { ChunkList } from './chunk-list.ts'
import { FetchSchedule, type FetchAction, type FetchEvent } from './fetch.ts'
import { blobLimits } from './limits.ts'
import { blobsProblems } from './problems.ts'
import type { BlobStore } from './store.ts'

export interface FetchProgress {
  /** Of the component, on the disk. */
  readonly haveBytes: number
  readonly totalBytes: number
  /** Taken from peers by this fetch, the chunk list included. */
  readonly fetchedBytes: number
}

export interface FetchJobNeeds {
  readonly ref: ComponentRef
  readonly store: BlobStore
  readonly clock: Clock
  readonly random: Random
  request(peer: NodeId, digests: readonly Digest[]): void
  misbehaved(peer: NodeId, reason: string): void
  onProgress(progress: FetchProgress): void
}

/** How often stalled peers and ended pauses are looked for. */
const tickMs = 250

export class FetchJob {
  readonly #needs: FetchJobNeeds
  readonly #schedule = new FetchSchedule()
  /** Arrived, being written. */
  readonly #arrived = new Map<Digest, Uint8Array>()
  /** What each chunk fills of the component: one chunk may fill many places. */
  #places = new Map<Digest, number>()
  #haveBytes = 0
  #fetchedBytes = 0
  #phase: { resolve(): void; reject(error: Error): void } | null = null
  #failure: Error | null = null
  #releases: (() => void)[] = []

  constructor(needs: FetchJobNeeds) {
    this.#needs = needs
  }

  get progress(): FetchProgress {
    return {
      haveBytes: this.#haveBytes,
      totalBytes: this.#needs.ref.sizeBytes,
      fetchedBytes: this.#fetchedBytes,
    }
  }

  /** @throws ERR_CHUNK_LIST, ERR_BLOB_MISMATCH, ERR_BLOB_STORE, ERR_DISK_FULL, or what {@link abort} was given */
  async run(): Promise<void> {
    const ticking: Cancel = every(this.#needs.clock, tickMs, () => this.observe({ type: 'tick' }))
    try {
      for (let round = 0; round < blobLimits.fetchRounds; round++) if (await this.#round()) return
      throw blobsProblems.error(
        'ERR_BLOB_STORE',
        `${this.#needs.ref.digest} was written ${blobLimits.fetchRounds} times and could not be read back whole`,
      )
    } finally {
      ticking()
      this.#failure ??= blobsProblems.error('ERR_BLOBS_STOPPED', 'the fetch is over')
      for (const release of this.#releases) release()
    }
  }

  /** Ends the fetch with `error`; nothing that is on the disk is lost. */
  abort(error: Error): void {
    this.#failure ??= error
    this.#phase?.reject(this.#failure)
    this.#phase = null
  }

  awaits(digest: Digest): boolean {
    return this.#failure === null && this.#schedule.awaits(digest)
  }

  /** Takes bytes that have this digest. */
  take(peer: NodeId, digest: Digest, bytes: Uint8Array): void {
    if (!this.awaits(digest)) return
    this.#arrived.set(digest, bytes)
    this.observe({ type: 'chunk', peer, digest, sizeBytes: bytes.length })
  }

  observe(event: FetchEvent): void {
    if (this.#failure !== null) return
    for (const action of this.#schedule.handle(event, this.#needs.clock.monotonicMs())) this.#act(action)
  }

  /** @returns whether the component is on the disk, whole */
  async #round(): Promise<boolean> {
    const { store, ref } = this.#needs
    const list = await this.#list()
    this.#hold(list.chunks.map((chunk) => chunk.digest))
    const missing = await store.missing(list)
    this.#count(list, missing)
    await this.#obtain(shuffled(missing, this.#needs.random))
    const state = await store.check(ref)
    if (this.#failure !== null) throw this.#failure
    if (state !== 'mismatched') return state === 'whole'
    throw blobsProblems.error(
      'ERR_BLOB_MISMATCH',
      `the chunks that ${ref.chunks.digest} lists do not add up to ${ref.digest}`,
    )
  }

  async #list(): Promise<ChunkList> {
    const { store, ref } = this.#needs
    this.#hold([ref.chunks.digest])
    const held = await store.readList(ref)
    if (held !== null) return held
    await this.#obtain([ref.chunks])
    const fetched = await store.readList(ref)
    if (fetched !== null) return fetched
    throw blobsProblems.error('ERR_BLOB_STORE', `the chunk list ${ref.chunks.digest} cannot be read back`)
  }

  #hold(digests: readonly Digest[]): void {
    this.#releases.push(this.#needs.store.hold(digests))
  }

  #count(list: ChunkList, missing: readonly BlobRef[]): void {
    this.#places = new Map()
    for (const { digest, sizeBytes } of list.chunks) {
      this.#places.set(digest, (this.#places.get(digest) ?? 0) + sizeBytes)
    }
    const lacking = missing.reduce((sum, { digest }) => sum + (this.#places.get(digest) ?? 0), 0)
    this.#haveBytes = list.sizeBytes - lacking
    this.#needs.onProgress(this.progress)
  }

  /** Resolves when all of `wants` are on the disk. */
  #obtain(wants: readonly BlobRef[]): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    if (wants.length === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#phase = { resolve, reject }
      this.observe({ type: 'start', wants })
    })
  }

  #act(action: FetchAction): void {
    switch (action.type) {
      case 'request':
        return this.#needs.request(action.peer, action.digests)
      case 'store':
        return this.#store(action.digest)
      case 'done':
        this.#phase?.resolve()
        this.#phase = null
        return
      case 'failed':
        return this.abort(blobsProblems.error('ERR_CHUNK_LIST', `a chunk list was refused: ${action.reason}`))
      case 'misbehaved':
        return this.#needs.misbehaved(action.peer, action.reason)
    }
  }

  #store(digest: Digest): void {
    const bytes = this.#arrived.get(digest)
    if (bytes === undefined) return
    this.#needs.store
      .putChunk(digest, bytes)
      .then(() => this.#stored(digest, bytes.length))
      .catch((error: unknown) => this.abort(error as Error))
  }

  #stored(digest: Digest, sizeBytes: number): void {
    this.#arrived.delete(digest)
    this.#fetchedBytes += sizeBytes
    this.#haveBytes += this.#places.get(digest) ?? 0
    if (this.#failure === null) this.#needs.onProgress(this.progress)
    this.observe({ type: 'stored', digest })
  }
}

/** Nodes that fetch at the same time start in different places, and so soon have something for each other. */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items]
  for (let at = result.length - 1; at > 0; at--) {
    const other = Math.floor(random.fraction() * (at + 1))
    const [a, b] = [result[at], result[other]]
    if (a !== undefined && b !== undefined) [result[at], result[other]] = [b, a]
  }
  return result
}
