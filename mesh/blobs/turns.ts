/**
 * Who asks a seed for what, without a word: rendezvous hashing (Thaler and Ravishankar, 1998) gives every chunk one order
 * of the nodes that fetch it. Each asks first for those that it is first for, so that neighbours ask a seed for different
 * ones, and have something for each other at once. Who errs about who else fetches loses some of that and nothing more.
 */
import type { Digest } from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'

/** A number of 32 bits that stands for a node or a chunk (FNV-1a). */
export function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

export class FetchTurns {
  readonly #self: number
  readonly #others = new Map<NodeId, number>()

  constructor(self: NodeId) {
    this.#self = hash32(self)
  }

  /** @returns whether that changes anything */
  set(peer: NodeId, isFetching: boolean): boolean {
    if (this.#others.has(peer) === isFetching) return false
    if (isFetching) this.#others.set(peer, hash32(peer))
    else this.#others.delete(peer)
    return true
  }

  /** How many of the others come before this node, for a chunk. */
  of(digest: Digest): number {
    const chunk = Number.parseInt(digest.slice(0, 8), 16)
    const own = mixed(chunk ^ this.#self)
    let before = 0
    for (const other of this.#others.values()) if (mixed(chunk ^ other) > own) before++
    return before
  }
}

/** The finaliser of MurmurHash3: every bit depends on all. */
function mixed(value: number): number {
  let hash = value >>> 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
