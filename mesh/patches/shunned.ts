/** Peers that handed out something wrong, for a while. */
import type { Clock } from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import { patchLimits } from './limits.ts'

export class Shunned {
  readonly #clock: Clock
  /** Until when, monotonic; the oldest first. */
  readonly #until = new Map<NodeId, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  has(peer: NodeId): boolean {
    return (this.#until.get(peer) ?? 0) > this.#clock.monotonicMs()
  }

  add(peer: NodeId): void {
    this.#until.delete(peer)
    const oldest = this.#until.keys().next().value
    if (this.#until.size >= patchLimits.shunnedPeers && oldest !== undefined) this.#until.delete(oldest)
    this.#until.set(peer, this.#clock.monotonicMs() + patchLimits.shunMs)
  }
}
