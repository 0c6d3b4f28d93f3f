/** The open files of a node's queues, by path; what runs on their thread. */
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileProblems, isSelvedgeError, messageOf, type SelvedgeError } from '../../../core/index.ts'
import { openConnection, storageProblems, type Connection } from '../../storage/index.ts'
import type { QueueChange } from '../file.ts'
import type { QueueMethod } from './protocol.ts'
import { QueueTable } from './table.ts'

export class QueueSqliteFiles {
  readonly #kind: Connection['kind'] | undefined
  readonly #tables = new Map<string, QueueTable>()

  /** @param kind for tests: which SQLite to use */
  constructor(kind?: Connection['kind']) {
    this.#kind = kind
  }

  /** One request at a time. @throws SelvedgeError, and nothing else */
  async run(path: string, method: QueueMethod, args: readonly unknown[]): Promise<unknown> {
    try {
      const present = this.#tables.get(path)
      if (method === 'close') {
        this.#tables.delete(path)
        return present?.close()
      }
      const table = present ?? (await this.#open(path))
      switch (method) {
        case 'open':
          return table.open()
        case 'commit':
          return table.commit(args[0] as readonly QueueChange[])
        case 'bodies':
          return table.bodies(args[0] as readonly number[])
      }
    } catch (error) {
      throw this.#failed(error, path)
    }
  }

  async #open(path: string): Promise<QueueTable> {
    const connection = await openConnection(path, this.#kind)
    try {
      const table = new QueueTable(connection)
      await flushFolderOf(path)
      this.#tables.set(path, table)
      return table
    } catch (error) {
      connection.close()
      throw error
    }
  }

  /** SQLite's errors are told apart by their text: the two builds have different codes, and the same words. */
  #failed(error: unknown, path: string): SelvedgeError {
    if (isSelvedgeError(error)) return error
    const message = messageOf(error)
    if (/database or disk is full/i.test(message)) {
      return fileProblems.error('ERR_DISK_FULL', `no space left for ${path}`, { cause: error })
    }
    // Opened again for the next request: the disk may have come back.
    try {
      this.#tables.get(path)?.close()
    } catch {
      // What it says now is a consequence.
    }
    this.#tables.delete(path)
    const code = /not a database|malformed|later version/i.test(message)
      ? 'ERR_STORAGE_DAMAGED'
      : 'ERR_STORAGE_FAILED'
    return storageProblems.error(code, `${path}: ${message}`, { cause: error })
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
