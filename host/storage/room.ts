/** Whether a disk has room for what is about to be written to it: refused before it is begun, and not when it is full. */
import { statfs } from 'node:fs/promises'
import { fileProblems } from '../../core/index.ts'

/** @param what takes the room, for the message @throws ERR_DISK_FULL with what it takes and what there is */
export async function checkRoom(folder: string, bytes: number, what: string): Promise<void> {
  const disk = await statfs(folder).catch(() => null)
  // Some file systems do not tell.
  if (disk === null || disk.blocks === 0) return
  const free = disk.bavail * disk.bsize
  if (bytes <= free) return
  throw fileProblems.error(
    'ERR_DISK_FULL',
    `${what} takes ${mib(bytes)} MiB, and the disk of ${folder} has ${mib(free)} MiB free`,
    { hint: 'free some space there, or use another disk; nothing was changed' },
  )
}

function mib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1)
}
