/**
 * What peers say they have of one component, before and after its list is known. A place in the list is a bit; the first
 * is bit 0 of byte 0.
 */
import type { Digest } from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import type { BlobRef } from '../releases/index.ts'
import { blobLimits } from './limits.ts'

export class Claims {
  readonly #bits = new Map<NodeId, Uint8Array>()
  #chunks: readonly BlobRef[] = []

  /** @returns the chunks that it means, as far as the list is known */
  replace(peer: NodeId, bits: Uint8Array): Digest[] {
    this.#bits.delete(peer)
    // A view into a frame would keep the frame.
    this.#bits.set(peer, bits.slice())
    return this.#meaning(bits)
  }

  add(peer: NodeId, places: readonly number[]): Digest[] {
    let bits = this.#bits.get(peer) ?? new Uint8Array(0)
    for (const place of places) {
      if (place >> 3 >= bits.length) {
        const larger = new Uint8Array(Math.min(mostBytes, Math.max(16, bits.length * 2, (place >> 3) + 1)))
        larger.set(bits)
        bits = larger
      }
      bits[place >> 3] = (bits[place >> 3] ?? 0) | (1 << (place & 7))
    }
    this.#bits.set(peer, bits)
    return places.flatMap((place) => this.#chunks[place]?.digest ?? [])
  }

  forget(peer: NodeId): void {
    this.#bits.delete(peer)
  }

  /** Whether it has all of a list that is known. */
  isWhole(peer: NodeId): boolean {
    const bits = this.#bits.get(peer)
    const has = (place: number): boolean => ((bits?.[place >> 3] ?? 0) & (1 << (place & 7))) !== 0
    return this.#chunks.length > 0 && this.#chunks.every((_, place) => has(place))
  }

  /** What was said so far, of this list. @param chunks of the list, each once */
  about(chunks: readonly BlobRef[]): { peer: NodeId; digests: Digest[] }[] {
    this.#chunks = chunks
    return [...this.#bits].map(([peer, bits]) => ({ peer, digests: this.#meaning(bits) }))
  }

  #meaning(bits: Uint8Array): Digest[] {
    return this.#chunks
      .filter((_, place) => ((bits[place >> 3] ?? 0) & (1 << (place & 7))) !== 0)
      .map(({ digest }) => digest)
  }
}

const mostBytes = Math.ceil(blobLimits.chunksPerComponent / 8) + 1
