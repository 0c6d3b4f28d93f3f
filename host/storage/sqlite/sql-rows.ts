/**
 * Rows in one SQLite file. A write is on the disk when its outermost transaction returns. Names and keys are stored as
 * their UTF-8 bytes: text with a NUL in it would not come back whole.
 */
import { isSelvedgeError } from '../../../core/index.ts'
import type { Durability, StoreUsage } from '../contract.ts'
import { entryOverheadBytes } from '../limits.ts'
import type { DatedValue, KeyVersion, RowFacts, Rows } from '../rows.ts'
import type { Connection, SqlRow, SqlValue, Statement } from './connection.ts'
import { prepareFile } from './key-value-schema.ts'
import { checkSum, sumOf } from './row-sum.ts'

/** Facts of keys that were asked for last: before each write its key is looked for. */
const keptFacts = 1_024
const statements = {
  find: 'SELECT length(value) AS size, version, at FROM entry WHERE bucket = ? AND key = ?',
  read: 'SELECT value, version, at, sum FROM entry WHERE bucket = ? AND key = ?',
  write: `INSERT INTO entry (bucket, key, version, at, sum, value) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (bucket, key)
    DO UPDATE SET version = excluded.version, at = excluded.at, sum = excluded.sum, value = excluded.value`,
  // Of what is known to be there: an insertion that turns out to be a change has counted up the ids, on a page of its own.
  rewrite: 'UPDATE entry SET version = ?, at = ?, sum = ?, value = ? WHERE bucket = ? AND key = ?',
  remove: 'DELETE FROM entry WHERE bucket = ? AND key = ?',
  page: 'SELECT id, key FROM entry WHERE bucket = ? AND id > ? AND at >= ? ORDER BY id LIMIT ?',
  // Jumps from one bucket to the next along the index, however many keys they have.
  buckets: `WITH RECURSIVE next (bucket) AS (SELECT min(bucket) FROM entry UNION ALL
    SELECT (SELECT min(bucket) FROM entry WHERE bucket > next.bucket) FROM next WHERE next.bucket IS NOT NULL)
    SELECT bucket FROM next WHERE bucket IS NOT NULL`,
  oldest: `SELECT key FROM (SELECT key, at FROM entry WHERE bucket = ? ORDER BY version LIMIT ?) WHERE at <= ?`,
  changed: 'SELECT key, version FROM entry WHERE bucket = ? AND version > ? ORDER BY version LIMIT ?',
  bury: 'INSERT OR REPLACE INTO grave (version, bucket, key, sum) VALUES (?, ?, ?, ?)',
  buried: 'SELECT key, version, sum FROM grave WHERE bucket = ? AND version > ? ORDER BY version LIMIT ?',
  unbury: 'DELETE FROM grave WHERE version <= ?',
  graves: 'SELECT count(*) AS count FROM grave',
  graveAt: 'SELECT version FROM grave ORDER BY version LIMIT 1 OFFSET ?',
  note: 'SELECT value, sum FROM note WHERE name = ?',
  setNote: 'INSERT OR REPLACE INTO note (name, value, sum) VALUES (?, ?, ?)',
  removeNote: 'DELETE FROM note WHERE name = ?',
  notes: 'SELECT name FROM note WHERE substr(name, 1, ?) = ?',
  totals: `SELECT count(*) AS keys, coalesce(sum(length(key) + length(value) + ${entryOverheadBytes}), 0) AS bytes,
    coalesce(max(version), 0) AS version, coalesce(max(at), 0) AS at FROM entry`,
} as const

const byVersion = 'CREATE INDEX IF NOT EXISTS entry_version ON entry (bucket, version)'
const notByVersion = 'DROP INDEX IF EXISTS entry_version'

export class SqlRows implements Rows {
  readonly #connection: Connection
  readonly #statements: Readonly<Record<keyof typeof statements, Statement>>
  readonly #facts = new Map<string, RowFacts & { readonly names: Names }>()
  #depth = 0

  /** @throws what SQLite throws, also where the file was written by a later version */
  constructor(connection: Connection, durability: Durability, pagesKb: number) {
    this.#connection = connection
    prepareFile(connection, durability, pagesKb)
    const prepared = Object.entries(statements).map(([name, sql]) => [name, connection.prepare(sql)])
    this.#statements = Object.fromEntries(prepared) as Record<keyof typeof statements, Statement>
  }

  find(bucket: string, key: string): RowFacts | undefined {
    const name = nameOf(bucket, key)
    const known = this.#facts.get(name)
    if (known !== undefined) return known
    const names = [blob(bucket), blob(key)] as const
    const row = this.#statements.find.get(...names)
    if (row === undefined) return undefined
    const facts = { valueBytes: Number(row.size), version: Number(row.version), at: Number(row.at) }
    this.#keep(name, names, facts)
    return facts
  }

  #keep(name: string, names: Names, facts: RowFacts): void {
    if (this.#facts.size >= keptFacts) this.#facts.clear()
    this.#facts.set(name, { ...facts, names })
  }

  read(bucket: string, key: string): DatedValue | undefined {
    const names = [blob(bucket), blob(key)] as const
    const row = this.#statements.read.get(...names)
    if (row === undefined) return undefined
    const found = { value: bytesOf(row.value), version: Number(row.version), at: Number(row.at) }
    // Entries of the first format have none.
    if (row.sum !== null) {
      checkSum(row.sum, sumOf([...names, found.version, found.at], found.value), 'an entry')
    }
    return found
  }

  write(bucket: string, key: string, value: Uint8Array, version: number, at: number): void {
    const name = nameOf(bucket, key)
    const known = this.#facts.get(name)
    const names = known?.names ?? ([blob(bucket), blob(key)] as const)
    const sum = sumOf([...names, version, at], value)
    const { write, rewrite } = this.#statements
    if (known === undefined || rewrite.run(version, at, sum, value, ...names) === 0)
      write.run(...names, version, at, sum, value)
    this.#keep(name, names, { valueBytes: value.length, version, at })
  }

  remove(bucket: string, key: string): void {
    this.#statements.remove.run(blob(bucket), blob(key))
    this.#facts.delete(nameOf(bucket, key))
  }

  page(bucket: string, afterId: number, since: number, count: number): { id: number; key: string }[] {
    const rows = this.#statements.page.all(blob(bucket), afterId, since, count)
    return rows.map(({ id, key }: SqlRow) => ({ id: Number(id), key: text(key) }))
  }

  buckets(): string[] {
    return this.#statements.buckets.all().map(({ bucket }) => text(bucket))
  }

  followVersions(isWanted: boolean): void {
    try {
      this.#connection.exec(isWanted ? byVersion : notByVersion)
    } catch (error) {
      // What SQLite could not do may have undone all that is around.
      if (this.#depth > 0) throw error
      // A disk that is full or read-only now: what is wanted is found without it, and only takes longer.
    }
  }

  oldest(bucket: string, until: number, count: number): string[] {
    return this.#statements.oldest.all(blob(bucket), count, until).map(({ key }) => text(key))
  }

  changed(bucket: string, after: number, count: number): KeyVersion[] {
    return this.#statements.changed.all(blob(bucket), after, count).map(keyVersion)
  }

  bury(bucket: string, key: string, version: number): void {
    const names = [blob(bucket), blob(key)] as const
    this.#statements.bury.run(version, ...names, sumOf([...names, version]))
  }

  buried(bucket: string, after: number, count: number): KeyVersion[] {
    return this.#statements.buried.all(blob(bucket), after, count).map((row) => {
      const sum = sumOf([blob(bucket), bytesOf(row.key), Number(row.version)])
      checkSum(row.sum, sum, 'the note of a deletion')
      return keyVersion(row)
    })
  }

  unbury(until: number): number {
    if (until > 0) this.#statements.unbury.run(until)
    return Number(this.#statements.graves.get()?.count ?? 0)
  }

  graveAt(count: number): number | null {
    const row = this.#statements.graveAt.get(count)
    return row === undefined ? null : Number(row.version)
  }

  note(name: string): number | null {
    const row = this.#statements.note.get(name)
    if (row === undefined) return null
    checkSum(row.sum, sumOf([blob(name), Number(row.value)]), `the note ${name}`)
    return Number(row.value)
  }

  setNote(name: string, value: number | null): void {
    if (value === null) this.#statements.removeNote.run(name)
    else this.#statements.setNote.run(name, value, sumOf([blob(name), value]))
  }

  notes(prefix: string): Map<string, number> {
    const rows = this.#statements.notes.all(prefix.length, prefix)
    return new Map(rows.map(({ name }) => [String(name), this.note(String(name)) ?? 0]))
  }

  totals(): StoreUsage & { version: number; at: number } {
    const row = this.#statements.totals.get()
    const version = Math.max(Number(row?.version), this.note('version') ?? 0)
    return { keys: Number(row?.keys), bytes: Number(row?.bytes), version, at: Number(row?.at) }
  }

  transaction<Result>(run: () => Result): Result {
    return this.#depth === 0 ? this.#outermost(run) : this.#within(run)
  }

  atOnce<Result>(run: () => Result): Result {
    // The library of the other one cannot use a statement again that failed at its own end.
    if (this.#connection.kind === 'wasm') return this.transaction(run)
    try {
      return run()
    } catch (error) {
      this.#facts.clear()
      throw error
    }
  }

  /** Writes the log back, and what it holds is on the disk. */
  flush(isWhole = false): void {
    this.#connection.exec(`PRAGMA wal_checkpoint(${isWhole ? 'TRUNCATE' : 'PASSIVE'})`)
  }

  close(): void {
    this.#connection.close()
  }

  #outermost<Result>(run: () => Result): Result {
    this.#connection.exec('BEGIN IMMEDIATE')
    this.#depth = 1
    try {
      const result = run()
      this.#connection.exec('COMMIT')
      return result
    } catch (error) {
      this.#facts.clear()
      this.#rollBack()
      throw error
    } finally {
      this.#depth = 0
    }
  }

  #within<Result>(run: () => Result): Result {
    this.#connection.exec('SAVEPOINT part')
    this.#depth += 1
    try {
      const result = run()
      this.#connection.exec('RELEASE part')
      return result
    } catch (error) {
      this.#facts.clear()
      // What SQLite itself could not do may have undone all that is around: then the whole fails.
      if (isSelvedgeError(error)) this.#connection.exec('ROLLBACK TO part; RELEASE part')
      throw error
    } finally {
      this.#depth -= 1
    }
  }

  /** After some failures (a full disk is one) SQLite has done so by itself. */
  #rollBack(): void {
    try {
      this.#connection.exec('ROLLBACK')
    } catch {
      // The error that led here is the one to tell.
    }
  }
}

/** Of a bucket and a key, as bytes. */
type Names = readonly [bucket: Uint8Array, key: Uint8Array]

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** One for each pair, whatever is in them. */
function nameOf(bucket: string, key: string): string {
  return `${bucket.length} ${bucket}${key}`
}

function keyVersion({ key, version }: SqlRow): KeyVersion {
  return { key: text(key), version: Number(version) }
}

function blob(value: string): Uint8Array {
  return encoder.encode(value)
}

/** No bytes at all come back as null from one of the two. */
function bytesOf(value: SqlValue | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0)
}

function text(value: SqlValue | undefined): string {
  return decoder.decode(bytesOf(value))
}
