/**
 * What a node has refused of its peers since it started, for the metrics. A few fixed names: nothing that a peer
 * says of itself may grow these tables.
 */

/** Distinct reasons kept; the codes that this node itself gives are far fewer. */
const maxReasons = 64
/** In the place of any reason beyond. */
const otherReason = 'other'

export interface MeshCounts {
  /** Connections that this node did not admit, by the code of its own problem. */
  readonly refusedByUs: Readonly<Record<string, number>>
  /** Connections on which the peer did not admit this node. Its reasons are its own words, and not kept. */
  readonly refusedByThem: number
  /** Heads that were not taken, by their kind: `trust`, `member`, `release`, `fork`, `node`, or `unknown`. */
  readonly headsRefused: Readonly<Record<string, number>>
  /** Times a peer was shut out for a while for what it sent. */
  readonly bans: number
}

export class MeshCounters {
  readonly #refusedByUs = new Map<string, number>()
  readonly #headsRefused = new Map<string, number>()
  #refusedByThem = 0
  #bans = 0

  connectionRefused(by: 'us' | 'them', code: string): void {
    if (by === 'them') this.#refusedByThem += 1
    else addOne(this.#refusedByUs, code)
  }

  /** @param kind null where there is no such kind of head */
  headRefused(kind: string | null): void {
    addOne(this.#headsRefused, kind ?? 'unknown')
  }

  banned(): void {
    this.#bans += 1
  }

  get counts(): MeshCounts {
    return {
      refusedByUs: Object.fromEntries(this.#refusedByUs),
      refusedByThem: this.#refusedByThem,
      headsRefused: Object.fromEntries(this.#headsRefused),
      bans: this.#bans,
    }
  }
}

function addOne(counts: Map<string, number>, name: string): void {
  const key = counts.has(name) || counts.size < maxReasons ? name : otherReason
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
