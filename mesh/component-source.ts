/**
 * How a node comes by a release's component: from its disk, by a patch from what it has, or in chunks, whichever is
 * there first. What a patch gives is cut here, so that others can fetch its chunks from this node as from any.
 */
import { messageOf, type Digest, type Log } from '../core/index.ts'
import type { BlobExchange, BlobStore, FetchCall, FetchProgress } from './blobs/index.ts'
import type { NodeId } from './identity/index.ts'
import { patchLimits, type PatchExchange, type PatchSeek, type PatchTraffic } from './patches/index.ts'
import {
  componentsOf,
  counterpartOf,
  type ComponentRef,
  type ReleaseLog,
  type ReleaseRecord,
} from './releases/index.ts'

export interface ComponentSourceParts {
  readonly blobs: BlobStore
  readonly exchange: BlobExchange
  readonly patches: PatchExchange
  readonly releases: Pick<ReleaseLog, 'history' | 'get'>
  readonly log: Log
}

export interface ObtainProgress {
  /** Of the component, on the disk. */
  readonly haveBytes: number
  readonly totalBytes: number
  /** What came from peers for it, patches and chunk lists included … */
  readonly fetchedBytes: number
  /** … and how much of that as patches. */
  readonly patchBytes: number
  /** Why nothing is asked for at the moment, as a disk that is full; it goes on by itself. */
  readonly paused: FetchProgress['paused']
}

export interface ObtainCall {
  readonly signal: AbortSignal
  /** Called whenever something came; must not throw. */
  readonly onProgress: (progress: ObtainProgress) => void
}

const releasePrefix = 'release/'

/** Apps of which is remembered who told of their newest release. */
const rememberedTellers = 1_024

export class ComponentSource {
  readonly #parts: ComponentSourceParts
  readonly #tellers = new Map<string, NodeId>()

  constructor(parts: ComponentSourceParts) {
    this.#parts = parts
  }

  /** Who told of a release (a head's key) has it, and probably a patch too. */
  heard(key: string, from: NodeId): void {
    if (!key.startsWith(releasePrefix)) return
    const app = key.slice(releasePrefix.length)
    this.#tellers.delete(app)
    const oldest = this.#tellers.keys().next().value
    if (this.#tellers.size >= rememberedTellers && oldest !== undefined) this.#tellers.delete(oldest)
    this.#tellers.set(app, from)
  }

  get patchTraffic(): PatchTraffic {
    return this.#parts.patches.traffic
  }

  /** Drops from the disk what belongs to none of these. */
  async collect(kept: readonly ComponentRef[]): Promise<void> {
    await this.#parts.blobs.collect(kept)
    await this.#parts.patches.retain(kept)
  }

  /** Makes patches from the release before this one, one for each variant, for the others. Never rejects. */
  async prepareFor(record: ReleaseRecord): Promise<void> {
    const { releases, patches } = this.#parts
    const before = record.previous === null ? null : releases.get(record.previous)
    if (before === null) return
    for (const target of componentsOf(record)) {
      const base = counterpartOf(record, target, before.record)
      if (base !== null) await patches.make(base, target)
    }
  }

  /**
   * @param record with the component that is wanted: of a release with variants, the one that this node runs
   * @returns the component's bytes; null where they are on the disk no longer when they are read
   * @throws what {@link BlobExchange.fetch} throws, the signal's reason
   */
  async obtain(record: ReleaseRecord, { signal, onProgress }: ObtainCall): Promise<Uint8Array | null> {
    const { component } = record
    const { blobs, patches } = this.#parts
    const held = await blobs.readComponent(component)
    if (held !== null) return held
    let [chunkBytes, patchBytes, haveBytes] = [0, 0, 0]
    let paused: FetchProgress['paused'] = null
    const tell = (): void => {
      const totalBytes = component.sizeBytes
      onProgress({ haveBytes, totalBytes, fetchedBytes: chunkBytes + patchBytes, patchBytes, paused })
    }
    const seek = patches.seek(record.app, component, await this.#bases(record), {
      likely: this.#tellers.get(record.app),
      onPiece: (receivedBytes) => {
        patchBytes = receivedBytes
        tell()
      },
    })
    const onChunks = (progress: FetchProgress): void => {
      ;({ haveBytes, fetchedBytes: chunkBytes, paused } = progress)
      seek?.observe({ type: 'left', bytes: component.sizeBytes - haveBytes })
      tell()
    }
    // Read back and hashed by the fetch; preparing needs no second look at the disk.
    const read: { bytes: Uint8Array | null } = { bytes: null }
    const taking: FetchCall = {
      onProgress: onChunks,
      onWhole: (bytes) => {
        read.bytes = bytes
      },
    }
    if (seek === null) {
      await this.#parts.exchange.fetch(component, { signal, ...taking })
      return read.bytes ?? blobs.readComponent(component)
    }
    const stop = (): void => seek.stop()
    signal.addEventListener('abort', stop, { once: true })
    try {
      const patched = await this.#byEither(component, seek, signal, taking)
      if (patched === null) return read.bytes ?? (await blobs.readComponent(component))
      haveBytes = component.sizeBytes
      paused = null
      tell()
      return patched
    } finally {
      signal.removeEventListener('abort', stop)
      seek.stop()
    }
  }

  /** @returns what a patch gave, stored; or null when the chunks are there */
  async #byEither(
    component: ComponentRef,
    seek: PatchSeek,
    signal: AbortSignal,
    taking: FetchCall,
  ): Promise<Uint8Array | null> {
    const patched = seek.found.then((bytes) => (bytes === null ? null : this.#keep(component, bytes)))
    const early = await Promise.race([patched, seek.unpromising.then(() => null)])
    signal.throwIfAborted()
    if (early !== null) return early
    const enough = new AbortController()
    const giveUp = (): void => enough.abort(signal.reason)
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      const chunks = this.#parts.exchange.fetch(component, { ...taking, signal: enough.signal })
      return await new Promise<Uint8Array | null>((resolve, reject) => {
        chunks.then(() => resolve(null), reject)
        // A search that found nothing leaves it to the chunks.
        patched.then((bytes) => {
          if (bytes !== null) resolve(bytes)
        }, reject)
      })
    } finally {
      signal.removeEventListener('abort', giveUp)
      enough.abort(new Error('the component is there'))
    }
  }

  /** @returns null where it cannot be stored as it was signed, so that chunks have to do */
  async #keep(component: ComponentRef, bytes: Uint8Array): Promise<Uint8Array | null> {
    const { blobs, log } = this.#parts
    try {
      const { chunks } = await blobs.putComponent(bytes)
      if (chunks.digest === component.chunks.digest) return bytes
      log.info('patch:other-list', { target: component.digest })
    } catch (error) {
      log.warn('patch:not-stored', { target: component.digest, error: messageOf(error) })
    }
    return null
  }

  /** Components of other releases of the app that are on the disk, the newest first. */
  async #bases({ app, component }: ReleaseRecord): Promise<ComponentRef[]> {
    const { releases, blobs } = this.#parts
    const bases = new Map<Digest, ComponentRef>()
    for (const base of releases.history(app).flatMap(({ record }) => componentsOf(record))) {
      if (bases.size >= patchLimits.basesPerFind) break
      if (base.digest === component.digest || bases.has(base.digest)) continue
      if (await blobs.holds(base)) bases.set(base.digest, base)
    }
    return [...bases.values()]
  }
}
