/** How much of a disk components may take where nobody said. */
import { statfs } from 'node:fs/promises'

/** @returns half of the file system that `path` is on, bytes; Infinity where the system does not tell */
export async function halfOfDisk(path: string): Promise<number> {
  const system = await statfs(path).catch(() => null)
  const bytes = system === null ? 0 : system.blocks * system.bsize
  return bytes > 0 ? Math.floor(bytes / 2) : Number.POSITIVE_INFINITY
}
