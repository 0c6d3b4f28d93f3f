/**
 * The part of the mesh that this node reaches: a walk over the graph of neighbours, along every edge that no
 * vote calls broken. A part that is cut off votes about all its edges to the outside, so the walk ends there.
 *
 * It is asked for several times a second while anybody is in doubt. So the tree of the last walk is kept: as long as none
 * of its edges breaks, all that it holds are still reached, and where one does, another edge mostly takes its place.
 * Members go by their places in the list.
 */
import type { NodeId } from '../identity/index.ts'
import type { Rings } from './rings.ts'

/** No place: members are some thousands. */
const nowhere = 0xffff
/** With more members outside who are not gone, a new walk is as cheap as to look whether one of them is reached again. */
const fewOutside = 64

export class Reach {
  /** How many are reached, this node included. */
  readonly size: number
  /** Who is not: also those who were gone when it was looked at. */
  readonly missed: ReadonlySet<NodeId>

  constructor(size: number, missed: ReadonlySet<NodeId>) {
    this.size = size
    this.missed = missed
  }

  has(member: NodeId): boolean {
    return !this.missed.has(member)
  }
}

/** The graph as it is at one moment. */
export interface Ground {
  readonly rings: Rings
  /** Another for every change of who is gone. */
  readonly version: number
  readonly self: NodeId
  /** How many are not gone. */
  readonly present: number
  /** Whom this node reaches by connections of its own. */
  readonly first: readonly NodeId[]
  /** They may be reached; nobody knows yet whom they reach. */
  readonly ends: readonly NodeId[]
  /** Places of the two ends of each broken edge, one after the other; none of this node's own. */
  readonly broken: readonly number[]
  /** Of the member at a place, without those who are gone; none for one that is itself. Symmetric. */
  neighboursAt(place: number): readonly number[]
}

export class Reaching {
  #ground: Ground | null = null
  #parents = new Uint16Array(0)
  #outside: number[] = []
  #edges: Set<number> | null = null
  #reach = new Reach(0, new Set())

  /** @returns the same object as long as nothing changes */
  look(ground: Ground): Reach {
    const isSame = this.#ground !== null && isSameGround(this.#ground, ground)
    this.#ground = ground
    this.#edges = null
    if (!isSame || !this.#mend(ground)) this.#walk(ground)
    return this.#reach
  }

  /** Keeps the tree. @returns false where a new walk is needed */
  #mend(ground: Ground): boolean {
    const { broken } = ground
    const before = this.#outside.length
    if (before - (ground.rings.size - ground.present) > fewOutside) return false
    const parents = this.#parents
    for (let at = 0; at < broken.length; at += 2) {
      const [one, other] = [broken[at] as number, broken[at + 1] as number]
      const cutOff = parents[one] === other ? one : parents[other] === one ? other : null
      if (cutOff !== null && !this.#attach(cutOff, ground)) {
        if (ground.neighboursAt(cutOff).some((place) => parents[place] === cutOff)) return false
        parents[cutOff] = nowhere
        this.#outside.push(cutOff)
      }
    }
    const isLarger = this.#outside.length > before
    if (this.#readmit(ground) || isLarger) this.#tell(ground)
    return true
  }

  /** Finds another edge to one that is cut off. */
  #attach(place: number, ground: Ground): boolean {
    const parents = this.#parents
    for (const other of ground.neighboursAt(place)) {
      if (parents[other] === nowhere || this.#isBroken(place, other, ground)) continue
      if (parents[other] === other && !this.#isFirst(place, ground)) continue
      if (this.#isBelow(other, place)) continue
      parents[place] = other
      return true
    }
    return false
  }

  /** Takes in those outside who are reached again. */
  #readmit(ground: Ground): boolean {
    const before = this.#outside.length
    for (let size = -1; size !== this.#outside.length;) {
      size = this.#outside.length
      this.#outside = this.#outside.filter((place) => !this.#attach(place, ground))
    }
    return this.#outside.length < before
  }

  #isBelow(place: number, top: number): boolean {
    const parents = this.#parents
    for (let at = place; ; at = parents[at] as number) {
      if (at === top) return true
      if (at === nowhere || parents[at] === at) return false
    }
  }

  #isFirst(place: number, { rings, first }: Ground): boolean {
    return first.includes(rings.nodes[place] as NodeId)
  }

  #isBroken(one: number, other: number, { broken, rings }: Ground): boolean {
    if (this.#edges === null) {
      this.#edges = new Set()
      for (let at = 0; at < broken.length; at += 2) {
        this.#edges.add(edge(broken[at] as number, broken[at + 1] as number, rings))
      }
    }
    return this.#edges.has(edge(one, other, rings))
  }

  #walk(ground: Ground): void {
    const { rings, broken } = ground
    const parents = new Uint16Array(rings.size).fill(nowhere)
    this.#parents = parents
    const isEdgy = new Uint8Array(rings.size)
    for (const place of broken) isEdgy[place] = 1
    const ends = new Set(ground.ends.map((node) => rings.place(node)))
    const self = rings.place(ground.self) ?? nowhere
    const found: number[] = []
    for (const node of [ground.self, ...ground.first]) {
      const place = rings.place(node)
      if (place === undefined || parents[place] !== nowhere) continue
      parents[place] = self
      found.push(place)
    }
    for (let next = 0; next < found.length; next++) {
      const place = found[next] as number
      // Whom this node reaches itself was said.
      if (place === self || ends.has(place)) continue
      for (const other of ground.neighboursAt(place)) {
        if (parents[other] !== nowhere) continue
        if (isEdgy[place] === 1 && isEdgy[other] === 1 && this.#isBroken(place, other, ground)) continue
        parents[other] = place
        found.push(other)
      }
    }
    this.#outside = []
    if (found.length < rings.size) {
      for (let place = 0; place < rings.size; place++) {
        if (parents[place] === nowhere) this.#outside.push(place)
      }
    }
    this.#tell(ground)
  }

  #tell({ rings }: Ground): void {
    const missed = new Set(this.#outside.map((place) => rings.nodes[place] as NodeId))
    this.#reach = new Reach(rings.size - missed.size, missed)
  }
}

/** Members who are reached as of one of the two and not as of the other; null for everybody reached. */
export function differing(before: Reach | null, after: Reach | null): NodeId[] {
  if (before === after) return []
  const [was, is] = [before?.missed ?? new Set<NodeId>(), after?.missed ?? new Set<NodeId>()]
  const found = [...was].filter((node) => !is.has(node))
  for (const node of is) if (!was.has(node)) found.push(node)
  return found.sort()
}

function isSameGround(a: Ground, b: Ground): boolean {
  if (a.rings !== b.rings || a.version !== b.version || a.ends.length > 0 || b.ends.length > 0) return false
  return a.first.length === b.first.length && a.first.every((node, index) => node === b.first[index])
}

function edge(one: number, other: number, { size }: Rings): number {
  return Math.min(one, other) * size + Math.max(one, other)
}
