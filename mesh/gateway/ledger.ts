/**
 * What a gateway has given away: places of nodes that cannot be dialled, circuits, and bytes per second.
 *
 * Pure: the time goes in, refusals and waits come out. Only members get here, so a bound is there to keep one broken or
 * greedy member from taking what the others need.
 */
import { TokenBucket } from '../../core/index.ts'
import type { NodeId } from '../transport/index.ts'
import { gatewayLimits } from './limits.ts'

export interface Refusal {
  readonly code: 'ERR_GATEWAY_FULL' | 'ERR_GATEWAY_NO_PLACE'
  readonly message: string
}

/** Two members that speak through this gateway. */
export interface Circuit {
  readonly from: NodeId
  readonly to: NodeId
}

export interface LedgerCounts {
  readonly places: number
  readonly circuits: number
}

type LedgerLimits = Readonly<
  Record<'places' | 'placeMs' | 'circuits' | 'circuitsFrom' | 'circuitsTo' | 'memberShare', number>
>

export class Ledger {
  readonly #limits: LedgerLimits
  readonly #bytesPerSecond: number
  readonly #all: TokenBucket
  /** Until when each place is kept; monotonic ms. */
  readonly #places = new Map<NodeId, number>()
  readonly #circuits = new Set<Circuit>()
  /** Of members that have a circuit. */
  readonly #shares = new Map<NodeId, TokenBucket>()

  /** @param bytesPerSecond in all, both directions together */
  constructor(bytesPerSecond: number = gatewayLimits.bytesPerSecond, limits: LedgerLimits = gatewayLimits) {
    this.#limits = limits
    this.#bytesPerSecond = bytesPerSecond
    this.#all = new TokenBucket(bytesPerSecond)
  }

  /** Keeps a place, or keeps it for longer. @returns for how long, ms */
  reserve(node: NodeId, nowMs: number): number | Refusal {
    this.#expire(nowMs)
    const { places, placeMs } = this.#limits
    if (!this.#places.has(node) && this.#places.size >= places) {
      return { code: 'ERR_GATEWAY_FULL', message: `it keeps places for ${places} nodes already` }
    }
    this.#places.set(node, nowMs + placeMs)
    return placeMs
  }

  /** Gives a place up; circuits that are open go on. */
  release(node: NodeId): void {
    this.#places.delete(node)
  }

  /** Opens a circuit; {@link close} it when it ends. */
  connect(from: NodeId, to: NodeId, nowMs: number): Circuit | Refusal {
    this.#expire(nowMs)
    const { circuits, circuitsFrom, circuitsTo } = this.#limits
    if (!this.#places.has(to) || from === to) {
      return { code: 'ERR_GATEWAY_NO_PLACE', message: 'the node keeps no place here' }
    }
    if (this.#circuits.size >= circuits) return full(`it has ${circuits} connections under way`)
    if (this.#count((circuit) => circuit.from === from) >= circuitsFrom) {
      return full(`it has ${circuitsFrom} connections of this node under way`)
    }
    if (this.#count((circuit) => circuit.to === to) >= circuitsTo) {
      return full(`it has ${circuitsTo} connections to that node under way`)
    }
    const circuit = { from, to }
    this.#circuits.add(circuit)
    return circuit
  }

  close(circuit: Circuit): void {
    this.#circuits.delete(circuit)
    for (const node of [circuit.from, circuit.to]) {
      if (this.#count(({ from, to }) => from === node || to === node) === 0) this.#shares.delete(node)
    }
  }

  /** Counts a piece that is carried. @returns how long to wait before the next of this circuit, ms; 0 for not at all */
  carry({ from, to }: Circuit, bytes: number, nowMs: number): number {
    const buckets = [this.#all, this.#shareOf(from), this.#shareOf(to)]
    for (const bucket of buckets) bucket.take(bytes, nowMs)
    return Math.max(...buckets.map((bucket) => bucket.waitMs(nowMs)))
  }

  /** Members that need their connection to this gateway: those with a place or a circuit. */
  needed(nowMs: number): NodeId[] {
    this.#expire(nowMs)
    return [
      ...new Set([...this.#places.keys(), ...[...this.#circuits].flatMap(({ from, to }) => [from, to])]),
    ]
  }

  counts(nowMs: number): LedgerCounts {
    this.#expire(nowMs)
    return { places: this.#places.size, circuits: this.#circuits.size }
  }

  #count(is: (circuit: Circuit) => boolean): number {
    let count = 0
    for (const circuit of this.#circuits) if (is(circuit)) count++
    return count
  }

  #shareOf(node: NodeId): TokenBucket {
    const known = this.#shares.get(node)
    if (known !== undefined) return known
    const share = new TokenBucket(this.#bytesPerSecond * this.#limits.memberShare)
    this.#shares.set(node, share)
    return share
  }

  #expire(nowMs: number): void {
    for (const [node, untilMs] of this.#places) if (untilMs <= nowMs) this.#places.delete(node)
  }
}

function full(message: string): Refusal {
  return { code: 'ERR_GATEWAY_FULL', message }
}
