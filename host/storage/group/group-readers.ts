/**
 * Who follows the changes of a group's store, and how far each got. What was set or deleted is found by its version among
 * the entries, where a deletion stays until the members know of it: until these readers do as well, unless there are too many.
 */
import type { KeyChange, KeyChanges } from '../contract.ts'
import type { EntryRows } from './entry-rows.ts'

/** An app has at most 16 triggers, of two releases during a swap. */
const maxReaders = 64
const readersFact = 'readers'
/** The highest version of a deletion that was forgotten before everybody had seen it. */
const lostFact = 'lost'

export class GroupReaders {
  readonly #rows: EntryRows
  #marks = new Map<string, number>()

  constructor(rows: EntryRows) {
    this.#rows = rows
    this.reload()
  }

  /** After a transaction that was undone. */
  reload(): void {
    this.#marks = new Map(JSON.parse(this.#rows.fact(readersFact) ?? '[]') as [string, number][])
  }

  /** Up to which version deletions may be forgotten; Infinity where nobody follows. */
  get seen(): number {
    return Math.min(...this.#marks.values())
  }

  /** @param version the store's own, where a new reader begins; where there are too many, the slowest has gone away */
  follow(reader: string, version: number): number {
    const present = this.#marks.get(reader)
    if (present !== undefined) return present
    if (this.#marks.size >= maxReaders) {
      const [slowest] = [...this.#marks].sort(([, one], [, other]) => one - other)
      if (slowest !== undefined) this.#marks.delete(slowest[0])
    }
    this.#marks.set(reader, version)
    this.#keep()
    return version
  }

  advance(reader: string, version: number): void {
    if ((this.#marks.get(reader) ?? Infinity) >= version) return
    this.#marks.set(reader, version)
    this.#keep()
  }

  forget(reader: string): void {
    if (this.#marks.delete(reader)) this.#keep()
  }

  /** A deletion of this version is in no row any more. */
  lost(version: number): void {
    if (version > this.seen) this.#rows.setFact(lostFact, String(version))
  }

  changes(bucket: string, after: number, limit: number, version: number): KeyChanges {
    const rows = this.#rows.changed(bucket, after, limit)
    const changes = rows.map(({ key, version: of, isSet }): KeyChange => {
      return { bucket, key, version: of, kind: isSet ? 'set' : 'delete' }
    })
    const isMore = rows.length >= limit
    const last = isMore ? (changes.at(-1)?.version ?? version) : version
    return { changes, last, isMore, isIncomplete: after < Number(this.#rows.fact(lostFact) ?? 0) }
  }

  #keep(): void {
    this.#rows.setFact(readersFact, JSON.stringify([...this.#marks]))
  }
}
