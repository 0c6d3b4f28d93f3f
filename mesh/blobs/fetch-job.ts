/**
 * One component on its way to the disk: the list of its chunks first, then the chunks that are not there yet, then a
 * look at all of it. Does what the schedule decides; what it stored stays, so the next attempt resumes there.
 */
import {
  every,
  isSelvedgeError,
  type Cancel,
  type Clock,
  type Digest,
  type Random,
  type TokenBucket,
} from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import type { BlobRef, ComponentRef } from '../releases/index.ts'
import { distinctChunks, type ChunkList } from './chunk-list.ts'
import { Arrivals } from './arrivals.ts'
import { Claims } from './claims.ts'
import type { FetchAction, FetchEvent } from './fetch-events.ts'
import { FetchSchedule } from './fetch.ts'
import type { FetchProgress } from './fetch-progress.ts'
import { blobLimits } from './limits.ts'
import type { BlobNotice } from './messages.ts'
import { blobsProblems } from './problems.ts'
import { RateMeter } from './rate-meter.ts'
import type { RoomClaim } from './room.ts'
import type { BlobStore, ComponentState } from './store.ts'

export interface FetchJobNeeds {
  readonly self: NodeId
  readonly ref: ComponentRef
  readonly store: BlobStore
  readonly clock: Clock
  readonly random: Random
  readonly budget: TokenBucket
  /** Peers that are reached through gateways alone. */
  relayed(): readonly NodeId[]
  request(peer: NodeId, digests: readonly Digest[]): void
  cancel(peer: NodeId, digests: readonly Digest[]): void
  misbehaved(peer: NodeId, reason: string): void
  stalled(peer: NodeId, reason: string): void
  onProgress(progress: FetchProgress): void
  /** Who takes the component as it is read back. */
  takers(): readonly ((bytes: Uint8Array) => void)[]
}

/** How often stalled peers and ended pauses are looked for. */
const tickMs = 250

export class FetchJob {
  readonly #needs: FetchJobNeeds
  readonly #schedule: FetchSchedule
  readonly #claims = new Claims()
  readonly #meter = new RateMeter()
  readonly #arrivals: Arrivals
  readonly #claim: RoomClaim
  /** What each chunk fills of the component: one chunk may fill many places. */
  #places = new Map<Digest, number>()
  #haveBytes = 0
  #diskBytes = 0
  #fetchedBytes = 0
  #phase: { resolve(): void; reject(error: Error): void } | null = null
  #paused: FetchProgress['paused'] = null
  /** When room is asked for again; null while none is waited for. */
  #claimAt: number | null = null
  #failure: Error | null = null
  #releases: (() => void)[] = []

  constructor(needs: FetchJobNeeds) {
    this.#needs = needs
    this.#schedule = new FetchSchedule(needs)
    this.#claim = needs.store.claim(needs.ref)
    this.#arrivals = new Arrivals({
      store: needs.store,
      clock: needs.clock,
      stored: (digest, sizeBytes) => this.#stored(digest, sizeBytes),
      dropped: (digest) => this.observe({ type: 'unstored', digest }),
      paused: (error) => this.#pause(error),
      resumed: () => this.#resume(),
      failed: (error) => this.abort(error),
    })
  }

  get list(): Digest {
    return this.#needs.ref.chunks.digest
  }

  get progress(): FetchProgress {
    const now = this.#needs.clock.monotonicMs()
    return {
      haveBytes: this.#haveBytes,
      totalBytes: this.#needs.ref.sizeBytes,
      fetchedBytes: this.#fetchedBytes,
      diskBytes: this.#diskBytes,
      bytesPerSecond: this.#meter.bytesPerSecond(now),
      sources: this.#schedule.sources(now),
      paused: this.#paused,
    }
  }

  /** @throws ERR_CHUNK_LIST, ERR_BLOB_MISMATCH, ERR_BLOB_STORE, or what {@link abort} was given */
  async run(): Promise<void> {
    const ticking: Cancel = every(this.#needs.clock, tickMs, () => this.#tick())
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
      this.#claim.drop()
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
    this.#arrivals.take(digest, bytes)
    this.#meter.add(bytes.length, this.#needs.clock.monotonicMs())
    this.observe({ type: 'chunk', peer, digest, sizeBytes: bytes.length })
  }

  /** What a peer says that it has. */
  hear(peer: NodeId, notice: BlobNotice): void {
    if (notice.kind === 'missing') return this.observe({ type: 'missing', peer, digests: notice.digests })
    if (notice.list !== this.list) return
    const news =
      notice.kind === 'has' ? this.#claims.replace(peer, notice.bits) : this.#claims.add(peer, notice.places)
    this.#tellHas(peer, news)
  }

  observe(event: FetchEvent): void {
    if (this.#failure !== null) return
    if (event.type === 'peer-down') this.#claims.forget(event.peer)
    for (const action of this.#schedule.handle(event, this.#needs.clock.monotonicMs())) this.#act(action)
  }

  #tick(): void {
    if (this.#failure !== null) return
    this.#arrivals.tick()
    if (this.#claimAt !== null && this.#needs.clock.monotonicMs() >= this.#claimAt) {
      this.#claimAt = null
      this.#phase?.resolve()
    }
    this.observe({ type: 'tick', relayed: this.#needs.relayed() })
    this.#needs.onProgress(this.progress)
  }

  /** @returns whether the component is on the disk, whole */
  async #round(): Promise<boolean> {
    const { store, ref } = this.#needs
    const list = await this.#list()
    await this.#admitted(list)
    this.#hold(list.chunks.map((chunk) => chunk.digest))
    const missing = await store.missing(list)
    this.#count(list, missing)
    await this.#obtain(missing, () => this.#tellClaims(distinctChunks(list)))
    const state = await this.#verified()
    if (this.#failure !== null) throw this.#failure
    if (state === 'whole') this.#needs.onProgress(this.progress)
    if (state !== 'mismatched') return state === 'whole'
    throw blobsProblems.error(
      'ERR_BLOB_MISMATCH',
      `the chunks that ${ref.chunks.digest} lists do not add up to ${ref.digest}`,
    )
  }

  /** Waits for room for all of it: what cannot be finished must not take the room of what can. */
  async #admitted(list: ChunkList): Promise<void> {
    const { store, clock } = this.#needs
    for (;;) {
      try {
        await this.#claim.take(distinctChunks(list))
        return this.#resume()
      } catch (error) {
        if (!isSelvedgeError(error, 'ERR_BLOB_QUOTA')) throw error
        if (this.#failure !== null) throw this.#failure
        if (this.#paused === null) this.#count(list, await store.missing(list))
        this.#pause(error)
      }
      this.#claimAt = clock.monotonicMs() + blobLimits.fullDiskPauseMs
      await this.#phaseEnd()
    }
  }

  #phaseEnd(): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    return new Promise((resolve, reject) => {
      this.#phase = { resolve, reject }
    })
  }

  /** Reads what is on the disk; as a whole only where somebody takes it. */
  async #verified(): Promise<ComponentState> {
    const { store, ref, takers } = this.#needs
    if (takers().length === 0) return store.check(ref)
    const bytes = await store.readComponent(ref)
    if (bytes === null) return store.check(ref)
    for (const take of takers()) take(bytes)
    return 'whole'
  }

  async #list(): Promise<ChunkList> {
    const { store, ref } = this.#needs
    this.#hold([ref.chunks.digest])
    const held = await store.readList(ref)
    if (held !== null) return held
    await this.#obtain([ref.chunks], () => this.#tellClaims([]))
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
    this.#diskBytes = Math.max(0, this.#haveBytes - this.#fetchedBytes)
    this.#needs.onProgress(this.progress)
  }

  /** What was heard before it was known what it means. */
  #tellClaims(chunks: readonly BlobRef[]): void {
    for (const { peer, digests } of this.#claims.about(chunks)) {
      this.#tellHas(peer, digests)
    }
  }

  #tellHas(peer: NodeId, digests: readonly Digest[]): void {
    this.observe({ type: 'has', peer, digests: [this.list, ...digests], isWhole: this.#claims.isWhole(peer) })
  }

  /** Resolves when all of `wants` are on the disk. */
  #obtain(wants: readonly BlobRef[], begun: () => void): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    if (wants.length === 0) return Promise.resolve()
    const ended = this.#phaseEnd()
    this.observe({ type: 'start', wants })
    begun()
    return ended
  }

  #act(action: FetchAction): void {
    switch (action.type) {
      case 'request':
        return this.#needs.request(action.peer, action.digests)
      case 'cancel':
        return this.#needs.cancel(action.peer, action.digests)
      case 'store':
        return this.#arrivals.store(action.digest)
      case 'done':
        this.#phase?.resolve()
        this.#phase = null
        return
      case 'failed':
        return this.abort(blobsProblems.error('ERR_CHUNK_LIST', `a chunk list was refused: ${action.reason}`))
      case 'misbehaved':
        return this.#needs.misbehaved(action.peer, action.reason)
      case 'stalled':
        return this.#needs.stalled(action.peer, action.reason)
    }
  }

  #stored(digest: Digest, sizeBytes: number): void {
    this.#fetchedBytes += sizeBytes
    this.#haveBytes += this.#places.get(digest) ?? 0
    this.observe({ type: 'stored', digest })
  }

  #pause({ code, message }: { readonly code: string; readonly message: string }): void {
    const isFirst = this.#paused === null
    this.#paused = { code, message }
    this.observe({ type: 'pause' })
    if (isFirst) this.#needs.onProgress(this.progress)
  }

  #resume(): void {
    if (this.#paused === null) return
    this.#paused = null
    this.observe({ type: 'resume' })
  }
}
