/** What a replica sends to one that knows less, as many keys as fit. */
import type { Batch, Position, ReplicaState, SentEntry } from './batch.ts'
import { dotsOf, type Entry } from './entry.ts'
import { comparePositions, type EntryRows } from './entry-rows.ts'
import { beyond, isAtLeast, type Vector } from './vector.ts'

/** What the sender knows as it reads. */
type Knowing = Pick<ReplicaState, 'vector' | 'collected'>

const pageSize = 256

/** Entries on their way, each once. */
class Load {
  readonly entries = new Map<string, SentEntry>()
  readonly #rows: EntryRows
  readonly #maxBytes: number
  #bytes = 0

  constructor(rows: EntryRows, maxBytes: number) {
    this.#rows = rows
    this.#maxBytes = maxBytes
  }

  get isFull(): boolean {
    return this.#bytes >= this.#maxBytes
  }

  add(bucket: string, key: string): void {
    const name = JSON.stringify([bucket, key])
    const row = this.entries.has(name) ? undefined : this.#rows.find(bucket, key)
    if (row === undefined) return
    this.entries.set(name, { bucket, key, entry: row.entry })
    this.#bytes += Buffer.byteLength(key) + sizeOf(row.entry)
  }
}

/** About: what is not a value is a few bytes each. */
function sizeOf(entry: Entry): number {
  const values = entry.siblings.map(({ value, seen }) => (value?.length ?? 0) + 16 * seen.length)
  return values.reduce((sum, size) => sum + size, 16 * dotsOf(entry).length)
}

/** The keys with writes beyond `after`, oldest first of each replica; the first of all keys for who knows too little. */
export function changesAfter(rows: EntryRows, knowing: Knowing, after: Vector, maxBytes: number): Batch {
  if (!isAtLeast(after, knowing.collected)) return rangeAfter(rows, knowing, null, maxBytes)
  const load = new Load(rows, maxBytes)
  const upTo = new Map(after)
  let isLast = true
  for (const [replica, known] of beyond(knowing.vector, after)) {
    const done = writesOf(rows, load, replica, after.get(replica) ?? 0) ?? known
    upTo.set(replica, done)
    isLast &&= done >= known
  }
  return { ...knowing, entries: [...load.entries.values()], kind: { type: 'changes', upTo }, isLast }
}

/** @returns the number of the last write that fitted; null where all did */
function writesOf(rows: EntryRows, load: Load, replica: string, after: number): number | null {
  let done = after
  for (;;) {
    const page = rows.writesAfter(replica, done, pageSize)
    for (const [bucket, key, counter] of page) {
      if (load.isFull) return done
      load.add(bucket, key)
      done = counter
    }
    if (page.length < pageSize) return null
  }
}

/** All keys after a place. */
export function rangeAfter(
  rows: EntryRows,
  knowing: Knowing,
  after: Position | null,
  maxBytes: number,
): Batch {
  const load = new Load(rows, maxBytes)
  const batch = (to: Position | null): Batch => {
    const entries = [...load.entries.values()]
    return { ...knowing, entries, kind: { type: 'range', after, to }, isLast: to === null }
  }
  for (let last = after; ;) {
    const page = rows.range(last, pageSize)
    for (const position of page) {
      if (load.isFull) return batch(last)
      load.add(...position)
      last = position
    }
    if (page.length < pageSize) return batch(null)
  }
}

/** @returns null where they do not fit */
export function entriesOf(
  rows: EntryRows,
  positions: Iterable<Position>,
  maxBytes: number,
): SentEntry[] | null {
  const load = new Load(rows, maxBytes)
  for (const position of positions) {
    if (load.isFull) return null
    load.add(...position)
  }
  return [...load.entries.values()]
}

/** Keys here that the sender of a range would have sent if it had them. */
export function absentFrom(rows: EntryRows, { kind, entries }: Batch): Position[] {
  if (kind.type !== 'range') return []
  const sent = new Set(entries.map(({ bucket, key }) => JSON.stringify([bucket, key])))
  const absent: Position[] = []
  for (let last = kind.after; ;) {
    const page = rows.range(last, pageSize)
    for (const position of page) {
      if (kind.to !== null && comparePositions(position, kind.to) > 0) return absent
      if (!sent.has(JSON.stringify(position))) absent.push(position)
      last = position
    }
    if (page.length < pageSize) return absent
  }
}
