/**
 * Rows in one SQLite file. A write is on the disk when it returns. Names and keys are stored as their UTF-8 bytes:
 * text with a NUL in it would not come back whole.
 */
import type { StoredValue, StoreUsage } from '../contract.ts'
import type { RowFacts, Rows } from '../key-value-table.ts'
import { entryOverheadBytes } from '../limits.ts'
import type { Connection, SqlRow, SqlValue, Statement } from './connection.ts'

/** Written into the file's header, so that a later version knows what it has before it. */
const formatVersion = 1

const setUp = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = TRUNCATE;
  PRAGMA synchronous = FULL;
  PRAGMA cache_size = -1024;
  PRAGMA temp_store = MEMORY;
`
/** Ids are not used again (AUTOINCREMENT): a cursor must not come upon a key twice, or skip a new one. */
const schema = `
  BEGIN IMMEDIATE;
  CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket BLOB NOT NULL,
    key BLOB NOT NULL,
    version INTEGER NOT NULL,
    value BLOB NOT NULL
  );
  CREATE UNIQUE INDEX IF NOT EXISTS entry_key ON entry (bucket, key);
  CREATE INDEX IF NOT EXISTS entry_page ON entry (bucket, id);
  PRAGMA user_version = ${formatVersion};
  COMMIT;
`
const statements = {
  find: 'SELECT length(value) AS size, version FROM entry WHERE bucket = ? AND key = ?',
  read: 'SELECT value, version FROM entry WHERE bucket = ? AND key = ?',
  write: `INSERT INTO entry (bucket, key, version, value) VALUES (?, ?, ?, ?)
    ON CONFLICT (bucket, key) DO UPDATE SET version = excluded.version, value = excluded.value`,
  remove: 'DELETE FROM entry WHERE bucket = ? AND key = ?',
  page: 'SELECT id, key FROM entry WHERE bucket = ? AND id > ? ORDER BY id LIMIT ?',
  totals: `SELECT count(*) AS keys, coalesce(sum(length(key) + length(value) + ${entryOverheadBytes}), 0) AS bytes,
    coalesce(max(version), 0) AS version FROM entry`,
} as const

export class SqlRows implements Rows {
  readonly #connection: Connection
  readonly #statements: Readonly<Record<keyof typeof statements, Statement>>

  /** @throws what SQLite throws, also where the file was written by a later version */
  constructor(connection: Connection) {
    this.#connection = connection
    connection.exec(setUp)
    const found = Number(connection.prepare('PRAGMA user_version').get()?.user_version ?? 0)
    if (found > formatVersion) {
      throw new Error(`it was written by a later version of Selvedge (format ${found}, not ${formatVersion})`)
    }
    connection.exec(schema)
    const prepared = Object.entries(statements).map(([name, sql]) => [name, connection.prepare(sql)])
    this.#statements = Object.fromEntries(prepared) as Record<keyof typeof statements, Statement>
  }

  find(bucket: string, key: string): RowFacts | undefined {
    const row = this.#statements.find.get(blob(bucket), blob(key))
    return row && { valueBytes: Number(row.size), version: Number(row.version) }
  }

  read(bucket: string, key: string): StoredValue | undefined {
    const row = this.#statements.read.get(blob(bucket), blob(key))
    return row && { value: bytesOf(row.value), version: Number(row.version) }
  }

  write(bucket: string, key: string, value: Uint8Array, version: number): void {
    this.#statements.write.run(blob(bucket), blob(key), version, value)
  }

  remove(bucket: string, key: string): void {
    this.#statements.remove.run(blob(bucket), blob(key))
  }

  page(bucket: string, afterId: number, count: number): { id: number; key: string }[] {
    const rows = this.#statements.page.all(blob(bucket), afterId, count)
    return rows.map(({ id, key }: SqlRow) => ({
      id: Number(id),
      key: new TextDecoder().decode(bytesOf(key)),
    }))
  }

  totals(): StoreUsage & { version: number } {
    const row = this.#statements.totals.get()
    return { keys: Number(row?.keys), bytes: Number(row?.bytes), version: Number(row?.version) }
  }

  transaction<Result>(run: () => Result): Result {
    this.#connection.exec('BEGIN IMMEDIATE')
    try {
      const result = run()
      this.#connection.exec('COMMIT')
      return result
    } catch (error) {
      this.#rollBack()
      throw error
    }
  }

  close(): void {
    this.#connection.close()
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

function blob(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** No bytes at all come back as null from one of the two. */
function bytesOf(value: SqlValue | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0)
}
