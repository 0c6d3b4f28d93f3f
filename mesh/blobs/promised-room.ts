/**
 * Room that was promised and is not used yet, by blob: what two components have in common is counted once, and so is one
 * component that comes in two ways.
 */
import type { Digest } from '../../core/index.ts'

export class PromisedRoom {
  readonly #blobs = new Map<Digest, { sizeBytes: number; promises: number }>()
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  has(digest: Digest): boolean {
    return this.#blobs.has(digest)
  }

  /** How much more would be promised with these. */
  added(sizes: ReadonlyMap<Digest, number>): number {
    let sum = 0
    for (const [digest, sizeBytes] of sizes) if (!this.#blobs.has(digest)) sum += sizeBytes
    return sum
  }

  /** @returns gives back what was not used; calling it twice gives back once */
  add(sizes: ReadonlyMap<Digest, number>): () => void {
    const digests = new Set(sizes.keys())
    for (const [digest, sizeBytes] of sizes) {
      const known = this.#blobs.get(digest)
      if (known !== undefined) {
        known.promises++
        continue
      }
      this.#blobs.set(digest, { sizeBytes, promises: 1 })
      this.#bytes += sizeBytes
    }
    return () => {
      for (const digest of digests) {
        const known = this.#blobs.get(digest)
        if (known === undefined || --known.promises > 0) continue
        this.#blobs.delete(digest)
        this.#bytes -= known.sizeBytes
      }
      digests.clear()
    }
  }

  /** The blob is being written. @returns undoes that, where it was not */
  use(digest: Digest): () => void {
    const known = this.#blobs.get(digest)
    if (known === undefined) return () => {}
    const { sizeBytes } = known
    known.sizeBytes = 0
    this.#bytes -= sizeBytes
    return () => {
      if (this.#blobs.get(digest) !== known) return
      known.sizeBytes += sizeBytes
      this.#bytes += sizeBytes
    }
  }
}
