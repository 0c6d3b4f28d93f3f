/** Who is shut out, and until when. Forgets the one that ends soonest when it is full. */
import type { Clock } from '../../core/index.ts'
import { transportLimits, type NodeId } from './contract.ts'

export class Bans {
  readonly #clock: Clock
  readonly #until = new Map<NodeId, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(peer: NodeId, ms: number): void {
    this.#until.set(peer, this.#clock.monotonicMs() + ms)
    if (this.#until.size <= transportLimits.bans) return
    const soonest = [...this.#until].reduce((first, next) => (next[1] < first[1] ? next : first))
    this.#until.delete(soonest[0])
  }

  has(peer: NodeId): boolean {
    const until = this.#until.get(peer)
    if (until === undefined) return false
    if (until > this.#clock.monotonicMs()) return true
    this.#until.delete(peer)
    return false
  }
}
