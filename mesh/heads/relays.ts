/**
 * What neighbours need not be told, and what they may be told a little later.
 *
 * Where everybody is connected to everybody, whoever makes a head tells all of them at once, and each passing it on to
 * the others would tell nobody anything. So a head is not announced to who has announced it, and one that is in no
 * hurry waits for the neighbour's next summary: if that is equal to ours it has the head, else it is told then.
 * Plumtree's lazy push (Leitão et al., "Epidemic Broadcast Trees", SRDS 2007) has the same thought.
 */
import { compareHeads, type HeadId } from './head.ts'

interface Neighbour {
  /** What it has said of itself that it holds, by key, the newest last. */
  readonly holds: Map<string, HeadId>
  /** Keys to tell it, and when at the latest; null where there are none. */
  readonly waiting: Set<string>
  dueMs: number | null
}

/** Per neighbour; what was forgotten is announced once too often. */
const rememberedHolds = 256
/** Per neighbour. More are not kept back: then the next comparison finds them sooner than announcements do. */
const maxWaiting = 4_096

export class Relays {
  readonly #waitMs: number
  readonly #neighbours = new Map<string, Neighbour>()

  /** @param waitMs within which a summary of the neighbour comes, if nothing is lost */
  constructor(waitMs: number) {
    this.#waitMs = waitMs
  }

  up(peer: string): void {
    this.#neighbours.set(peer, { holds: new Map(), waiting: new Set(), dueMs: null })
  }

  down(peer: string): void {
    this.#neighbours.delete(peer)
  }

  /** The neighbour has announced these. */
  heard(peer: string, ids: readonly HeadId[]): void {
    const holds = this.#neighbours.get(peer)?.holds
    if (holds === undefined) return
    for (const id of ids.slice(0, rememberedHolds)) {
      holds.delete(id.key)
      holds.set(id.key, id)
    }
    for (const oldest of holds.keys()) {
      if (holds.size <= rememberedHolds) break
      holds.delete(oldest)
    }
  }

  /** Whether the neighbour said that it has this one, or a newer one. */
  holds(peer: string, id: HeadId): boolean {
    const held = this.#neighbours.get(peer)?.holds.get(id.key)
    return held !== undefined && compareHeads(held, id) <= 0
  }

  /** Keeps an announcement back. */
  wait(peer: string, key: string, nowMs: number): void {
    const neighbour = this.#neighbours.get(peer)
    if (neighbour === undefined || neighbour.waiting.size >= maxWaiting) return
    neighbour.waiting.add(key)
    neighbour.dueMs ??= nowMs + this.#waitMs
  }

  /** It holds all that this node holds: there is nothing left to tell it. */
  agreed(peer: string): void {
    this.take(peer)
  }

  /** What is to be told to the neighbour now; it does not wait any more. */
  take(peer: string): string[] {
    const neighbour = this.#neighbours.get(peer)
    if (neighbour === undefined || neighbour.dueMs === null) return []
    const keys = [...neighbour.waiting]
    neighbour.waiting.clear()
    neighbour.dueMs = null
    return keys
  }

  /** When the first of them was kept waiting long enough, monotonic; Infinity while none waits. */
  get wakeMs(): number {
    let wakeMs = Infinity
    for (const { dueMs } of this.#neighbours.values()) wakeMs = Math.min(wakeMs, dueMs ?? Infinity)
    return wakeMs
  }

  /** Neighbours that were kept waiting long enough. */
  due(nowMs: number): string[] {
    return [...this.#neighbours].flatMap(([peer, { dueMs }]) =>
      dueMs !== null && dueMs <= nowMs ? [peer] : [],
    )
  }
}
