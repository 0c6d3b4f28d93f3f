/**
 * A queue in one SQLite file; what runs on the thread. A commit is on the disk when it returns. Names are stored as
 * their UTF-8 bytes: text with a NUL in it would not come back whole.
 */
import type { Connection, SqlRow, SqlValue, Statement } from '../../storage/index.ts'
import type { QueueChange, QueueContents } from '../file.ts'
import type { QueueRow } from '../ledger.ts'

/** Written into the file's header, so that a later version knows what it has before it. */
const formatVersion = 1

const setUp = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 256;
  PRAGMA journal_size_limit = 1048576;
  PRAGMA cache_size = -512;
  PRAGMA temp_store = MEMORY;
`
/** Ids are not used again (AUTOINCREMENT): whoever kept one must not come upon another item by it. */
const schema = `
  BEGIN IMMEDIATE;
  CREATE TABLE IF NOT EXISTS item (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lane BLOB NOT NULL,
    line BLOB,
    name BLOB,
    size INTEGER NOT NULL,
    added INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    error BLOB,
    died INTEGER,
    body BLOB NOT NULL
  );
  CREATE TABLE IF NOT EXISTS seen (n INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL UNIQUE);
  PRAGMA user_version = ${formatVersion};
  COMMIT;
`
const statements = {
  rows: 'SELECT id, lane, line, name, size, added, attempts, error, died FROM item ORDER BY id',
  last: "SELECT seq FROM sqlite_sequence WHERE name = 'item'",
  seen: 'SELECT name FROM seen ORDER BY n',
  put: `INSERT OR REPLACE INTO item (id, lane, line, name, size, added, attempts, error, died, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  remove: 'DELETE FROM item WHERE id = ?',
  retry: 'UPDATE item SET attempts = ?, error = ? WHERE id = ?',
  bury: 'UPDATE item SET attempts = ?, error = ?, died = ? WHERE id = ?',
  replay: 'UPDATE item SET attempts = 0, died = NULL WHERE id = ?',
  body: 'SELECT body FROM item WHERE id = ?',
  see: 'INSERT OR IGNORE INTO seen (name) VALUES (?)',
  forget: 'DELETE FROM seen WHERE name = ?',
} as const

export class QueueTable {
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
    // Where nothing is to be done nothing is written: the disk may be full, or read-only.
    if (found < formatVersion) connection.exec(schema)
    const prepared = Object.entries(statements).map(([name, sql]) => [name, connection.prepare(sql)])
    this.#statements = Object.fromEntries(prepared) as Record<keyof typeof statements, Statement>
  }

  open(): QueueContents {
    return {
      rows: this.#statements.rows.all().map(rowOf),
      lastId: Number(this.#statements.last.get()?.seq ?? 0),
      seen: this.#statements.seen.all().map(({ name }) => textOf(name) ?? ''),
    }
  }

  commit(changes: readonly QueueChange[]): void {
    this.#connection.exec('BEGIN IMMEDIATE')
    try {
      for (const change of changes) this.#apply(change)
      this.#connection.exec('COMMIT')
    } catch (error) {
      this.#rollBack()
      throw error
    }
  }

  bodies(ids: readonly number[]): (Uint8Array | null)[] {
    return ids.map((id) => {
      const row = this.#statements.body.get(id)
      return row === undefined ? null : bytesOf(row.body)
    })
  }

  close(): void {
    this.#connection.close()
  }

  #apply(change: QueueChange): void {
    const { put, remove, retry, bury, replay, see, forget } = this.#statements
    switch (change.type) {
      case 'put': {
        const { id, lane, key, unique, sizeBytes, addedMs, attempts, lastError, diedMs } = change.row
        const names = [blob(lane), blobOrNull(key), blobOrNull(unique)] as const
        put.run(id, ...names, sizeBytes, addedMs, attempts, blobOrNull(lastError), diedMs, change.body)
        if (unique !== null) see.run(blob(unique))
        return
      }
      case 'forget':
        for (const name of change.names) forget.run(blob(name))
        return
      case 'remove':
        for (const id of change.ids) remove.run(id)
        return
      case 'replay':
        for (const id of change.ids) replay.run(id)
        return
      case 'retry':
        retry.run(change.attempts, blob(change.lastError), change.id)
        return
      case 'bury':
        bury.run(change.attempts, blob(change.lastError), change.diedMs, change.id)
        return
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

function rowOf({ id, lane, line, name, size, added, attempts, error, died }: SqlRow): QueueRow {
  return {
    id: Number(id),
    lane: textOf(lane) ?? '',
    key: textOf(line),
    unique: textOf(name),
    sizeBytes: Number(size),
    addedMs: Number(added),
    attempts: Number(attempts),
    lastError: textOf(error),
    diedMs: died === null || died === undefined ? null : Number(died),
  }
}

/** No bytes at all come back as null from one of the two builds: a byte before it tells empty text from none. */
function blob(text: string): Uint8Array {
  return new TextEncoder().encode(`=${text}`)
}

function blobOrNull(text: string | null): Uint8Array | null {
  return text === null ? null : blob(text)
}

function textOf(value: SqlValue | undefined): string | null {
  return value instanceof Uint8Array ? new TextDecoder().decode(value).slice(1) : null
}

/** Of a body nobody asks whether it is there: it is. */
function bytesOf(value: SqlValue | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0)
}
