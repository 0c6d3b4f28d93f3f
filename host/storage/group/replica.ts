/**
 * One node's replica of a group's map: a write is a new sibling that overwrites all that is seen, an increment a tally, a
 * deletion a sibling without a value. What other replicas send is joined in, and what they lack is found by vectors.
 *
 * Synchronous and pure but for the rows: chance and the clocks are handed in.
 */
import type { Random } from '../../../core/index.ts'
import type { StoredValue } from '../contract.ts'
import { entryDigest, mixed, noDigest } from './digest.ts'
import type { Batch, MergeOutcome, Position, ReplicaState, SentEntry, VisibleChange } from './batch.ts'
import {
  dotsOf,
  inOrder,
  isDead,
  isDeleted,
  join,
  isSameEntry,
  noEntry,
  valueOf,
  type Entry,
  type Sibling,
  type Tally,
} from './entry.ts'
import type { EntryRows, RowTotals } from './entry-rows.ts'
import { claimed, renamed } from './renaming.ts'
import { clamped, compareStamps, firstStamp, laterStamp, nextStamp, type Stamp } from './stamp.ts'
import { GroupReaders } from './group-readers.ts'
import { absentFrom, changesAfter, entriesOf, rangeAfter } from './sending.ts'
import { beyond, covers, isAtLeast, joined, type Vector } from './vector.ts'

/** What the time is, as far as it can be believed. */
export interface GroupTime {
  /** The node's clock; 0 where it is not set. */
  readonly wallMs: number
  /** The most that a stamp may say: a minute ahead of the group's median; Infinity where nobody's clock is set. */
  readonly latestMs: number
}

/** What is known widely enough to be forgotten. */
export interface Stable {
  /** To every member that was heard of in a while. */
  readonly stable: Vector
  /** To every member, of whom nobody knows anything that is not known here. */
  readonly everywhere: Vector
}

/** Own writes that are told to neighbours at once; where there are more, neighbours ask for them, a piece at a time. */
const mostFresh = 1_024
const mostFreshBytes = 256 * 1024

export class Replica {
  readonly #rows: EntryRows
  readonly #node: string
  readonly #random: Random
  readonly readers: GroupReaders
  #vector: Map<string, number>
  #collected: Map<string, number>
  #digest: bigint
  #version: number
  /** Drawn with the first write. */
  #replica: string | null = null
  #stamp: Stamp = firstStamp
  #fresh: { after: number; keys: Map<string, Position> | null } = { after: 0, keys: new Map() }
  /** Keys written in the transaction under way. */
  #writing: Position[] = []
  time: GroupTime = { wallMs: 0, latestMs: Infinity }

  constructor(rows: EntryRows, node: string, random: Random) {
    this.#rows = rows
    this.#node = node
    this.#random = random
    this.readers = new GroupReaders(rows)
    this.#vector = rows.vector('known')
    this.#collected = rows.vector('collected')
    this.#digest = BigInt(rows.fact('digest') ?? noDigest)
    this.#version = Number(rows.fact('version') ?? 0)
  }

  /** @returns null where there is nothing to read; else how much it is, and which writing of the key */
  find(bucket: string, key: string): { readonly valueBytes: number; readonly version: number } | null {
    const row = this.#rows.find(bucket, key)
    return row === undefined || row.valueBytes === null
      ? null
      : { valueBytes: row.valueBytes, version: row.version }
  }

  read(bucket: string, key: string): StoredValue | null {
    const row = this.#rows.find(bucket, key)
    const value = row === undefined ? null : valueOf(row.entry)
    return row === undefined || value === null ? null : { value, version: row.version }
  }

  /** In a transaction, as the next two. @param value null deletes the key @returns the version of the change */
  write(bucket: string, key: string, value: Uint8Array | null): number {
    return this.#wrote(bucket, key, this.#overwritten(this.#entry(bucket, key), value))
  }

  /** Adds to what is counted on the key. */
  count(bucket: string, key: string, delta: bigint): number {
    return this.#wrote(bucket, key, this.#counted(this.#entry(bucket, key), delta))
  }

  page(
    bucket: string,
    afterId: number,
    count: number,
  ): readonly { readonly id: number; readonly key: string }[] {
    return this.#rows.page(bucket, afterId, count)
  }

  totals(): RowTotals {
    return this.#rows.totals()
  }

  /** Runs all of it or, where it throws, none. */
  transaction<Result>(run: () => Result): Result {
    // By what it is called as well: a life that was to end here, and did not, goes on.
    const kept = [
      this.#vector,
      this.#digest,
      this.#version,
      this.#collected,
      this.#replica,
      this.#fresh,
    ] as const
    const [known, , , collected] = kept
    this.#vector = new Map(known)
    this.#writing = []
    try {
      const result = this.#rows.transaction(() => {
        const done = run()
        for (const [replica, counter] of beyond(this.#vector, known))
          this.#rows.setVector('known', replica, counter)
        for (const [replica, counter] of beyond(this.#collected, collected))
          this.#rows.setVector('collected', replica, counter)
        this.#rows.setFact('digest', String(this.#digest))
        this.#rows.setFact('version', String(this.#version))
        return done
      })
      for (const position of this.#writing) this.#fresh.keys?.set(JSON.stringify(position), position)
      if ((this.#fresh.keys?.size ?? 0) > mostFresh) this.#fresh.keys = null
      return result
    } catch (error) {
      ;[this.#vector, this.#digest, this.#version, this.#collected, this.#replica, this.#fresh] = kept
      this.readers.reload()
      throw error
    }
  }

  flush(): void {
    this.#rows.flush()
  }

  close(): void {
    this.#rows.close()
  }

  /** Of the last change. */
  get version(): number {
    return this.#version
  }

  fact(name: string): string | null {
    return this.#rows.fact(name)
  }

  setFact(name: string, value: string): void {
    this.#rows.transaction(() => this.#rows.setFact(name, value))
  }

  state(): ReplicaState {
    return { ...this.#known(), digest: this.#digest.toString(16), life: this.#replica }
  }

  /** The keys with writes beyond `after`, oldest first of each replica; the first of all keys for who knows too little. */
  changes(after: Vector, maxBytes: number): Batch {
    return changesAfter(this.#rows, this.#known(), after, maxBytes)
  }

  /** All keys after a place, as many as fit. */
  range(after: Position | null, maxBytes: number): Batch {
    return rangeAfter(this.#rows, this.#known(), after, maxBytes)
  }

  /** What this node has written since it was last asked; null where there is nothing, or too much. */
  fresh(): Batch | null {
    const { after, keys } = this.#fresh
    const replica = this.#replica
    const to = replica === null ? 0 : (this.#vector.get(replica) ?? 0)
    this.#fresh = { after: to, keys: new Map() }
    if (replica === null || to === after || keys === null) return null
    const entries = entriesOf(this.#rows, keys.values(), mostFreshBytes)
    if (entries === null) return null
    const known = this.#known()
    const kind = { type: 'fresh', replica, after, to } as const
    return { ...known, entries, kind, isLast: true }
  }

  /**
   * Joins in what another replica sent.
   * @param mayHold bytes that may be held with it @returns null where it would be more, and nothing is taken
   */
  merge(batch: Batch, mayHold: number): MergeOutcome | null {
    let clampedStamps = 0
    const changed: VisibleChange[] = []
    const latest = this.time.latestMs
    const take = ({ bucket, key, entry }: SentEntry): void => {
      const siblings = entry.siblings.map((sibling): Sibling => {
        const stamp = clamped(sibling.stamp, latest)
        if (stamp !== sibling.stamp) clampedStamps += 1
        this.#stamp = laterStamp(this.#stamp, stamp)
        return { ...sibling, stamp }
      })
      const before = this.#rows.find(bucket, key)
      const ours = { entry: before?.entry ?? noEntry, vector: this.#vector }
      const joint = join(ours, { entry: { ...entry, siblings }, vector: batch.vector })
      if (isSameEntry(joint, ours.entry)) return
      const [was, is] = [before === undefined ? null : valueOf(before.entry), valueOf(joint)]
      if (isSame(was, is)) return this.#put(bucket, key, joint, before?.version ?? this.#version)
      this.#version += 1
      this.#put(bucket, key, joint, this.#version)
      changed.push({ bucket, key, version: this.#version, kind: is === null ? 'delete' : 'set' })
    }
    try {
      this.transaction(() => {
        this.#burn(batch)
        for (const sent of batch.entries) take(sent)
        for (const [bucket, key] of absentFrom(this.#rows, batch)) take({ bucket, key, entry: noEntry })
        const { kind } = batch
        if (kind.type === 'fresh' && covers(this.#vector, kind.replica, kind.after))
          this.#vector = joined(this.#vector, new Map([[kind.replica, kind.to]]))
        if (this.#rows.totals().bytes > mayHold) throw tooMuch
      })
    } catch (error) {
      if (error === tooMuch) return null
      throw error
    }
    return { changed, clamped: clampedStamps }
  }

  /** All was sent: what the sender knew is known here. */
  advance(vector: Vector, collected: Vector): void {
    this.transaction(() => {
      this.#vector = joined(this.#vector, vector)
      this.#collected = joined(this.#collected, collected)
    })
  }

  /**
   * Forgets deletions that are known to all who matter, and the oldest where there are too many to keep. Of a key that was
   * counted on it takes everybody to know, and nothing may be known to anybody that is not known here: what comes later
   * would be counted from nothing.
   * @returns how many
   */
  collect({ stable, everywhere }: Stable, mostDead: number): number {
    return this.transaction(() => {
      let count = 0
      let surplus = this.#rows.totals().dead - mostDead
      for (let afterId = 0; ;) {
        const page = this.#rows.dead(afterId, pageSize)
        for (const [bucket, key, id] of page) {
          afterId = id
          const row = this.#rows.find(bucket, key)
          const entry = row?.entry
          if (entry === undefined || !isAtLeast(this.#vector, entry.context)) continue
          // Somebody here has not seen it.
          if (surplus <= 0 && row !== undefined && row.version > this.readers.seen) continue
          const dots = dotsOf(entry)
          const known = entry.tallies.length > 0 ? everywhere : stable
          const isKnown = dots.every(({ replica, counter }) => covers(known, replica, counter))
          if (!isKnown && (surplus <= 0 || entry.tallies.length > 0)) continue
          surplus -= 1
          count += 1
          const last = new Map<string, number>()
          for (const { replica, counter } of dots)
            if (!covers(last, replica, counter)) last.set(replica, counter)
          this.#collected = joined(this.#collected, last)
          this.#digest = mixed(this.#digest, entryDigest(bucket, key, entry))
          this.#rows.remove(bucket, key)
          this.readers.lost(row?.version ?? 0)
        }
        if (page.length < pageSize) return count
      }
    })
  }

  #entry(bucket: string, key: string): Entry {
    return this.#rows.find(bucket, key)?.entry ?? noEntry
  }

  #wrote(bucket: string, key: string, entry: Entry): number {
    this.#version += 1
    this.#put(bucket, key, entry, this.#version)
    this.#writing.push([bucket, key])
    return this.#version
  }

  #known(): Pick<ReplicaState, 'vector' | 'collected'> {
    return { vector: new Map(this.#vector), collected: new Map(this.#collected) }
  }

  /**
   * Somebody claims to know writes of this very life that it has not made. Whoever believes that takes the real ones for
   * overwritten; so it is called something else from now on, and all that it wrote is said again by that name.
   */
  #burn(batch: Batch): void {
    const replica = this.#replica
    if (replica === null || covers(this.#vector, replica, claimed(batch, replica))) return
    this.#replica = null
    for (let after = 0; ;) {
      const page = this.#rows.writesAfter(replica, after, pageSize)
      for (const [bucket, key, counter] of page) {
        after = counter
        const row = this.#rows.find(bucket, key)
        if (row === undefined) continue
        this.#put(
          bucket,
          key,
          renamed(row.entry, replica, () => this.#name()),
          row.version,
        )
      }
      if (page.length < pageSize) break
    }
    // Too much to be told at once: neighbours ask for it.
    this.#fresh = { after: 0, keys: null }
  }

  #name(): { replica: string; counter: number } {
    if (this.#replica === null) {
      this.#replica = `${this.#node}/${Buffer.from(this.#random.bytes(6)).toString('hex')}`
      this.#fresh = { after: 0, keys: new Map() }
    }
    const counter = (this.#vector.get(this.#replica) ?? 0) + 1
    this.#vector.set(this.#replica, counter)
    return { replica: this.#replica, counter }
  }

  #overwritten({ siblings, tallies, context }: Entry, value: Uint8Array | null): Entry {
    let seen = this.#stamp
    for (const { stamp } of siblings) if (compareStamps(stamp, seen) > 0) seen = stamp
    this.#stamp = nextStamp(seen, this.time.wallMs, this.time.latestMs)
    const sibling: Sibling = {
      ...this.#name(),
      stamp: this.#stamp,
      value: value && value.slice(),
      seen: tallies,
    }
    return { siblings: [sibling], tallies, context }
  }

  #counted({ siblings, tallies, context }: Entry, delta: bigint): Entry {
    const name = this.#name()
    const own = tallies.find(({ replica }) => replica === name.replica)
    const begun = own === undefined || isDeleted({ siblings, tallies, context }, own) ? undefined : own
    const tally: Tally = { ...name, life: begun?.life ?? name.counter, sum: (begun?.sum ?? 0n) + delta }
    const others = tallies.filter((other) => other !== own)
    return { siblings, tallies: inOrder([...others, tally]), context }
  }

  #put(bucket: string, key: string, entry: Entry, version: number): void {
    const before = this.#rows.find(bucket, key)
    const unmixed = mixed(this.#digest, entryDigest(bucket, key, before?.entry ?? noEntry))
    this.#digest = mixed(unmixed, entryDigest(bucket, key, entry))
    // What is known of all keys needs no word here.
    const context = beyond(entry.context, this.#vector)
    if (entry.siblings.length + entry.tallies.length + context.size === 0) {
      this.#rows.remove(bucket, key)
      this.readers.lost(version)
    } else {
      const value = isDead(entry) ? null : valueOf(entry)
      this.#rows.write(bucket, key, {
        version,
        valueBytes: value?.length ?? null,
        entry: { ...entry, context },
      })
    }
  }
}

const pageSize = 256
const tooMuch = new Error('it would hold too much')

function isSame(one: Uint8Array | null, other: Uint8Array | null): boolean {
  return one === null || other === null ? one === other : Buffer.compare(one, other) === 0
}
