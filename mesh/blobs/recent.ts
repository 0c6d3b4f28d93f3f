/** Verified blobs in memory, the least recently used leave first. What has just come is what neighbours ask for next. */
import type { Digest } from '../../core/index.ts'

export class RecentBlobs {
  readonly #maxBytes: number
  readonly #blobs = new Map<Digest, Uint8Array>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  has(digest: Digest): boolean {
    return this.#blobs.has(digest)
  }

  get(digest: Digest): Uint8Array | null {
    const bytes = this.#blobs.get(digest)
    if (bytes === undefined) return null
    this.#blobs.delete(digest)
    this.#blobs.set(digest, bytes)
    return bytes
  }

  put(digest: Digest, bytes: Uint8Array): void {
    this.delete(digest)
    // A small view into a large buffer would keep all of it.
    const own = bytes.buffer.byteLength > 2 * bytes.length ? bytes.slice() : bytes
    this.#blobs.set(digest, own)
    this.#bytes += own.length
    for (const oldest of this.#blobs.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.delete(oldest)
    }
  }

  delete(digest: Digest): void {
    const bytes = this.#blobs.get(digest)
    if (bytes === undefined) return
    this.#blobs.delete(digest)
    this.#bytes -= bytes.length
  }
}
