/**
 * Who watches whom, computed by everybody alike from the list of members, so that no list of neighbours travels.
 *
 * Members stand in two circles, by a hash of their ids. On the first, a node's neighbours are the three before and the
 * three behind it; these know each other, so watchers of one node can compare what they see without asking the whole
 * mesh. On the second they are the one before and the one behind: the far links that make the graph an expander
 * (Rapid, Suresh et al. 2018, takes several circles with one neighbour each; its watchers share no connections).
 */
import { digestOf } from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'

/** Neighbours on each side, per circle. */
const reaches = [3, 1] as const
/** Up to so many members everybody is everybody's neighbour. */
export const wholeMesh = 9
/** More than a node has: eight. */
export const neighboursAtMost = 16

const nobody: ReadonlySet<NodeId> = new Set()

interface Place {
  readonly node: NodeId
  readonly at: readonly number[]
}

export class Rings {
  readonly nodes: readonly NodeId[]
  readonly #places: ReadonlyMap<NodeId, Place>
  readonly #circles: readonly (readonly NodeId[])[]
  readonly #index: readonly ReadonlyMap<NodeId, number>[]
  readonly #whole = new Map<NodeId, readonly NodeId[]>()
  readonly #order: ReadonlyMap<NodeId, number>
  readonly #near: (readonly number[] | undefined)[] = []

  /** @param before spares hashing those who were members already */
  constructor(nodes: Iterable<NodeId>, before: Rings | null = null) {
    this.nodes = [...new Set(nodes)].sort()
    this.#order = new Map(this.nodes.map((node, place) => [node, place]))
    const known = before === null ? null : before.#places
    const places = this.nodes.map((node) => known?.get(node) ?? placeOf(node))
    this.#places = new Map(places.map((place) => [place.node, place]))
    this.#circles = reaches.map((_, circle) =>
      [...places]
        .sort((a, b) => (a.at[circle] as number) - (b.at[circle] as number) || (a.node < b.node ? -1 : 1))
        .map(({ node }) => node),
    )
    this.#index = this.#circles.map((circle) => new Map(circle.map((node, index) => [node, index])))
  }

  get size(): number {
    return this.nodes.length
  }

  has(node: NodeId): boolean {
    return this.#places.has(node)
  }

  /** Where a member stands in {@link nodes}; undefined for a stranger. */
  place(node: NodeId): number | undefined {
    return this.#order.get(node)
  }

  /** The places of a member's neighbours, all of them there, by its own. */
  neighboursAt(place: number): readonly number[] {
    const known = this.#near[place]
    if (known !== undefined) return known
    const node = this.nodes[place]
    const near = node === undefined ? [] : this.neighbours(node).map((other) => this.place(other) as number)
    this.#near[place] = near
    return near
  }

  /**
   * The neighbours of a member: those who watch it, and whom it watches. Symmetric among those who are there.
   * @param gone members that are dead or left, passed over
   * @returns at most eight, or all while they are few; none for a stranger
   */
  neighbours(node: NodeId, gone: ReadonlySet<NodeId> = nobody): readonly NodeId[] {
    if (!this.has(node)) return []
    if (gone.size > 0) return this.#compute(node, gone)
    const known = this.#whole.get(node) ?? this.#compute(node, nobody)
    this.#whole.set(node, known)
    return known
  }

  #compute(node: NodeId, gone: ReadonlySet<NodeId>): readonly NodeId[] {
    const present = this.size - gone.size + (gone.has(node) ? 1 : 0)
    if (present <= wholeMesh) return this.nodes.filter((other) => other !== node && !gone.has(other))
    const found = new Set<NodeId>()
    for (const [circle, reach] of reaches.entries()) {
      for (const step of [1, -1]) this.#walk(circle, node, step, reach, gone, found)
    }
    return [...found]
  }

  #walk(
    circle: number,
    node: NodeId,
    step: number,
    reach: number,
    gone: ReadonlySet<NodeId>,
    found: Set<NodeId>,
  ): void {
    const order = this.#circles[circle] as readonly NodeId[]
    const start = this.#index[circle]?.get(node) as number
    let wanted: number = reach
    for (let away = 1; away < order.length && wanted > 0; away++) {
      const other = order[(start + step * away + away * order.length) % order.length] as NodeId
      if (gone.has(other)) continue
      found.add(other)
      wanted--
    }
  }
}

function placeOf(node: NodeId): Place {
  const encoder = new TextEncoder()
  const at = reaches.map((_, circle) =>
    // 48 bits: exact in a number, and two members in one place are told apart by their ids.
    Number.parseInt(digestOf(encoder.encode(`selvedge ring ${circle} ${node}`)).slice(0, 12), 16),
  )
  return { node, at }
}
