/**
 * What a queue holds and who may have it next, without the bodies: pure, and the same for every way to keep them.
 *
 * Items with a key stand in a line; only the first of a line may be taken, and while it is taken or waits to be tried
 * again the others wait behind it. Times are the monotonic clock's, so a wall clock that jumps delays nothing.
 */
import { Heap } from './heap.ts'
import { sourceFactor, type QueueLimits } from './contract.ts'
import { Lines } from './lines.ts'

/** As it is on the disk. */
export interface QueueRow {
  readonly id: number
  readonly lane: string
  readonly key: string | null
  readonly unique: string | null
  /** Of body, key, lane and unique. */
  readonly sizeBytes: number
  readonly addedMs: number
  readonly attempts: number
  readonly lastError: string | null
  /** null for one that is not dead. */
  readonly diedMs: number | null
}

interface Entry extends QueueRow {
  readonly state: 'waiting' | 'taken'
  /** Monotonic; 0 is at once. */
  readonly dueMs: number
}

/** Heap entries that mean nothing any more are thrown away when they are this many times the others. */
const staleFactor = 4

export class Ledger {
  readonly #limits: QueueLimits
  readonly #entries = new Map<number, Entry>()
  readonly #dead = new Map<number, QueueRow>()
  readonly #lines = new Lines()
  /** By lane: ids that may be taken. Some may not any more, which is seen when they are looked at. */
  #ready = new Map<string, Heap>()
  #delayed = new Heap()
  readonly #laneCounts = new Map<string, number>()
  /** What each source has of what waits or is taken. */
  readonly #held = new Map<string | null, { items: number; bytes: number }>()
  #taken = 0
  #liveBytes = 0
  #deadBytes = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  get counts(): { waiting: number; taken: number; dead: number; bytes: number } {
    return {
      waiting: this.#entries.size - this.#taken,
      taken: this.#taken,
      dead: this.#dead.size,
      bytes: this.#liveBytes + this.#deadBytes,
    }
  }

  get lanes(): readonly string[] {
    return [...this.#laneCounts.keys()]
  }

  /** Ids of what waits there, due or not. */
  waitingIn(lane: string): number[] {
    const own = [...this.#entries.values()].filter(
      (entry) => entry.lane === lane && entry.state === 'waiting',
    )
    return own.map(({ id }) => id)
  }

  /** @returns null where there is none that waits or is taken */
  row(id: number): QueueRow | null {
    return this.#entries.get(id) ?? null
  }

  /** Oldest first. */
  live(after: number, limit: number): QueueRow[] {
    return page(this.#entries, after, limit)
  }

  dead(after: number, limit: number): QueueRow[] {
    return page(this.#dead, after, limit)
  }

  /**
   * Whether so much more fits.
   * @param source whose it is; null where it is one's own
   * @returns what must go for it, oldest first; null where it does not fit
   */
  roomFor(items: number, bytes: number, source: string | null = null): number[] | null {
    const drops: number[] = []
    const limits = this.#limits
    let freeItems = limits.items - this.#entries.size
    let freeBytes = limits.bytes - this.#liveBytes
    if (freeItems >= items && freeBytes >= bytes) {
      if (limits.whenFull === 'drop-oldest' || source === null) return drops
      const held = this.#held.get(source) ?? { items: 0, bytes: 0 }
      const isOver =
        held.items + items > sourceFactor * (freeItems - items + 1) ||
        held.bytes + bytes > sourceFactor * (freeBytes - bytes + 1)
      return isOver ? null : drops
    }
    if (limits.whenFull === 'refuse' || items > limits.items || bytes > limits.bytes) return null
    for (const { id, state, sizeBytes } of this.#inOrderOfGoing()) {
      if (state === 'taken') continue
      drops.push(id)
      freeItems += 1
      freeBytes += sizeBytes
      if (freeItems >= items && freeBytes >= bytes) return drops
    }
    return null
  }

  /** The oldest of the source that holds most first; of those that are left, the oldest. */
  *#inOrderOfGoing(): Generator<Entry> {
    const { sourceOf } = this.#limits
    if (sourceOf === undefined || this.#held.size < 2) return yield* this.#entries.values()
    let [largest, most]: [string | null, number] = [null, -1]
    for (const [source, { bytes }] of this.#held) if (bytes > most) [largest, most] = [source, bytes]
    for (const entry of this.#entries.values()) if (this.#sourceOf(entry) === largest) yield entry
    for (const entry of this.#entries.values()) if (this.#sourceOf(entry) !== largest) yield entry
  }

  #sourceOf({ unique }: QueueRow): string | null {
    return unique === null ? null : (this.#limits.sourceOf?.(unique) ?? null)
  }

  /** @param sign 1 where it comes, -1 where it goes */
  #hold(row: QueueRow, sign: 1 | -1): void {
    if (this.#limits.sourceOf === undefined) return
    const source = this.#sourceOf(row)
    const { items, bytes } = this.#held.get(source) ?? { items: 0, bytes: 0 }
    const held = { items: items + sign, bytes: bytes + sign * row.sizeBytes }
    if (held.items === 0) this.#held.delete(source)
    else this.#held.set(source, held)
  }

  /** Takes up what was put, or what was on the disk. @param dueMs monotonic */
  add(row: QueueRow, dueMs: number): void {
    if (row.diedMs !== null) {
      this.#dead.set(row.id, row)
      this.#deadBytes += row.sizeBytes
      return
    }
    this.#liveBytes += row.sizeBytes
    this.#enter({ ...row, state: 'waiting', dueMs })
  }

  /** At most one per key, oldest first; they are taken from now on. */
  pick(max: number, lane: string | undefined, nowMs: number): QueueRow[] {
    this.ripen(nowMs)
    const picked: QueueRow[] = []
    while (picked.length < max) {
      const id = this.#nextReady(lane)
      const entry = id === null ? undefined : this.#entries.get(id)
      if (entry === undefined) break
      this.#entries.set(entry.id, { ...entry, state: 'taken' })
      this.#taken += 1
      this.#lines.took(entry)
      picked.push(entry)
    }
    return picked
  }

  /** Gone, taken or not. @returns its row; null where there was none */
  remove(id: number): QueueRow | null {
    const entry = this.#entries.get(id)
    if (entry === undefined) return null
    this.#leave(entry)
    this.#liveBytes -= entry.sizeBytes
    return entry
  }

  isTaken(id: number): boolean {
    return this.#entries.get(id)?.state === 'taken'
  }

  /** @returns false where it is not taken */
  giveBack(id: number, change: { dueMs: number; attempts: number; lastError: string | null }): boolean {
    const entry = this.#entries.get(id)
    if (entry?.state !== 'taken') return false
    this.#taken -= 1
    this.#entries.set(id, { ...entry, ...change, state: 'waiting' })
    this.#offer(this.#lines.cameBack(entry))
    return true
  }

  /** All that wait for their time are due. */
  hasten(): void {
    for (const entry of this.#entries.values()) {
      if (entry.state === 'taken' || entry.dueMs === 0) continue
      this.#entries.set(entry.id, { ...entry, dueMs: 0 })
      this.#offer(entry.id)
    }
  }

  /** @returns ids of dead letters that must go for it; null where it was not taken */
  bury(id: number, change: { attempts: number; lastError: string; diedMs: number }): number[] | null {
    const entry = this.#entries.get(id)
    if (entry?.state !== 'taken') return null
    this.remove(id)
    const { state: _, dueMs: __, ...row } = entry
    this.#dead.set(id, { ...row, ...change })
    this.#deadBytes += row.sizeBytes
    const dropped: number[] = []
    for (const oldest of this.#dead.keys()) {
      if (this.#dead.size <= this.#limits.deadItems && this.#deadBytes <= this.#limits.bytes) break
      dropped.push(oldest)
      this.#forgetDead(oldest)
    }
    return dropped
  }

  /** @returns the ids of those that were there */
  discard(ids: readonly number[] | 'all'): number[] {
    const found = this.#deadAmong(ids)
    for (const id of found) this.#forgetDead(id)
    return found
  }

  /** They wait again, due at once. @returns the ids of those that were there, and fit */
  replay(ids: readonly number[] | 'all'): number[] {
    const replayed: number[] = []
    for (const id of this.#deadAmong(ids)) {
      const row = this.#dead.get(id)
      if (row === undefined) continue
      if (this.#entries.size >= this.#limits.items) break
      if (this.#liveBytes + row.sizeBytes > this.#limits.bytes) break
      this.#forgetDead(id)
      this.add({ ...row, attempts: 0, diedMs: null }, 0)
      replayed.push(id)
    }
    return replayed
  }

  /** When something that waits for its time is due; null where nothing does. */
  get nextDueMs(): number | null {
    return this.#delayed.peek()?.rank ?? null
  }

  /** What has waited for its time may be taken. */
  ripen(nowMs: number): void {
    for (let next = this.#delayed.peek(); next !== null && next.rank <= nowMs; next = this.#delayed.peek()) {
      this.#delayed.pop()
      const entry = this.#entries.get(next.id)
      // Since then it may have been given another time.
      if (entry !== undefined && entry.dueMs <= nowMs && this.#mayGo(entry)) this.#toReady(entry)
    }
  }

  #deadAmong(ids: readonly number[] | 'all'): number[] {
    const wanted =
      ids === 'all' ? [...this.#dead.keys()] : [...new Set(ids)].filter((id) => this.#dead.has(id))
    return wanted.sort((a, b) => a - b)
  }

  #forgetDead(id: number): void {
    this.#deadBytes -= this.#dead.get(id)?.sizeBytes ?? 0
    this.#dead.delete(id)
  }

  #enter(entry: Entry): void {
    this.#entries.set(entry.id, entry)
    this.#hold(entry, 1)
    this.#laneCounts.set(entry.lane, (this.#laneCounts.get(entry.lane) ?? 0) + 1)
    this.#lines.join(entry)
    this.#offer(entry.id)
  }

  #leave(entry: Entry): void {
    this.#entries.delete(entry.id)
    this.#hold(entry, -1)
    if (entry.state === 'taken') this.#taken -= 1
    const left = (this.#laneCounts.get(entry.lane) ?? 1) - 1
    if (left > 0) this.#laneCounts.set(entry.lane, left)
    else this.#laneCounts.delete(entry.lane)
    if (left === 0) this.#ready.delete(entry.lane)
    this.#offer(this.#lines.left(entry))
  }

  /** Puts it where it can be found when its turn comes, if it may be taken at all. */
  #offer(id: number | null): void {
    const entry = id === null ? undefined : this.#entries.get(id)
    if (entry === undefined || !this.#mayGo(entry)) return
    // Whether it is due is asked when somebody takes: an item without a wait is ready at once.
    if (entry.dueMs > 0) this.#delayed.push({ rank: entry.dueMs, id: entry.id })
    else this.#toReady(entry)
    this.#compact()
  }

  #mayGo(entry: Entry): boolean {
    return entry.state === 'waiting' && this.#lines.isNext(entry)
  }

  #toReady({ lane, id }: Pick<Entry, 'lane' | 'id'>): void {
    let heap = this.#ready.get(lane)
    if (heap === undefined) this.#ready.set(lane, (heap = new Heap()))
    heap.push({ rank: id, id })
  }

  /** Takes the oldest that may go off its heap. */
  #nextReady(lane: string | undefined): number | null {
    const heaps = lane === undefined ? [...this.#ready.values()] : [this.#ready.get(lane)]
    let best: Heap | null = null
    for (const heap of heaps) {
      if (heap === undefined) continue
      this.#dropStale(heap)
      const top = heap.peek()
      if (top !== null && (best?.peek() ?? top).rank >= top.rank) best = heap
    }
    return best?.pop()?.id ?? null
  }

  #dropStale(heap: Heap): void {
    for (let top = heap.peek(); top !== null; top = heap.peek()) {
      const entry = this.#entries.get(top.id)
      if (entry !== undefined && this.#mayGo(entry)) return
      heap.pop()
    }
  }

  /** Where nobody takes anything, what was dropped would stay in the heaps for ever. */
  #compact(): void {
    let size = this.#delayed.size
    for (const heap of this.#ready.values()) size += heap.size
    if (size < 64 || size < staleFactor * this.#entries.size) return
    this.#ready = new Map()
    this.#delayed = new Heap()
    for (const entry of this.#entries.values()) {
      if (!this.#mayGo(entry)) continue
      if (entry.dueMs > 0) this.#delayed.push({ rank: entry.dueMs, id: entry.id })
      else this.#toReady(entry)
    }
  }
}

function page(rows: ReadonlyMap<number, QueueRow>, after: number, limit: number): QueueRow[] {
  const found = [...rows.values()].filter(({ id }) => id > after)
  return found.sort((a, b) => a.id - b.id).slice(0, limit)
}
