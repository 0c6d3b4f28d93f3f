/**
 * Who follows the changes of a store, and how far each got. What was set is found by its version among the entries
 * themselves; of what was deleted a grave stands until the slowest reader has seen it, or there are too many.
 */
import type { KeyChange, KeyChanges } from './contract.ts'
import type { Rows } from './rows.ts'

/** An app has at most 16 triggers, of two releases during a swap. */
const maxReaders = 64
/** Of one store. Beyond it the oldest are forgotten, a tenth at a time, and slower readers are told so. */
export const maxGraves = 10_000
const prefix = 'reader:'
/** The highest version of a deletion that was forgotten before everybody had seen it. */
const lostNote = 'lost'

export class Readers {
  readonly #rows: Rows
  #marks = new Map<string, number>()
  #graves = 0

  constructor(rows: Rows) {
    this.#rows = rows
    this.reload()
  }

  get isEmpty(): boolean {
    return this.#marks.size === 0
  }

  /** After a transaction that was undone. */
  reload(): void {
    this.#marks = new Map(this.#rows.notes(prefix))
    this.#graves = this.#rows.unbury(0)
  }

  /** @param version the store's own, where a new reader begins; where there are too many, the slowest has gone away */
  follow(reader: string, version: number): number {
    const name = prefix + reader
    const present = this.#marks.get(name)
    if (present !== undefined) return present
    if (this.#marks.size >= maxReaders) this.#dropSlowest()
    if (this.isEmpty) this.#rows.followVersions(true)
    this.#set(name, version)
    return version
  }

  advance(reader: string, version: number): void {
    const name = prefix + reader
    if ((this.#marks.get(name) ?? Infinity) >= version) return
    this.#set(name, version)
    this.#clear()
  }

  forget(reader: string): void {
    const name = prefix + reader
    if (!this.#marks.delete(name)) return
    this.#rows.setNote(name, null)
    this.#clear()
  }

  deleted({ bucket, key, version }: KeyChange): void {
    if (this.#marks.size === 0) return
    this.#rows.bury(bucket, key, version)
    this.#graves += 1
    if (this.#graves <= maxGraves) return
    // Counted again first: a key's second grave takes the place of its first.
    this.#graves = this.#rows.unbury(0)
    if (this.#graves <= maxGraves) return
    const last = this.#rows.graveAt(maxGraves / 10)
    if (last === null) return
    this.#rows.setNote(lostNote, last)
    this.#graves = this.#rows.unbury(last)
  }

  changes(bucket: string, after: number, limit: number, version: number): KeyChanges {
    const set = this.#rows.changed(bucket, after, limit)
    const buried = this.#rows.buried(bucket, after, limit)
    const gone = buried.filter(({ key }) => this.#rows.find(bucket, key) === undefined)
    const all: KeyChange[] = [
      ...set.map((row): KeyChange => ({ bucket, kind: 'set', ...row })),
      ...gone.map((row): KeyChange => ({ bucket, kind: 'delete', ...row })),
    ].sort((one, other) => one.version - other.version)
    const isMore = set.length >= limit || buried.length >= limit || all.length > limit
    // Past the shorter of two full lists nothing is known yet.
    const known = Math.min(
      ...[set, buried].map((list) => (list.length < limit ? version : (list.at(-1)?.version ?? version))),
    )
    const changes = all.filter((change) => change.version <= known).slice(0, limit)
    const last = changes.length === limit ? (changes.at(-1)?.version ?? known) : known
    return { changes, last, isMore, isIncomplete: after < (this.#rows.note(lostNote) ?? 0) }
  }

  #set(name: string, version: number): void {
    this.#rows.setNote(name, version)
    this.#marks.set(name, version)
  }

  #dropSlowest(): void {
    const [slowest] = [...this.#marks].sort(([, one], [, other]) => one - other)
    if (slowest === undefined) return
    this.#rows.setNote(slowest[0], null)
    this.#marks.delete(slowest[0])
  }

  #clear(): void {
    if (this.#graves > 0) this.#graves = this.#rows.unbury(Math.min(...this.#marks.values()))
  }
}
