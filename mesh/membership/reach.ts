/**
 * The part of the mesh that this node reaches: a walk over the graph of neighbours, along every edge that no
 * vote calls broken. A part that is cut off votes about all its edges to the outside, so the walk ends there.
 *
 * It is taken several times a second while anybody is in doubt, over all members; so it goes by their places in the list
 * and asks about an edge only where both its ends have a broken one.
 */
import type { NodeId } from '../identity/index.ts'
import type { Rings } from './rings.ts'

/** What a walk knows of the member at a place. */
const reached = 1
const hasBrokenEdge = 2
const endsHere = 4

/** Who is reached, this node included. */
export class Reach {
  readonly size: number
  readonly #rings: Rings
  readonly #marks: Uint8Array

  constructor(rings: Rings, marks: Uint8Array, size: number) {
    this.#rings = rings
    this.#marks = marks
    this.size = size
  }

  has(node: NodeId): boolean {
    const place = this.#rings.place(node)
    return place !== undefined && this.hasAt(place)
  }

  /** The same by place, among those members that the walk was over. */
  hasAt(place: number): boolean {
    return ((this.#marks[place] ?? 0) & reached) !== 0
  }

  isOver(rings: Rings): boolean {
    return this.#rings === rings
  }
}

/** A walk that is being prepared: what is broken is said first. */
export class Walk {
  readonly #rings: Rings
  readonly #marks: Uint8Array
  readonly #broken = new Set<number>()

  constructor(rings: Rings) {
    this.#rings = rings
    this.#marks = new Uint8Array(rings.size)
  }

  /** Somebody says that nothing passes between these two. */
  break(one: NodeId, other: NodeId): void {
    const a = this.#rings.place(one)
    const b = this.#rings.place(other)
    if (a === undefined || b === undefined) return
    this.#mark(a, hasBrokenEdge)
    this.#mark(b, hasBrokenEdge)
    this.#broken.add(this.#edge(a, b))
  }

  /** It may be reached; nobody knows whom it reaches. */
  endAt(node: NodeId): void {
    const place = this.#rings.place(node)
    if (place !== undefined) this.#mark(place, endsHere)
  }

  /**
   * @param first whom this node reaches by connections of its own
   * @param neighboursAt of the member at a place, as places; without those who are gone
   */
  from(self: NodeId, first: readonly NodeId[], neighboursAt: (place: number) => readonly number[]): Reach {
    const marks = this.#marks
    const found: number[] = []
    const add = (place: number | undefined): void => {
      if (place === undefined || ((marks[place] as number) & reached) !== 0) return
      this.#mark(place, reached)
      found.push(place)
    }
    add(this.#rings.place(self))
    for (const node of first) add(this.#rings.place(node))
    // This node itself is the first; whom it reaches was said.
    for (let next = 1; next < found.length; next++) {
      const place = found[next] as number
      const mark = marks[place] as number
      if ((mark & endsHere) !== 0) continue
      const mayBeBroken = (mark & hasBrokenEdge) !== 0
      for (const other of neighboursAt(place)) {
        const theirs = marks[other] as number
        if ((theirs & reached) !== 0) continue
        if (mayBeBroken && (theirs & hasBrokenEdge) !== 0 && this.#broken.has(this.#edge(place, other)))
          continue
        marks[other] = theirs | reached
        found.push(other)
      }
    }
    return new Reach(this.#rings, marks, found.length)
  }

  #mark(place: number, bit: number): void {
    this.#marks[place] = (this.#marks[place] as number) | bit
  }

  #edge(a: number, b: number): number {
    return Math.min(a, b) * this.#rings.size + Math.max(a, b)
  }
}

/** Members that are reached as of one of the two and not as of the other; null for everybody reached. */
export function differing(rings: Rings, before: Reach | null, after: Reach | null): NodeId[] {
  const { nodes } = rings
  const had = before?.isOver(rings) === false ? (place: number) => before.has(nodes[place] as NodeId) : null
  const found: NodeId[] = []
  for (let place = 0; place < nodes.length; place++) {
    const was = had === null ? (before?.hasAt(place) ?? true) : had(place)
    if (was !== (after?.hasAt(place) ?? true)) found.push(nodes[place] as NodeId)
  }
  return found
}
