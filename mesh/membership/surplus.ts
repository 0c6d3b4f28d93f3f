/** Which connections to close: only beyond a number that costs little, and never one that somebody needs. */
import type { NodeId } from '../identity/index.ts'

/** Neighbours are eight; others come from healed cuts, transfers and calls, and may come in handy again. */
export const keptConnections = 16
/** So often connections beyond those that are needed are looked for. */
const lookMs = 30_000

export class Surplus {
  /** Peers that other parts need connections to, and until when: monotonic ms. */
  readonly #pinned = new Map<NodeId, number>()
  #nextMs = 0

  pin(node: NodeId, untilMs: number): void {
    this.#pinned.set(node, Math.max(untilMs, this.#pinned.get(node) ?? 0))
  }

  isPinned(node: NodeId, nowMs: number): boolean {
    return (this.#pinned.get(node) ?? 0) > nowMs
  }

  /** @returns whom to hang up on now; nobody where it is not yet time to look */
  due(peers: readonly NodeId[], neighbours: readonly NodeId[], nowMs: number): readonly NodeId[] {
    if (nowMs < this.#nextMs) return []
    this.#nextMs = nowMs + lookMs
    for (const [node, untilMs] of this.#pinned) if (untilMs <= nowMs) this.#pinned.delete(node)
    const needed = new Set([...neighbours, ...this.#pinned.keys()])
    const spare = peers.filter((peer) => !needed.has(peer))
    return spare.slice(0, Math.max(0, peers.length - keptConnections))
  }
}
