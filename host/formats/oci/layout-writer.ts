/** Writes a layout where a person asked for it: a folder that is empty or new, or a tar that is there whole or not. */
import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isSelvedgeError, messageOf } from '../../../core/index.ts'
import { formatsProblems } from '../problems.ts'
import { tarOf, type TarFile } from '../tar/writer.ts'

/** @param target `….tar` for an archive, else a folder. @throws ERR_EXPORT_TARGET */
export async function writeLayout(target: string, files: readonly TarFile[]): Promise<void> {
  try {
    if (target.endsWith('.tar')) await writeWhole(target, tarOf(files))
    else await writeFolder(target, files)
  } catch (cause) {
    if (isSelvedgeError(cause)) throw cause
    throw formatsProblems.error('ERR_EXPORT_TARGET', `${target} cannot be written: ${messageOf(cause)}`, {
      cause,
    })
  }
}

async function writeFolder(folder: string, files: readonly TarFile[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  if ((await readdir(folder)).length > 0) {
    throw formatsProblems.error('ERR_EXPORT_TARGET', `the folder ${folder} is not empty`)
  }
  for (const { name, bytes } of files) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, bytes)
  }
}

/**
 * Writes a file beside its name, flushes it and renames it: a stick that is pulled out early holds no half file under
 * that name.
 */
export async function writeWhole(
  path: string,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<number> {
  const scratch = `${path}.part`
  const file = await open(scratch, 'w')
  let sizeBytes = 0
  try {
    for await (const piece of pieces) {
      let written = 0
      while (written < piece.length) written += (await file.write(piece, written)).bytesWritten
      sizeBytes += piece.length
    }
    await file.sync()
    await file.close()
    await rename(scratch, path)
    return sizeBytes
  } catch (error) {
    await file.close().catch(() => {})
    await rm(scratch, { force: true })
    throw error
  }
}
