/** What a blob store does with files and folders, and how their errors are told. */
import { createHash } from 'node:crypto'
import { open, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileProblems, isSelvedgeError, messageOf } from '../../../core/index.ts'
import { storageProblems } from '../problems.ts'

/** In each container's folder: what the container is called. */
export const containerFile = 'container.json'

/** Any text may be a name, so a file is called after the name's digest. */
export function fileOf(name: string): string {
  return createHash('sha256').update(name).digest('hex')
}

const objectFile = /^[0-9a-f]{64}$/

/** What else may be in the folder is none of ours. */
export async function objectFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((file) => objectFile.test(file))
}

/** The folders of a store's containers, which are called as objects are. */
export async function containerFolders(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => objectFile.test(name))
}

/** What is in the containers of a store. */
export async function heldIn(folder: string): Promise<{ objects: number; bytes: number }> {
  const held = { objects: 0, bytes: 0 }
  for (const container of await containerFolders(folder)) {
    for (const file of await readdir(join(folder, container))) {
      held.objects += 1
      if (file !== containerFile) held.bytes += (await stat(join(folder, container, file))).size
    }
  }
  return held
}

export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(() => true, missing(false))
}

/** For `catch`: where a file or folder is not there, throws an error or gives a value in its place. */
export function missing<Instead>(
  instead: Instead,
): (error: NodeJS.ErrnoException) => Exclude<Instead, Error> {
  return (error) => {
    if (error.code !== 'ENOENT') throw error
    if (instead instanceof Error) throw instead
    return instead as Exclude<Instead, Error>
  }
}

/** A new file in a new folder, both on the disk when it resolves. */
export async function writeFlushed(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await flushFolder(dirname(path))
}

export async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** @throws SelvedgeError, and nothing else */
export async function guarded<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (error) {
    if (isSelvedgeError(error)) throw error
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EROFS') {
      throw fileProblems.error('ERR_DATA_NOT_WRITABLE', `an object cannot be written: ${messageOf(error)}`, {
        cause: error,
        hint: 'see why the disk is read-only (`dmesg`, `mount`); the store goes on by itself as soon as it can be written',
      })
    }
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw fileProblems.error('ERR_DISK_FULL', 'no space left for an object', { cause: error })
    }
    throw storageProblems.error('ERR_STORAGE_FAILED', messageOf(error), { cause: error })
  }
}
