/**
 * What durable files need of a disk, and no more: the calls whose order decides what a power cut leaves behind.
 *
 * The simulator brings a disk of its own that fails, fills up and loses power, so that the code above it is the
 * daemon's.
 */
import * as fs from 'node:fs'
import { link, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { promisify } from 'node:util'

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
  /** Gives a file a second name in its folder. @throws EEXIST, and where the file system has no such thing EPERM, ENOTSUP … */
  link(from: string, to: string): Promise<void>
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
  createSynced: (path, bytes) =>
    withFile(path, 'wx', async (file) => {
      for (let at = 0; at < bytes.length;) at += await writeSome(file, bytes, at)
      await sync(file)
    }),
  readWhole: (path, judge) =>
    withFile(path, 'r', async (file) => {
      const { size } = await statOf(file)
      judge(size)
      const bytes = new Uint8Array(size)
      let filled = 0
      while (filled < size) {
        const read = await readSome(file, bytes, filled)
        if (read === 0) break
        filled += read
      }
      return filled === size ? bytes : bytes.subarray(0, filled)
    }),
  sizeOf: async (path) => (await stat(path)).size,
  rename: (from, to) => rename(from, to),
  link: (from, to) => link(from, to),
  remove: (path) => rm(path, { force: true }),
  syncFolder: (path) => withFile(path, 'r', sync),
}

// Plain descriptors, not `FileHandle`: many small files are written and read, and a handle costs more than the file.
const openFile = promisify(fs.open)
const closeFile = promisify(fs.close)
const sync = promisify(fs.fsync)
const statOf = promisify<number, fs.Stats>(fs.fstat)

async function withFile<T>(path: string, flags: string, work: (file: number) => Promise<T>): Promise<T> {
  const file = await openFile(path, flags, 0o600)
  try {
    return await work(file)
  } finally {
    await closeFile(file)
  }
}

function writeSome(file: number, bytes: Uint8Array, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(file, bytes, at, bytes.length - at, null, (error, count) =>
      error === null ? resolve(count) : reject(error),
    )
  })
}

function readSome(file: number, bytes: Uint8Array, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(file, bytes, at, bytes.length - at, null, (error, count) =>
      error === null ? resolve(count) : reject(error),
    )
  })
}
