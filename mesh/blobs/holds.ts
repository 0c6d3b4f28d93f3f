/**
 * Which blobs must not be collected though no release names them: those of a running upload or fetch, and for a while
 * those of one that has just ended, because the release that names them is still on its way.
 */
import type { Clock, Digest } from '../../core/index.ts'

export class Holds {
  readonly #clock: Clock
  readonly #graceMs: number
  readonly #held = new Map<Digest, number>()
  /** When the last hold ended, monotonic. */
  readonly #released = new Map<Digest, number>()

  constructor(clock: Clock, graceMs: number) {
    this.#clock = clock
    this.#graceMs = graceMs
  }

  /** @returns the release; calling it twice releases once */
  take(digests: readonly Digest[]): () => void {
    const taken = new Set(digests)
    for (const digest of taken) this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1)
    return () => {
      const now = this.#clock.monotonicMs()
      for (const digest of taken) {
        const left = (this.#held.get(digest) ?? 1) - 1
        if (left === 0) this.#held.delete(digest)
        else this.#held.set(digest, left)
        this.#released.set(digest, now)
      }
      taken.clear()
    }
  }

  has(digest: Digest): boolean {
    return this.#held.has(digest) || this.#isFresh(this.#released.get(digest))
  }

  forgetOld(): void {
    for (const [digest, at] of this.#released) if (!this.#isFresh(at)) this.#released.delete(digest)
  }

  #isFresh(releasedAt: number | undefined): boolean {
    return releasedAt !== undefined && this.#clock.monotonicMs() - releasedAt < this.#graceMs
  }
}
