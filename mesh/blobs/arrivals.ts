/**
 * Chunks that came for one fetch, on their way to the disk. A full disk is waited for: somebody makes room, or calls the
 * fetch off. A write that failed in another way is made again, a few times: one bad moment of a card must not cost what came.
 */
import { isSelvedgeError, messageOf, type Clock, type Digest } from '../../core/index.ts'
import { blobLimits } from './limits.ts'
import { blobsProblems } from './problems.ts'
import type { BlobStore } from './store.ts'

export interface ArrivalsNeeds {
  readonly store: Pick<BlobStore, 'keep'>
  readonly clock: Clock
  stored(digest: Digest, sizeBytes: number): void
  /** Too much waits already: it has to come again. */
  dropped(digest: Digest): void
  /** Nothing more should come before {@link resumed}. */
  paused(error: Error & { readonly code: string }): void
  resumed(): void
  /** The disk does not take it. */
  failed(error: Error): void
}

interface FailedWrite {
  attempts: number
  /** Monotonic; null while it is being written. */
  retryAt: number | null
}

export class Arrivals {
  readonly #needs: ArrivalsNeeds
  /** Arrived, not on the disk. */
  readonly #bytes = new Map<Digest, Uint8Array>()
  /** Of these, what waits for room. */
  readonly #unwritten = new Set<Digest>()
  readonly #failed = new Map<Digest, FailedWrite>()
  #isPaused = false
  #retryAt = 0

  constructor(needs: ArrivalsNeeds) {
    this.#needs = needs
  }

  take(digest: Digest, bytes: Uint8Array): void {
    this.#bytes.set(digest, bytes)
  }

  /** Writes what was taken. */
  store(digest: Digest): void {
    const bytes = this.#bytes.get(digest)
    if (bytes === undefined) return
    this.#needs.store
      .keep(digest, bytes)
      .then(() => this.#stored(digest, bytes.length))
      .catch((error: unknown) => this.#unstored(digest, error as Error))
  }

  /** Called often: writes again what is due. */
  tick(): void {
    const now = this.#needs.clock.monotonicMs()
    for (const [digest, write] of this.#failed) {
      if (write.retryAt === null || now < write.retryAt) continue
      write.retryAt = null
      this.store(digest)
    }
    if (this.#isPaused && now >= this.#retryAt) this.#tryRoom(now)
  }

  #stored(digest: Digest, sizeBytes: number): void {
    this.#bytes.delete(digest)
    this.#failed.delete(digest)
    this.#resume()
    this.#needs.stored(digest, sizeBytes)
  }

  #unstored(digest: Digest, error: Error): void {
    if (!isSelvedgeError(error, 'ERR_DISK_FULL', 'ERR_BLOB_QUOTA')) return this.#again(digest, error)
    this.#failed.delete(digest)
    this.#retryAt = this.#needs.clock.monotonicMs() + blobLimits.fullDiskPauseMs
    this.#isPaused = true
    this.#needs.paused(error)
    if (this.#unwritten.size < blobLimits.unwrittenBlobs) {
      this.#unwritten.add(digest)
      return
    }
    this.#bytes.delete(digest)
    this.#needs.dropped(digest)
  }

  #again(digest: Digest, error: Error): void {
    const attempts = (this.#failed.get(digest)?.attempts ?? 0) + 1
    if (attempts < blobLimits.writeAttempts) {
      const retryAt = this.#needs.clock.monotonicMs() + attempts * blobLimits.writePauseMs
      this.#failed.set(digest, { attempts, retryAt })
      return
    }
    this.#needs.failed(
      blobsProblems.error(
        'ERR_BLOB_STORE',
        `${digest} could not be written in ${attempts} attempts: ${messageOf(error)}`,
        { cause: error },
      ),
    )
  }

  /** Tries one of what came and found no room; nothing is asked for again before it is stored. */
  #tryRoom(now: number): void {
    this.#retryAt = now + blobLimits.fullDiskPauseMs
    const [first] = this.#unwritten
    if (first === undefined) return this.#resume()
    this.#unwritten.delete(first)
    this.store(first)
  }

  #resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    const waiting = [...this.#unwritten]
    this.#unwritten.clear()
    for (const digest of waiting) this.store(digest)
    this.#needs.resumed()
  }
}
