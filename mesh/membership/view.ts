/**
 * All that this node holds of the others: who is a member, who is gone, its links, and what was said of whom. Answers the
 * questions that decisions ask of it, and decides nothing.
 */
import type { NodeId } from '../identity/index.ts'
import { CaseFile, type HeldVote } from './case-file.ts'
import { Link } from './link.ts'
import type { MembershipOptions } from './options.ts'
import { Reaching, type Reach } from './reach.ts'
import { Rings, wholeMesh } from './rings.ts'

const nobody: readonly number[] = []
/** Cutting any part off a large mesh takes more broken edges than this. */
const fewEdges = 4
/** A connection with one that is no neighbour counts for so long after something came through it. */
const strayMs = 5_000

export class View {
  readonly self: NodeId
  readonly options: MembershipOptions
  readonly links = new Map<NodeId, Link>()
  readonly cases = new Map<NodeId, CaseFile>()
  /** Those of them in which there is doubt and nothing is settled: few, however many members there are. */
  readonly doubted = new Map<NodeId, CaseFile>()
  /** Dead or left. */
  readonly gone = new Set<NodeId>()
  rings: Rings
  #watchers = new Map<NodeId, readonly NodeId[]>()
  #neighbours: readonly NodeId[] | null = null
  readonly #reaching = new Reaching()
  /** Grows with every change of who is a member, or gone. */
  #version = 0

  constructor(self: NodeId, options: MembershipOptions) {
    this.self = self
    this.options = options
    this.rings = new Rings([self])
  }

  /** Whom this node watches, and who watches it. */
  get neighbours(): readonly NodeId[] {
    return (this.#neighbours ??= this.rings.neighbours(this.self, this.gone))
  }

  /** Who may vote about a member: its neighbours that are not gone. */
  watchers(node: NodeId): readonly NodeId[] {
    // While nobody is gone the circles remember it themselves.
    if (this.gone.size === 0) return this.rings.neighbours(node)
    const known = this.#watchers.get(node) ?? this.rings.neighbours(node, this.gone)
    this.#watchers.set(node, known)
    return known
  }

  isWatcher(observer: NodeId, node: NodeId): boolean {
    return this.watchers(node).includes(observer)
  }

  /** Everybody is everybody's neighbour. */
  get isWhole(): boolean {
    return this.rings.size - this.gone.size <= wholeMesh
  }

  setRings(rings: Rings): void {
    this.rings = rings
    for (const node of [...this.links.keys(), ...this.cases.keys()]) {
      if (rings.has(node)) continue
      this.links.delete(node)
      this.doubted.delete(node)
      this.cases.delete(node)
      this.gone.delete(node)
    }
    this.#regroup()
  }

  link(node: NodeId, nowMs: number): Link {
    const known = this.links.get(node)
    if (known !== undefined) return known
    const link = new Link(node, nowMs)
    this.links.set(node, link)
    return link
  }

  caseOf(node: NodeId): CaseFile {
    const known = this.cases.get(node)
    if (known !== undefined) return known
    const file = new CaseFile(node, this.doubted)
    this.cases.set(node, file)
    return file
  }

  settle(file: CaseFile, as: 'dead' | 'left' | null, reason = ''): void {
    file.settle(as, reason)
    const before = this.gone.size
    if (as === null) this.gone.delete(file.about)
    else this.gone.add(file.about)
    if (this.gone.size !== before) this.#regroup()
  }

  /**
   * The watchers whose agreement counts: all but those that have themselves been suspect for a while. The while is longer
   * than it takes to see that it is this node that is cut off.
   */
  reachableWatchers(node: NodeId, nowMs: number): readonly NodeId[] {
    return this.watchers(node).filter((watcher) => this.isReachable(watcher, nowMs))
  }

  /** Whether the agreement of one that watches counts. */
  isReachable(watcher: NodeId, nowMs: number): boolean {
    return watcher === this.self || !this.#isLongDoubted(watcher, nowMs)
  }

  /** Watchers among `of` whose vote about `node` stands and is one of doubt; `dead` alone where asked. */
  *doubters(node: NodeId, of: readonly NodeId[], onlyDead = false): Generator<HeldVote> {
    const file = this.cases.get(node)
    if (file === undefined) return
    for (const observer of of) {
      const held = file.standing(observer)
      if (held === undefined) continue
      const { verdict } = held.sealed.statement
      if (onlyDead ? verdict === 'dead' : verdict !== 'alive') yield held
    }
  }

  /** How many others have said since then that they hear a node, at its present incarnation. */
  othersHear(node: NodeId, of: readonly NodeId[], sinceMs: number): number {
    const file = this.cases.get(node)
    if (file === undefined) return 0
    let count = 0
    for (const observer of of) {
      const held = observer === this.self ? undefined : file.standing(observer)
      if (held?.sealed.statement.verdict === 'alive' && held.receivedMs >= sinceMs) count++
    }
    return count
  }

  /**
   * Whether this is the death of single nodes rather than a cut: more than half of the members are in no doubt here, and
   * where several are, no further one has come into doubt for a while (Rapid's multi-process cut detection, section 4.2).
   */
  isClear(node: NodeId, nowMs: number): boolean {
    let others = 0
    let newestMs = -Infinity
    for (const file of this.doubted.values()) {
      if (file.doubtedMs === null || file.about === node) continue
      others++
      newestMs = Math.max(newestMs, file.doubtedMs)
    }
    // Neighbours that this node has not reached yet may be behind the cut too.
    let missing = 0
    for (const other of this.neighbours) {
      const isCounted = other === node || (this.cases.get(other)?.doubtedMs ?? null) !== null
      if (!isCounted && this.links.get(other)?.isUp !== true) missing++
    }
    const counted = this.rings.size - this.gone.size
    if ((counted - others - missing - 1) * 2 <= counted) return false
    return others < 2 || nowMs - newestMs >= this.options.steadyMs
  }

  /** The part that this node reaches, itself included; null for everybody who is there. */
  reached(nowMs: number): Reach | null {
    const own = this.missing(nowMs).length
    let edges = own
    for (const { doubters } of this.doubted.values()) edges += doubters.length
    if (!this.isWhole && own < this.neighbours.length && edges < fewEdges) return null
    const { rings, self } = this
    const links = [...this.links.values()].filter(({ isUp }) => isUp)
    return this.#reaching.look({
      rings,
      self,
      present: rings.size - this.gone.size,
      version: this.#version,
      first: this.#met(nowMs).filter((node) => !this.#isOwnEdgeBroken(node, nowMs)),
      // A fresh connection may lead to another that is cut off: what lies behind it is known when it has spoken.
      ends: links.filter(({ isIntroduced }) => !isIntroduced).map(({ node }) => node),
      broken: this.#brokenEdges(links),
      neighboursAt: (place) => this.#watchersAt(place),
    })
  }

  /** Members that this node is connected with, and has not to watch. */
  strays(): NodeId[] {
    const others = [...this.links.values()].filter(
      ({ node, isUp }) => isUp && !this.gone.has(node) && !this.neighbours.includes(node),
    )
    return others.map(({ node }) => node)
  }

  /** Neighbours to whom nothing gets from here. */
  missing(nowMs: number): readonly NodeId[] {
    return this.neighbours.filter((node) => this.#isOwnEdgeBroken(node, nowMs))
  }

  /** One number for all that are gone and in which life: two nodes that say the same hold the same. */
  get goneDigest(): number {
    let high = 0
    let low = 0
    for (const node of this.gone) {
      const file = this.caseOf(node)
      const { boot, number } = file.incarnation
      const text = `${node} ${boot}.${number} ${file.settled}`
      high ^= fnv(text, 0x811c9dc5)
      low ^= fnv(text, 0x01234567)
    }
    return (high & 0xfffff) * 2 ** 32 + (low >>> 0)
  }

  #isLongDoubted(node: NodeId, nowMs: number): boolean {
    const { doubtfulWatcherMs } = this.options
    const doubt = this.links.get(node)?.doubt
    if (doubt && doubt.vouchedMs === null && nowMs - doubt.sinceMs >= doubtfulWatcherMs) return true
    const doubtedMs = this.cases.get(node)?.doubtedMs ?? null
    if (doubtedMs === null || nowMs - doubtedMs < doubtfulWatcherMs) return false
    // One that this node hears itself is there, whatever others say.
    const link = this.links.get(node)
    return !(link?.isUp === true && link.doubt === null)
  }

  /** Neighbours, and whoever else is connected and was heard lately: nobody probes those, so a cut shows by nothing else. */
  #met(nowMs: number): readonly NodeId[] {
    const others = [...this.links.values()].filter(
      ({ node, isUp, heardMs }) => isUp && nowMs - (heardMs ?? -Infinity) < strayMs && !this.gone.has(node),
    )
    return [...this.neighbours, ...others.map(({ node }) => node)]
  }

  #isOwnEdgeBroken(node: NodeId, nowMs: number): boolean {
    const link = this.links.get(node)
    if (link === undefined || !link.isUp || link.isOneWay) return true
    return link.silentMs(nowMs) >= this.options.shareMs
  }

  #watchersAt(place: number): readonly number[] {
    const near = this.rings.neighboursAt(place)
    if (this.gone.size === 0) return near
    const { nodes } = this.rings
    if (this.gone.has(nodes[place] as NodeId)) return nobody
    if (!this.isWhole && !near.some((other) => this.gone.has(nodes[other] as NodeId))) return near
    return this.watchers(nodes[place] as NodeId).map((node) => this.rings.place(node) as number)
  }

  /** Between others, by places; what this node's own connections carry it knows itself. */
  #brokenEdges(links: readonly Link[]): number[] {
    const broken: number[] = []
    const breaks = (one: NodeId, other: NodeId): void => {
      if (one === this.self || other === this.self) return
      const [from, to] = [this.rings.place(one), this.rings.place(other)]
      if (from !== undefined && to !== undefined) broken.push(from, to)
    }
    for (const { about, doubters } of this.doubted.values()) {
      for (const observer of doubters) breaks(observer, about)
    }
    // Votes of one that is cut off stay with those who are cut off with it; so it says to whom it speaks what it misses.
    for (const { node, missing } of links) for (const other of missing ?? []) breaks(node, other)
    return broken
  }

  #regroup(): void {
    this.#watchers = new Map()
    this.#neighbours = null
    this.#version++
  }
}

function fnv(text: string, seed: number): number {
  let hash = seed
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash
}
