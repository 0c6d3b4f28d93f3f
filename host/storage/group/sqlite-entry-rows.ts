/**
 * Entries in one SQLite file. Replicas are numbered in it, since their names are long; an entry is CBOR, its writes are
 * also in an index of their own. A transaction is on the disk when it returns.
 */
import { createHash } from 'node:crypto'
import type { Connection, SqlRow, SqlValue, Statement } from '../sqlite/connection.ts'
import type { Position } from './batch.ts'
import { dotsOf } from './entry.ts'
import { sizeOfRow, type EntryRow, type EntryRows, type RowTotals } from './entry-rows.ts'
import { readEntry, writtenEntry, type ReplicaNumbers } from './written-entry.ts'

/** Written into the file's header, so that a later version knows what it has before it. */
const formatVersion = 1

const setUp = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 256;
  PRAGMA journal_size_limit = 1048576;
  PRAGMA cache_size = -1024;
  PRAGMA temp_store = MEMORY;
`
const schema = `
  BEGIN IMMEDIATE;
  CREATE TABLE entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket BLOB NOT NULL,
    key BLOB NOT NULL,
    version INTEGER NOT NULL,
    size INTEGER,
    sum BLOB NOT NULL,
    state BLOB NOT NULL
  );
  CREATE UNIQUE INDEX entry_key ON entry (bucket, key);
  CREATE INDEX entry_page ON entry (bucket, id);
  CREATE INDEX entry_dead ON entry (id) WHERE size IS NULL;
  CREATE TABLE dot (replica INTEGER NOT NULL, counter INTEGER NOT NULL, entry INTEGER NOT NULL,
    PRIMARY KEY (replica, counter, entry)) WITHOUT ROWID;
  CREATE TABLE replica (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, known INTEGER NOT NULL DEFAULT 0,
    collected INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
  PRAGMA user_version = ${formatVersion};
  COMMIT;
`
/** Files of before lack it, and versions of before keep it up to date where it is. */
const byVersion = 'CREATE INDEX IF NOT EXISTS entry_version ON entry (bucket, version)'
const isByVersion = "SELECT name FROM sqlite_master WHERE name = 'entry_version'"
const statements = {
  find: 'SELECT id, version, size, sum, state FROM entry WHERE bucket = ? AND key = ?',
  insert: 'INSERT INTO entry (bucket, key, version, size, sum, state) VALUES (?, ?, ?, ?, ?, ?)',
  update: 'UPDATE entry SET version = ?, size = ?, sum = ?, state = ? WHERE id = ?',
  idOf: 'SELECT id FROM entry WHERE bucket = ? AND key = ?',
  remove: 'DELETE FROM entry WHERE id = ?',
  page: 'SELECT id, key FROM entry WHERE bucket = ? AND id > ? AND size IS NOT NULL ORDER BY id LIMIT ?',
  changed: 'SELECT key, version, size FROM entry WHERE bucket = ? AND version > ? ORDER BY version LIMIT ?',
  writes: `SELECT entry.bucket AS bucket, entry.key AS key, dot.counter AS counter FROM dot JOIN entry ON entry.id = dot.entry
    WHERE dot.replica = ? AND dot.counter > ? ORDER BY dot.counter LIMIT ?`,
  first: 'SELECT bucket, key FROM entry ORDER BY bucket, key LIMIT ?',
  range: 'SELECT bucket, key FROM entry WHERE (bucket, key) > (?, ?) ORDER BY bucket, key LIMIT ?',
  dead: 'SELECT id, bucket, key FROM entry WHERE size IS NULL AND id > ? ORDER BY id LIMIT ?',
  totals: `SELECT count(size) AS keys, coalesce(sum(length(key) + size), 0) AS bytes, count(*) - count(size) AS dead FROM entry`,
  addDot: 'INSERT OR REPLACE INTO dot (replica, counter, entry) VALUES (?, ?, ?)',
  removeDot: 'DELETE FROM dot WHERE replica = ? AND counter = ? AND entry = ?',
  replicas: 'SELECT id, name, known, collected FROM replica',
  addReplica: 'INSERT INTO replica (id, name) VALUES (?, ?)',
  known: 'UPDATE replica SET known = ? WHERE id = ?',
  collected: 'UPDATE replica SET collected = ? WHERE id = ?',
  fact: 'SELECT value FROM fact WHERE name = ?',
  setFact: 'INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)',
} as const

export class SqliteEntryRows implements EntryRows, ReplicaNumbers {
  readonly baseMs = 1
  readonly #connection: Connection
  readonly #statements: Readonly<Record<keyof typeof statements, Statement>>
  #numbers = new Map<string, number>()
  #names = new Map<number, string>()
  #totals: RowTotals

  /** @throws what SQLite throws, and an error where the file is damaged or was written by a later version */
  constructor(connection: Connection) {
    this.#connection = connection
    connection.exec(setUp)
    const found = Number(Object.values(connection.prepare('PRAGMA user_version').get() ?? {})[0])
    if (found > formatVersion) {
      throw new Error(`it was written by a later version of Selvedge (format ${found}, not ${formatVersion})`)
    }
    if (found === 0) connection.exec(schema)
    // Where nothing is to be done nothing is written: the disk may be read-only.
    if (connection.prepare(isByVersion).get() === undefined) connection.exec(byVersion)
    const prepared = Object.entries(statements).map(([name, sql]) => [name, connection.prepare(sql)])
    this.#statements = Object.fromEntries(prepared) as Record<keyof typeof statements, Statement>
    this.#readNumbers()
    const totals = this.#statements.totals.get()
    const keys = Number(totals?.keys)
    const overhead = sizeOfRow('', { valueBytes: 0 })
    this.#totals = { keys, bytes: Number(totals?.bytes) + keys * overhead, dead: Number(totals?.dead) }
  }

  find(bucket: string, key: string): EntryRow | undefined {
    const row = this.#statements.find.get(blob(bucket), blob(key))
    if (row === undefined) return undefined
    const state = bytesOf(row.state)
    if (Buffer.compare(bytesOf(row.sum), sumOf(bucket, key, state)) !== 0) {
      throw new Error('it is malformed: an entry is not as it was written')
    }
    const valueBytes = row.size === null ? null : Number(row.size)
    return { id: Number(row.id), version: Number(row.version), valueBytes, entry: readEntry(state, this) }
  }

  write(bucket: string, key: string, row: Omit<EntryRow, 'id'>): void {
    const { insert, update, idOf, addDot } = this.#statements
    const before = this.find(bucket, key)
    const state = writtenEntry(row.entry, this)
    const values = [row.version, row.valueBytes, sumOf(bucket, key, state), state] as const
    if (before === undefined) insert.run(blob(bucket), blob(key), ...values)
    else update.run(...values, before.id)
    const id = before?.id ?? Number(idOf.get(blob(bucket), blob(key))?.id)
    if (before !== undefined) this.#removeDots(before)
    for (const { replica, counter } of dotsOf(row.entry)) addDot.run(this.numberOf(replica), counter, id)
    this.#count(key, before, row)
  }

  remove(bucket: string, key: string): void {
    const before = this.find(bucket, key)
    if (before === undefined) return
    this.#removeDots(before)
    this.#statements.remove.run(before.id)
    this.#count(key, before, undefined)
  }

  page(bucket: string, afterId: number, count: number): { id: number; key: string }[] {
    return this.#statements.page
      .all(blob(bucket), afterId, count)
      .map(({ id, key }) => ({ id: Number(id), key: text(key) }))
  }

  changed(bucket: string, after: number, count: number): { key: string; version: number; isSet: boolean }[] {
    return this.#statements.changed
      .all(blob(bucket), after, count)
      .map(({ key, version, size }) => ({ key: text(key), version: Number(version), isSet: size !== null }))
  }

  writesAfter(replica: string, counter: number, count: number): [string, string, number][] {
    const rows = this.#statements.writes.all(this.numberOf(replica), counter, count)
    return rows.map((row) => [...positionOf(row), Number(row.counter)])
  }

  range(after: Position | null, count: number): Position[] {
    const { first, range } = this.#statements
    const rows = after === null ? first.all(count) : range.all(blob(after[0]), blob(after[1]), count)
    return rows.map(positionOf)
  }

  dead(afterId: number, count: number): [string, string, number][] {
    return this.#statements.dead.all(afterId, count).map((row) => [...positionOf(row), Number(row.id)])
  }

  totals(): RowTotals {
    return this.#totals
  }

  vector(name: 'known' | 'collected'): Map<string, number> {
    const entries = this.#statements.replicas
      .all()
      .map((row): [string, number] => [String(row.name), Number(row[name])])
    return new Map(entries.filter(([, counter]) => counter > 0))
  }

  setVector(name: 'known' | 'collected', replica: string, counter: number): void {
    this.#statements[name].run(counter, this.numberOf(replica))
  }

  fact(name: string): string | null {
    const value = this.#statements.fact.get(name)?.value
    return typeof value === 'string' ? value : null
  }

  setFact(name: string, value: string): void {
    this.#statements.setFact.run(name, value)
  }

  transaction<Result>(run: () => Result): Result {
    const totals = this.#totals
    this.#connection.exec('BEGIN IMMEDIATE')
    try {
      const result = run()
      this.#connection.exec('COMMIT')
      return result
    } catch (error) {
      this.#rollBack()
      this.#totals = totals
      this.#readNumbers()
      throw error
    }
  }

  flush(): void {
    this.#connection.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  }

  close(): void {
    this.#connection.close()
  }

  numberOf(replica: string): number {
    const known = this.#numbers.get(replica)
    if (known !== undefined) return known
    const number = this.#numbers.size + 1
    this.#statements.addReplica.run(number, replica)
    this.#numbers.set(replica, number)
    this.#names.set(number, replica)
    return number
  }

  nameOf(number: number): string {
    const name = this.#names.get(number)
    if (name === undefined)
      throw new Error(`it is malformed: an entry names replica ${number}, which is not in it`)
    return name
  }

  #readNumbers(): void {
    const rows = this.#statements.replicas.all()
    this.#numbers = new Map(rows.map(({ id, name }) => [String(name), Number(id)]))
    this.#names = new Map(rows.map(({ id, name }) => [Number(id), String(name)]))
  }

  #removeDots({ id, entry }: EntryRow): void {
    for (const { replica, counter } of dotsOf(entry))
      this.#statements.removeDot.run(this.numberOf(replica), counter, id)
  }

  #count(
    key: string,
    before: Pick<EntryRow, 'valueBytes'> | undefined,
    after: Pick<EntryRow, 'valueBytes'> | undefined,
  ): void {
    const { keys, bytes, dead } = this.#totals
    const live = (row: typeof before): number => Number(row !== undefined && row.valueBytes !== null)
    const gone = (row: typeof before): number => Number(row !== undefined && row.valueBytes === null)
    const size = (row: typeof before): number => (row === undefined ? 0 : sizeOfRow(key, row))
    this.#totals = {
      keys: keys + live(after) - live(before),
      bytes: bytes + size(after) - size(before),
      dead: dead + gone(after) - gone(before),
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

/** Against a worn-out card, which SQLite does not see. */
function sumOf(bucket: string, key: string, state: Uint8Array): Uint8Array {
  const hash = createHash('sha256')
    .update(JSON.stringify([bucket, key]))
    .update(state)
  return new Uint8Array(hash.digest().subarray(0, 8))
}

function positionOf({ bucket, key }: SqlRow): Position {
  return [text(bucket), text(key)]
}

function blob(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

/** No bytes at all come back as null from one of the two. */
function bytesOf(value: SqlValue | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0)
}

function text(value: SqlValue | undefined): string {
  return new TextDecoder().decode(bytesOf(value))
}
