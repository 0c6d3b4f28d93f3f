/** Looks through a folder and counts what is in it: files by their length, each once however many names it has. */
import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import type { SpaceAmount } from '../guest/index.ts'

/** Files that are looked at together: the system has four threads for it. */
const atOnce = 32
/** Files with several names that are told apart; of what comes beyond, each name counts as a file. */
const maxLinkedFiles = 100_000

/**
 * Follows no link. What cannot be read, or goes while it looks, is left out.
 * @param enough it stops as soon as there is more than this: a folder that is full need not be counted to its end
 */
export async function countFolder(path: string, enough: SpaceAmount): Promise<SpaceAmount> {
  let [bytes, items] = [0, 0]
  const linked = new Set<string>()
  const folders = [path]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await opendir(folder, { bufferSize: 128 }).catch(() => null)
    if (entries === null) continue
    try {
      let files: string[] = []
      const measure = async (): Promise<void> => {
        const lengths = await Promise.all(files.map((file) => lengthOf(file, linked)))
        bytes += lengths.reduce((sum, length) => sum + length, 0)
        files = []
      }
      for await (const entry of entries) {
        items += 1
        const inner = join(folder, entry.name)
        if (entry.isDirectory()) folders.push(inner)
        else if (entry.isFile()) files.push(inner)
        if (files.length >= atOnce) await measure()
        if (bytes > enough.bytes || items > enough.items) return { bytes, items }
      }
      await measure()
    } catch {
      // The folder was removed under us: what was counted of it stands until the next look.
    }
  }
  return { bytes, items }
}

async function lengthOf(path: string, linked: Set<string>): Promise<number> {
  const stat = await lstat(path).catch(() => null)
  if (stat === null) return 0
  if (stat.nlink > 1 && linked.size < maxLinkedFiles) {
    const inode = `${stat.dev}:${stat.ino}`
    if (linked.has(inode)) return 0
    linked.add(inode)
  }
  return stat.size
}
