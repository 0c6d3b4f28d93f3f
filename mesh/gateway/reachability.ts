/**
 * Whether others can connect to this node.
 *
 * Pure: answers and the time in, questions out. Members are asked to dial back. One that cannot is enough to take
 * gateways, as it will not be the only one: a place too much costs little, and a member that nobody can call is lost to
 * half of its mesh.
 */
import type { NodeId } from '../transport/index.ts'

/** As its owner sets it: `auto` asks members. */
export type Reachable = 'auto' | 'yes' | 'no'

export type ReachabilityEvent =
  /** The addresses of its own that it tells others. */
  | { readonly type: 'addresses'; readonly list: readonly string[] }
  /** Members to ask, best first: those of other groups, as they are likely elsewhere. */
  | { readonly type: 'peers'; readonly list: readonly NodeId[] }
  /** @see {@link ReachabilityAction}; null where no answer came */
  | { readonly type: 'answered'; readonly peer: NodeId; readonly isReached: boolean | null }
  | { readonly type: 'tick' }

export interface ReachabilityAction {
  readonly type: 'ask'
  readonly peer: NodeId
}

/** Members asked in one round. */
const asked = 3
/** A round that found nothing wrong is repeated so often: routers and firewalls change rarely. */
const goodMs = 10 * 60_000
/** One that did. */
const badMs = 60_000
/** One that nobody answered. */
const silentMs = 10_000

export class Reachability {
  readonly #mode: Reachable
  #addresses: readonly string[] | null = null
  #peers: readonly NodeId[] = []
  #waiting = new Set<NodeId>()
  readonly #answers = new Map<NodeId, boolean>()
  #isReached: boolean | null = null
  #dueMs = 0

  constructor(mode: Reachable) {
    this.#mode = mode
  }

  /** null while it is not known. */
  get isReachable(): boolean | null {
    if (this.#mode !== 'auto') return this.#mode === 'yes'
    // Nobody can dial who listens on nothing.
    if (this.#addresses !== null && this.#addresses.length === 0) return false
    return this.#isReached
  }

  /** @param nowMs monotonic */
  on(event: ReachabilityEvent, nowMs: number): ReachabilityAction[] {
    switch (event.type) {
      case 'addresses':
        if (this.#addresses?.join() !== event.list.join()) this.#dueMs = nowMs
        this.#addresses = event.list
        break
      case 'peers':
        this.#peers = event.list
        break
      case 'answered':
        this.#answered(event.peer, event.isReached, nowMs)
        break
      case 'tick':
        break
    }
    return this.#ask(nowMs)
  }

  #answered(peer: NodeId, isReached: boolean | null, nowMs: number): void {
    if (!this.#waiting.delete(peer)) return
    if (isReached !== null) this.#answers.set(peer, isReached)
    // One that cannot is known at once; that all can, when all have answered.
    if (isReached === false) this.#isReached = false
    if (this.#waiting.size > 0) return
    if (this.#answers.size > 0) this.#isReached = [...this.#answers.values()].every((reached) => reached)
    const pauseMs = this.#isReached === true ? goodMs : badMs
    this.#dueMs = nowMs + (this.#answers.size > 0 ? pauseMs : silentMs)
  }

  #ask(nowMs: number): ReachabilityAction[] {
    if (this.#mode !== 'auto' || this.#addresses === null || this.#addresses.length === 0) return []
    if (this.#waiting.size > 0 || nowMs < this.#dueMs || this.#peers.length === 0) return []
    this.#answers.clear()
    const peers = this.#peers.slice(0, asked)
    this.#waiting = new Set(peers)
    return peers.map((peer) => ({ type: 'ask', peer }))
  }
}
