/**
 * Durable files: what is written is there after a power cut, whole or not at all.
 *
 * `write` goes to a temporary name, is flushed, renamed over the old file, and the folder is flushed too
 * (a rename alone may be lost: see Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014).
 * Half-written temporaries of a crash are removed when the folder is opened.
 */
import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { systemDisk, type Disk } from './disk.ts'
import { defineProblems } from './errors.ts'

/** The seam between decisions and the disk. Names are plain file names, never paths. */
export interface DurableFolder {
  /** Where it is, for the few things that need a real path; empty for a folder in memory. */
  readonly path: string
  /** @returns the file's bytes, or null where there is none. @throws ERR_FILE_TOO_LARGE over `maxBytes` */
  read(name: string, maxBytes: number): Promise<Uint8Array | null>
  /** Replaces the file atomically; resolved means it is on the disk. */
  write(name: string, bytes: Uint8Array): Promise<void>
  /** Removes the file; nothing happens where there is none. */
  remove(name: string): Promise<void>
  /** File names, sorted, without folders and temporaries. */
  list(): Promise<string[]>
  /** How many bytes each of the files has that {@link list} names. */
  sizes(): Promise<ReadonlyMap<string, number>>
  /** A folder inside this one, created when missing. */
  folder(name: string): Promise<DurableFolder>
}

export const fileProblems = defineProblems({
  ERR_FILE_TOO_LARGE: {
    kind: 'system',
    text: 'a stored file is larger than anything the node writes there',
    fix: 'move the file away; the node fetches or rebuilds what it needs',
  },
  ERR_DATA_NOT_WRITABLE: {
    kind: 'user',
    text: 'a folder the node keeps its state in cannot be written',
    fix: 'choose another folder with --data DIR, or give this user the right to write there',
  },
  ERR_DISK_FULL: {
    kind: 'system',
    text: 'the disk is full',
    fix: 'free some space; running apps keep running, nothing that was acknowledged is lost',
  },
})

const temporary = '.tmp-'

/** Opens (and creates) a folder on a disk. Files are readable by their owner only. */
export async function openFolder(path: string, disk: Disk = systemDisk): Promise<DurableFolder> {
  try {
    const created = await makeFolders(disk, resolve(path))
    if (created !== null) await syncParents(disk, resolve(path), created)
    for (const { name } of await disk.entries(path)) {
      if (name.startsWith(temporary)) await disk.remove(join(path, name))
    }
  } catch (error) {
    throw fileError(error, path)
  }
  return new DiskFolder(disk, path)
}

/**
 * As mkdir's `recursive`, which never returns where a file system answers ENOENT inside a folder that exists, as
 * /proc does (seen with Node.js 20).
 * @returns the outermost folder that was made, or null
 */
async function makeFolders(disk: Disk, path: string): Promise<string | null> {
  const made = async (): Promise<boolean> => {
    try {
      await disk.makeFolder(path)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !(await disk.isFolder(path))) throw error
      return false
    }
  }
  try {
    return (await made()) ? path : null
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error
    const outermost = await makeFolders(disk, dirname(path))
    return (await made()) ? (outermost ?? path) : outermost
  }
}

class DiskFolder implements DurableFolder {
  readonly #disk: Disk
  readonly path: string

  constructor(disk: Disk, path: string) {
    this.#disk = disk
    this.path = path
  }

  async read(name: string, maxBytes: number): Promise<Uint8Array | null> {
    const path = join(this.path, name)
    const judge = (size: number): void => {
      if (size <= maxBytes) return
      throw fileProblems.error('ERR_FILE_TOO_LARGE', `${path} has ${size} bytes, more than ${maxBytes}`)
    }
    return this.#disk.readWhole(path, judge).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null
      throw error
    })
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.path, name)
    const scratch = join(this.path, `${temporary}${randomBytes(6).toString('hex')}`)
    try {
      await this.#disk.createSynced(scratch, bytes)
      await this.#disk.rename(scratch, path)
      await this.#disk.syncFolder(this.path)
    } catch (error) {
      await this.#disk.remove(scratch).catch(() => {})
      throw fileError(error, path)
    }
  }

  async remove(name: string): Promise<void> {
    await this.#disk.remove(join(this.path, name))
  }

  async list(): Promise<string[]> {
    const entries = await this.#disk.entries(this.path)
    return entries
      .filter(({ name, isFile }) => isFile && !name.startsWith(temporary))
      .map(({ name }) => name)
      .sort()
  }

  async sizes(): Promise<ReadonlyMap<string, number>> {
    const sizes = new Map<string, number>()
    for (const name of await this.list()) sizes.set(name, await this.#disk.sizeOf(join(this.path, name)))
    return sizes
  }

  async folder(name: string): Promise<DurableFolder> {
    return openFolder(join(this.path, name), this.#disk)
  }
}

/** What file systems without links answer, as those of memory cards and USB sticks do. */
const linkless: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

/**
 * Makes a file that nobody has made before, whole or not at all: of two that try at once, one does. On a file system
 * without links both may believe so, and the later one stands.
 * @param path in a folder that exists
 * @returns false, and nothing has changed, where there is one
 */
export async function createFile(path: string, bytes: Uint8Array, disk: Disk = systemDisk): Promise<boolean> {
  for (let left = createAttempts; ; left -= 1) {
    try {
      return await createOnce(path, bytes, disk)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EEXIST') return false
      // Whoever opens the folder sweeps it of what was left half written, and may take a file that is being written.
      if (code !== 'ENOENT' || left <= 1) throw fileError(error, path)
    }
  }
}

const createAttempts = 8

async function createOnce(path: string, bytes: Uint8Array, disk: Disk): Promise<boolean> {
  const folder = dirname(path)
  const scratch = join(folder, `${temporary}${randomBytes(6).toString('hex')}`)
  const found = await disk.entries(folder)
  if (found.some(({ name }) => name === basename(path))) return false
  try {
    await disk.createSynced(scratch, bytes)
    try {
      await disk.link(scratch, path)
    } catch (error) {
      if (!linkless.has((error as NodeJS.ErrnoException).code ?? '')) throw error
      await disk.rename(scratch, path)
      await disk.syncFolder(folder)
      return true
    }
  } catch (error) {
    await disk.remove(scratch).catch(() => {})
    throw error
  }
  // It is there by its name, whoever removes the other one.
  await disk.remove(scratch).catch(() => {})
  await disk.syncFolder(folder)
  return true
}

/** A folder that lives in memory, for tests and the simulator. */
export function memoryFolder(): DurableFolder {
  const files = new Map<string, Uint8Array>()
  const folders = new Map<string, DurableFolder>()
  return {
    path: '',
    async read(name, maxBytes) {
      const bytes = files.get(name)
      if (bytes !== undefined && bytes.length > maxBytes) {
        throw fileProblems.error(
          'ERR_FILE_TOO_LARGE',
          `${name} has ${bytes.length} bytes, more than ${maxBytes}`,
        )
      }
      return bytes === undefined ? null : bytes.slice()
    },
    async write(name, bytes) {
      files.set(name, bytes.slice())
    },
    async remove(name) {
      files.delete(name)
    },
    async list() {
      return [...files.keys()].sort()
    },
    async sizes() {
      return new Map([...files].map(([name, bytes]) => [name, bytes.length]))
    },
    async folder(name) {
      const existing = folders.get(name)
      if (existing !== undefined) return existing
      const created = memoryFolder()
      folders.set(name, created)
      return created
    },
  }
}

/** True where something with this path exists. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** A new folder is lost in a power cut as long as its entry in the folder above is not flushed. */
async function syncParents(disk: Disk, path: string, firstCreated: string): Promise<void> {
  for (let folder = path; folder.length >= firstCreated.length; folder = dirname(folder)) {
    // A folder above ours may be one that we may enter and not read; then its owner's kernel decides.
    await disk.syncFolder(dirname(folder)).catch(() => {})
  }
}

/** ENOENT: the folder is gone, or its file system makes none. */
const unwritable: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOENT'])

const unwritableWords: Readonly<Record<string, string>> = {
  EACCES: 'this user may not',
  EPERM: 'this user may not',
  EROFS: 'its medium is mounted read-only, as a worn or damaged card is; see dmesg',
  ENOTDIR: 'a part of the path is a file',
}

function fileError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException).code
  if (unwritable.has(code ?? '')) {
    const why = unwritableWords[code ?? '']
    return fileProblems.error(
      'ERR_DATA_NOT_WRITABLE',
      `cannot write ${path} (${code}${why === undefined ? '' : `: ${why}`})`,
      { cause: error },
    )
  }
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return fileProblems.error('ERR_DISK_FULL', `no space left for ${path}`, { cause: error })
  }
  return error
}
