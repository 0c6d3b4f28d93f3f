/**
 * SQLite as this Node.js has it: built in from 22.13 on, else compiled to WebAssembly. Both write the same files, so
 * that a node may move to another version of Node.js and back. The second shares no memory with anybody: it can have a
 * write-ahead log only where the lock is its own from the first statement on (`locking_mode = EXCLUSIVE`).
 */
import { rm } from 'node:fs/promises'
import { endianness } from 'node:os'
import { storageProblems } from '../problems.ts'

export type SqlValue = number | bigint | string | Uint8Array | null
export type SqlRow = Readonly<Record<string, SqlValue>>

export interface Connection {
  /** `node:sqlite` or `wasm`. */
  readonly kind: 'node:sqlite' | 'wasm'
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

export interface Statement {
  /** @returns how many rows it changed */
  run(...values: SqlValue[]): number
  get(...values: SqlValue[]): SqlRow | undefined
  all(...values: SqlValue[]): SqlRow[]
}

/** The little that is used of `node:sqlite`, which the types of older versions do not have. */
interface BuiltIn {
  readonly DatabaseSync: new (path: string) => {
    exec(sql: string): void
    prepare(sql: string): {
      run(...values: SqlValue[]): { readonly changes: number | bigint }
      get(...values: SqlValue[]): SqlRow | undefined
      all(...values: SqlValue[]): SqlRow[]
    }
    close(): void
  }
}

/**
 * @param kind for tests: without it the built-in one where there is one; @param byteOrder the machine's
 * @throws ERR_STORAGE_BYTE_ORDER where there is none for it; what SQLite throws
 */
export async function openConnection(
  path: string,
  kind?: Connection['kind'],
  byteOrder: ReturnType<typeof endianness> = endianness(),
): Promise<Connection> {
  if (kind === 'wasm') return openWasm(path, byteOrder)
  const builtIn = await loadBuiltIn()
  if (builtIn !== null) return openBuiltIn(builtIn, path)
  if (kind !== undefined) throw new Error('this Node.js has no node:sqlite')
  return openWasm(path, byteOrder)
}

/** @returns null where this Node.js has none */
export async function loadBuiltIn(): Promise<BuiltIn | null> {
  // Not written where it is imported: a bundler, and the types of Node.js 20, would look for it.
  const name = 'node:sqlite'
  return import(name).then(
    (module: BuiltIn) => module,
    () => null,
  )
}

function openBuiltIn({ DatabaseSync }: BuiltIn, path: string): Connection {
  const database = new DatabaseSync(path)
  return {
    kind: 'node:sqlite',
    exec: (sql) => database.exec(sql),
    prepare(sql) {
      const statement = database.prepare(sql)
      return {
        run: (...values) => Number(statement.run(...values).changes),
        get: (...values) => statement.get(...values),
        all: (...values) => statement.all(...values),
      }
    },
    close: () => database.close(),
  }
}

async function openWasm(path: string, byteOrder: ReturnType<typeof endianness>): Promise<Connection> {
  // Its JavaScript half reads and writes the memory by typed arrays, and would write nonsense into the file.
  if (byteOrder === 'BE')
    throw storageProblems.error(
      'ERR_STORAGE_BYTE_ORDER',
      `this machine is big-endian, and Node.js ${process.version} has no SQLite of its own`,
    )
  const { Database } = (await import('node-sqlite3-wasm')).default
  // It locks with a folder beside the file, which stays behind after a crash. Only one node uses a data folder at a
  // time (the daemon's lock sees to that), so what is there now belongs to nobody.
  await rm(`${path}.lock`, { recursive: true, force: true })
  const database = new Database(path)
  const statements: { finalize(): void }[] = []
  return {
    kind: 'wasm',
    exec: (sql) => database.exec(sql),
    prepare(sql) {
      const statement = database.prepare(sql)
      statements.push(statement)
      return {
        run: (...values) => Number(statement.run(values).changes),
        // Its own `get` leaves the statement at its first row, and the log cannot be written back as long as somebody reads.
        get: (...values) => (statement.all(values) as SqlRow[])[0],
        all: (...values) => statement.all(values) as SqlRow[],
      }
    },
    close() {
      // With a statement left it would stay open, and its log unwritten.
      for (const statement of statements.splice(0)) statement.finalize()
      database.close()
    },
  }
}
