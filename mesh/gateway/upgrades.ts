/**
 * When to try for a direct connection to a peer that is reached through gateways: a gateway's bytes are everybody's, and
 * networks change. Pure: the time and the peers in, those to try out.
 */
import { backoffMs, type Random } from '../../core/index.ts'
import type { NodeId } from '../transport/index.ts'

/** First after half of this to all of it, then less and less often. */
const baseMs = 4_000
const capMs = 5 * 60_000
/** Tries under way at once. */
const maxTries = 4

interface Try {
  attempt: number
  dueMs: number
  isTrying: boolean
}

export class Upgrades {
  readonly #random: Random
  readonly #tries = new Map<NodeId, Try>()

  constructor(random: Random) {
    this.#random = random
  }

  /** @param relayed all that are reached through gateways now @returns those to connect with directly */
  due(relayed: readonly NodeId[], nowMs: number): NodeId[] {
    const now = new Set(relayed)
    for (const [peer, { isTrying }] of this.#tries) if (!now.has(peer) && !isTrying) this.#tries.delete(peer)
    for (const peer of now) if (!this.#tries.has(peer)) this.#tries.set(peer, this.#later(0, nowMs))
    const trying = [...this.#tries.values()].filter(({ isTrying }) => isTrying).length
    const due = [...this.#tries]
      .filter(([peer, { dueMs, isTrying }]) => now.has(peer) && !isTrying && dueMs <= nowMs)
      .sort(([, a], [, b]) => a.dueMs - b.dueMs)
      .slice(0, Math.max(0, maxTries - trying))
    for (const [, next] of due) next.isTrying = true
    return due.map(([peer]) => peer)
  }

  /** A try ended without a direct connection; of one that succeeded nothing is kept. */
  ended(peer: NodeId, isDirect: boolean, nowMs: number): void {
    const ended = this.#tries.get(peer)
    if (ended === undefined) return
    if (isDirect) this.#tries.delete(peer)
    else this.#tries.set(peer, this.#later(ended.attempt + 1, nowMs))
  }

  #later(attempt: number, nowMs: number): Try {
    return { attempt, dueMs: nowMs + backoffMs(attempt, baseMs, capMs, this.#random), isTrying: false }
  }
}
