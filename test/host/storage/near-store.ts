/** A store in a SQLite file without the storage thread between: what is tested is one of the two SQLites. */
import { SqliteFiles, type FilesOptions } from '../../../host/storage/sqlite/files.ts'
import type { KeyValueLimits } from '../../../host/storage/index.ts'
import { loadBuiltIn, type Connection } from '../../../host/storage/sqlite/connection.ts'
import type { OpenOptions, StorageMethod, StoreNews } from '../../../host/storage/sqlite/protocol.ts'
import { SqliteStore } from '../../../host/storage/sqlite/store.ts'
import type { StorageThread } from '../../../host/storage/sqlite/thread.ts'

const hasBuiltIn = (await loadBuiltIn()) !== null
/** Those that this Node.js has. */
export const sqliteKinds: readonly Connection['kind'][] = hasBuiltIn ? ['node:sqlite', 'wasm'] : ['wasm']

export const usualOptions: OpenOptions = { durability: 'full', rules: [] }

export function nearStore(files: SqliteFiles, path: string, options = usualOptions): SqliteStore {
  const near = {
    generation: 1,
    async request(
      file: string,
      method: StorageMethod,
      args: readonly unknown[],
      told: (news: StoreNews) => void,
    ): Promise<unknown> {
      const value = await files.run(file, method, args)
      told({ held: files.heldAt(file), changes: files.changesAt(file) })
      return value
    },
  }
  return new SqliteStore(near as unknown as StorageThread, async () => path, options)
}

export function openNear(
  limits: KeyValueLimits,
  path: string,
  { kind, time, ...options }: FilesOptions & Partial<OpenOptions> = {},
): SqliteStore {
  const files = new SqliteFiles(limits, { ...(kind && { kind }), ...(time && { time }) })
  return nearStore(files, path, { ...usualOptions, ...options })
}
