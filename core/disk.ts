/**
 * What durable files need of a disk, and no more: the calls whose order decides what a power cut leaves behind.
 *
 * The simulator brings a disk of its own that fails, fills up and loses power, so that the code above it is the
 * daemon's.
 */
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'

/** Paths are absolute or relative to the process; errors carry the system's `code` (ENOENT, ENOSPC …). */
export interface Disk {
  /** One folder, for its owner only. @throws EEXIST, ENOENT where the folder above is missing */
  makeFolder(path: string): Promise<void>
  /** @throws ENOENT */
  isFolder(path: string): Promise<boolean>
  /** Everything in a folder, in any order. @throws ENOENT */
  entries(path: string): Promise<readonly { readonly name: string; readonly isFile: boolean }[]>
  /** A new file with these bytes, readable by its owner only, flushed. @throws EEXIST */
  createSynced(path: string, bytes: Uint8Array): Promise<void>
  /** @throws ENOENT, and what `judge` throws of the size, before a byte is read */
  readWhole(path: string, judge: (sizeBytes: number) => void): Promise<Uint8Array>
  /** Of a file. @throws ENOENT */
  sizeOf(path: string): Promise<number>
  /** Replaces what is there. */
  rename(from: string, to: string): Promise<void>
  /** Nothing happens where there is no such file. */
  remove(path: string): Promise<void>
  /** Flushes the names in a folder: what was made, renamed and removed there. */
  syncFolder(path: string): Promise<void>
}

/** The machine's own. */
export const systemDisk: Disk = {
  async makeFolder(path) {
    await mkdir(path, { mode: 0o700 })
  },
  isFolder: async (path) => (await stat(path)).isDirectory(),
  async entries(path) {
    const entries = await readdir(path, { withFileTypes: true })
    return entries.map((entry) => ({ name: entry.name, isFile: entry.isFile() }))
  },
  async createSynced(path, bytes) {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
  },
  async readWhole(path, judge) {
    const file = await open(path, 'r')
    try {
      judge((await file.stat()).size)
      return new Uint8Array(await file.readFile())
    } finally {
      await file.close()
    }
  },
  sizeOf: async (path) => (await stat(path)).size,
  rename: (from, to) => rename(from, to),
  remove: (path) => rm(path, { force: true }),
  async syncFolder(path) {
    const folder = await open(path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  },
}
