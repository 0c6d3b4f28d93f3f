/** A blob store's folder as a whole: copied without its bytes, and made fit to take another's place. */
import { link, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { highestNumber } from './disk-changes.ts'
import { containerFile, containerFolders, missing } from './folder.ts'
import { Numbering } from './numbering.ts'

/**
 * Objects are never changed in place, so another name for each is a copy. @param target is not there yet, on the same disk
 * @returns how many objects
 */
export async function linkFolder(folder: string, target: string): Promise<number> {
  let objects = 0
  for (const container of await containerFolders(folder)) {
    await mkdir(join(target, container), { recursive: true, mode: 0o700 })
    for (const file of await readdir(join(folder, container))) {
      await link(join(folder, container, file), join(target, container, file))
      objects += Number(file !== containerFile)
    }
  }
  return objects
}

/** @param last the number of the last change in the store whose place it takes @returns how many objects are in it */
export async function adoptFolder(folder: string, last: number): Promise<number> {
  const containers = await containerFolders(folder).catch(missing<string[]>([]))
  let objects = 0
  for (const container of containers)
    objects += (await readdir(join(folder, container))).filter((file) => file !== containerFile).length
  // What was put on another node may have higher numbers than any that this one has given.
  const highest = Math.max(last, containers.length === 0 ? 0 : await highestNumber(folder))
  if (highest > 0) {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await Numbering.raise(folder, highest)
  }
  return objects
}
