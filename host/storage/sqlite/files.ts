/** The open SQLite files of a node, by path; what runs on the storage thread. */
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileProblems, isSelvedgeError, messageOf, type SelvedgeError } from '../../../core/index.ts'
import type { StoreAmount } from '../contract.ts'
import { KeyValueTable } from '../key-value-table.ts'
import type { KeyValueLimits } from '../limits.ts'
import { storageProblems } from '../problems.ts'
import { openConnection, type Connection } from './connection.ts'
import type { StorageMethod } from './protocol.ts'
import { SqlRows } from './sql-rows.ts'

export class SqliteFiles {
  readonly #limits: KeyValueLimits
  readonly #kind: Connection['kind'] | undefined
  readonly #tables = new Map<string, Promise<KeyValueTable>>()
  readonly #open = new Map<string, KeyValueTable>()

  /** @param kind for tests: which SQLite to use */
  constructor(limits: KeyValueLimits, kind?: Connection['kind']) {
    this.#limits = limits
    this.#kind = kind
  }

  /** @throws SelvedgeError, and nothing else */
  async run(path: string, method: StorageMethod, args: readonly unknown[]): Promise<unknown> {
    try {
      if (method === 'open') {
        this.#open.set(path, await this.#opening(path))
        return undefined
      }
      const table = await this.#tables.get(path)
      if (table === undefined) throw new Error('it is not open')
      if (method === 'close') {
        this.#tables.delete(path)
        this.#open.delete(path)
        return table.close()
      }
      return (table[method] as (...args: readonly unknown[]) => unknown).apply(table, [...args])
    } catch (error) {
      throw problemOf(error, path)
    }
  }

  /** What is in it; null where it is not open. */
  heldAt(path: string): StoreAmount | null {
    const usage = this.#open.get(path)?.usage()
    return usage === undefined ? null : { items: usage.keys, bytes: usage.bytes }
  }

  /** A file has one connection only, which locks it. */
  #opening(path: string): Promise<KeyValueTable> {
    const present = this.#tables.get(path)
    if (present !== undefined) return present
    const opening = openTable(path, this.#limits, this.#kind)
    this.#tables.set(path, opening)
    opening.catch(() => this.#tables.delete(path))
    return opening
  }
}

async function openTable(
  path: string,
  limits: KeyValueLimits,
  kind?: Connection['kind'],
): Promise<KeyValueTable> {
  const connection = await openConnection(path, kind)
  try {
    const table = new KeyValueTable(new SqlRows(connection), limits)
    await flushFolderOf(path)
    return table
  } catch (error) {
    connection.close()
    throw error
  }
}

/** SQLite without native code does not do this, and a new file may be lost in a power cut as long as nobody has. */
async function flushFolderOf(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** SQLite's errors are told apart by their text: the two builds have different codes, and the same words. */
function problemOf(error: unknown, path: string): SelvedgeError {
  if (isSelvedgeError(error)) return error
  const message = messageOf(error)
  if (/database or disk is full/i.test(message)) {
    return fileProblems.error('ERR_DISK_FULL', `no space left for ${path}`, { cause: error })
  }
  if (/not a database|malformed|later version/i.test(message)) {
    return storageProblems.error('ERR_STORAGE_DAMAGED', `${path}: ${message}`, { cause: error })
  }
  return storageProblems.error('ERR_STORAGE_FAILED', `${path}: ${message}`, { cause: error })
}
