/** A copy of a file that nobody writes to meanwhile. What goes wrong is of the copy, and says nothing about the file. */
import { constants, copyFile, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileProblems, isSelvedgeError, messageOf } from '../../../core/index.ts'
import { storageProblems } from '../problems.ts'
import { checkRoom } from '../room.ts'

/** @param target is not there yet; on the disk when it resolves @throws ERR_DISK_FULL, ERR_STORAGE_FAILED */
export async function copyFlushed(path: string, target: string): Promise<void> {
  try {
    await checkRoom(dirname(target), (await stat(path)).size, `a copy of ${path}`)
    await copyFile(path, target, constants.COPYFILE_EXCL)
    const file = await open(target, 'r+')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (isSelvedgeError(error)) throw error
    const message = `${path} cannot be copied to ${target}: ${messageOf(error)}`
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw fileProblems.error('ERR_DISK_FULL', message, { cause: error })
    throw storageProblems.error('ERR_STORAGE_FAILED', message, { cause: error })
  }
}
