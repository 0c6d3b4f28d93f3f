/** The open files of group stores, by path; what runs on their thread. */
import { systemRandom, type SelvedgeError } from '../../../core/index.ts'
import type { StoreAmount } from '../contract.ts'
import type { KeyValueLimits } from '../limits.ts'
import { openConnection, type Connection } from '../sqlite/connection.ts'
import { copyFlushed } from '../sqlite/copy.ts'
import { flushFolderOf, problemOf } from '../sqlite/files.ts'
import type { VisibleChange } from './batch.ts'
import { joinAll } from './joining.ts'
import type { ReplicaRequest } from './protocol.ts'
import { ReplicaTable } from './replica-table.ts'
import { SqliteEntryRows } from './sqlite-entry-rows.ts'

export type ReplicaCall = Pick<ReplicaRequest, 'path' | 'method' | 'args' | 'time'>

export type ReplicaOutcome = { readonly value: unknown } | { readonly error: SelvedgeError }

export class ReplicaFiles {
  readonly #limits: KeyValueLimits
  readonly #node: string
  readonly #kind: Connection['kind'] | undefined
  readonly #tables = new Map<string, ReplicaTable>()

  /** @param kind for tests: which SQLite to use */
  constructor(limits: KeyValueLimits, node: string, kind?: Connection['kind']) {
    this.#limits = limits
    this.#node = node
    this.#kind = kind
  }

  async run(call: ReplicaCall): Promise<ReplicaOutcome> {
    try {
      return { value: await this.#use(call) }
    } catch (error) {
      return { error: await problemOf(error, call.path) }
    }
  }

  /** What is in it; null where it is not open. */
  heldAt(path: string): StoreAmount | null {
    const usage = this.#tables.get(path)?.usage()
    return usage === undefined ? null : { items: usage.keys, bytes: usage.bytes }
  }

  /** What a reader sees otherwise since it was last asked. */
  changesAt(path: string): readonly VisibleChange[] {
    return this.#tables.get(path)?.takeChanges() ?? []
  }

  async #use({ path, method, args, time }: ReplicaCall): Promise<unknown> {
    if (method === 'open') {
      if (!this.#tables.has(path)) this.#tables.set(path, await this.#open(path))
      return undefined
    }
    const table = this.#tables.get(path)
    if (table === undefined) throw new Error('it is not open')
    if (method === 'close') this.#tables.delete(path)
    table.setTime(time)
    if (method === 'saveTo') return saveTo(path, table, String(args[0]))
    if (method === 'joinFrom') return this.#joinFrom(table, String(args[0]))
    return (table[method] as (...args: readonly unknown[]) => unknown).apply(table, [...args])
  }

  /** @returns how many keys are in the other file @throws SelvedgeError about that file */
  async #joinFrom(table: ReplicaTable, path: string): Promise<number> {
    try {
      const other = await this.#open(path)
      try {
        joinAll(table, other)
        return other.usage().keys
      } finally {
        other.close()
      }
    } catch (error) {
      throw await problemOf(error, path)
    }
  }

  async #open(path: string): Promise<ReplicaTable> {
    const connection = await openConnection(path, this.#kind)
    try {
      const rows = new SqliteEntryRows(connection)
      await flushFolderOf(path)
      return new ReplicaTable(rows, this.#limits, this.#node, systemRandom)
    } catch (error) {
      connection.close()
      throw error
    }
  }
}

/** Nobody writes to it meanwhile: requests are answered one after the other. */
async function saveTo(path: string, table: ReplicaTable, target: string): Promise<number> {
  table.flush()
  await copyFlushed(path, target)
  return table.usage().keys
}
