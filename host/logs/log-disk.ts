/**
 * The files of logs: only ever longer, or gone. Not {@link DurableFolder}: a log that was written again as a whole with
 * each line, or flushed with each, would wear out a flash; the system brings several additions to the disk at once.
 */
import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

export interface LogFile {
  readonly name: string
  readonly bytes: number
}

/** Names of apps and files are plain names. Errors carry the system's `code`. */
export interface LogDisk {
  /** By app, in the order of their names. */
  list(): Promise<ReadonlyMap<string, readonly LogFile[]>>
  /** Makes the file where there is none. What throws may have written a part. */
  append(app: string, name: string, bytes: Uint8Array): Promise<void>
  /** @returns its length, bytes; 0 where there is none */
  size(app: string, name: string): Promise<number>
  /** @returns its first `maxBytes` at most; null where there is none */
  read(app: string, name: string, maxBytes: number): Promise<Uint8Array | null>
  /** Nothing happens where there is none. */
  remove(app: string, name: string): Promise<void>
}

/** Below a folder of their own, for the node's user only. */
export function logFolder(path: string): LogDisk {
  return {
    async list() {
      const apps = new Map<string, LogFile[]>()
      for (const entry of await readdir(path, { withFileTypes: true })) {
        // What cannot be read of one app, as it is another user's, is no reason to keep the others from their own.
        if (entry.isDirectory()) apps.set(entry.name, await filesIn(join(path, entry.name)).catch(() => []))
      }
      return apps
    },
    async append(app, name, bytes) {
      const add = async (): Promise<void> => {
        const file = await open(join(path, app, name), 'a', 0o600)
        try {
          await file.writeFile(bytes)
        } finally {
          await file.close()
        }
      }
      await add().catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
        await mkdir(join(path, app), { recursive: true, mode: 0o700 })
        await add()
      })
    },
    async size(app, name) {
      try {
        return (await stat(join(path, app, name))).size
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
        throw error
      }
    },
    async read(app, name, maxBytes) {
      const bytes = await readFile(join(path, app, name)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null
        throw error
      })
      return bytes === null ? null : bytes.subarray(0, maxBytes)
    },
    async remove(app, name) {
      await rm(join(path, app, name), { force: true })
    },
  }
}

async function filesIn(folder: string): Promise<LogFile[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name)
  return Promise.all(
    names.sort().map(async (name) => ({ name, bytes: (await stat(join(folder, name))).size })),
  )
}
