/** The tables of a key-value store's file, how files of before become such, and how SQLite is to treat them. */
import type { Durability } from '../contract.ts'
import type { Connection } from './connection.ts'

/** Written into the file's header, so that a later version knows what it has before it. */
const formatVersion = 2

/**
 * Pages of the log, of 4 KiB, after which it is written back. That waits for the disk twice, which at `full` is little beside
 * the commits, and at `normal` most of what a write costs; there the log is written back each second in any case.
 */
const logPages = { full: 1_000, normal: 4_000 } as const

/**
 * The lock is the connection's from the first statement until it closes: only so can both SQLites keep a write-ahead log,
 * whose commits wait for the disk once. `FULL` waits at each commit, `NORMAL` when the log is written back, which the
 * storage thread sees to every second.
 */
const setUp = (durability: Durability, pagesKb: number): string => `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'};
  PRAGMA wal_autocheckpoint = ${logPages[durability]};
  PRAGMA journal_size_limit = ${logPages[durability] * 4096};
  PRAGMA cache_size = -${pagesKb};
  PRAGMA temp_store = MEMORY;
`

/**
 * Ids are not used again (AUTOINCREMENT): a cursor must not come upon a key twice, or skip a new one. The value comes
 * last: what is behind it can be read only by way of all its pages.
 */
const entries = `
  CREATE TABLE entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket BLOB NOT NULL,
    key BLOB NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    sum BLOB,
    value BLOB NOT NULL
  );
  CREATE UNIQUE INDEX entry_key ON entry (bucket, key);
  CREATE INDEX entry_page ON entry (bucket, id);`

/** Entries of the first format have no sum until they are written again, and begin to grow old now. */
const fromFirst = `
  ALTER TABLE entry ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE entry ADD COLUMN sum BLOB;`

/** An index of versions comes and goes with those who need it (`SqlRows`). */
const sinceSecond = `
  CREATE TABLE grave (version INTEGER PRIMARY KEY, bucket BLOB NOT NULL, key BLOB NOT NULL, sum BLOB NOT NULL);
  CREATE UNIQUE INDEX grave_key ON grave (bucket, key);
  CREATE TABLE note (name TEXT PRIMARY KEY, value INTEGER NOT NULL, sum BLOB NOT NULL);
  PRAGMA user_version = ${formatVersion};`

/** Pages up to which a file is checked whole when it is opened, 64 MiB; of a larger one only what is read is checked. */
const checkedPages = 16_384

/**
 * Makes the tables where there are none, and brings those of before up to date. Where nothing is to be done, nothing is
 * written: a disk may be read-only now.
 * @throws what SQLite throws, and an error where the file is damaged or was written by a later version
 */
export function prepareFile(connection: Connection, durability: Durability, pagesKb: number): void {
  const number = (pragma: string): number =>
    Number(Object.values(connection.prepare(`PRAGMA ${pragma}`).get() ?? {})[0])
  connection.exec('PRAGMA locking_mode = EXCLUSIVE')
  const found = number('user_version')
  // Before anything is set: that would be written into it.
  if (found > formatVersion) {
    throw new Error(`it was written by a later version of Selvedge (format ${found}, not ${formatVersion})`)
  }
  connection.exec(setUp(durability, pagesKb))
  if (number('page_count') <= checkedPages) checkWhole(connection)
  if (found === formatVersion) return
  connection.exec(`BEGIN IMMEDIATE; ${found === 1 ? fromFirst : entries} ${sinceSecond} COMMIT;`)
}

/** Finds what cannot be found from one row: an index that leads to another row than it should, or to none. */
function checkWhole(connection: Connection): void {
  const first = String(Object.values(connection.prepare('PRAGMA integrity_check(1)').get() ?? {})[0])
  if (first !== 'ok') throw new Error(`it is malformed: ${first.replace(/\s+/g, ' ').slice(0, 200)}`)
}
