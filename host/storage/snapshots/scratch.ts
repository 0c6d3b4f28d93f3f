/** Folders that are unfinished: beside what is kept, and of no use to anybody after a crash. */
import { randomBytes } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

const unfinished = '.unfinished-'
/** Of this process, by path: only one node uses a folder at a time, so all others are left over. */
const underWay = new Set<string>()

/** @param root where unfinished folders are kept @returns a path that is not there yet, and stays until it is dropped */
export function claimScratch(root: string): string {
  const path = join(root, `${unfinished}${randomBytes(8).toString('hex')}`)
  underWay.add(path)
  return path
}

/** With all that is in it. Never rejects: what cannot be removed now is removed at the next start. */
export async function dropScratch(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => {})
  underWay.delete(path)
}

/** What a crash left. Never rejects: there is a next time. */
export async function dropLeftScratch(root: string): Promise<void> {
  for (const name of await readdir(root).catch((): string[] => [])) {
    const path = join(root, name)
    if (name.startsWith(unfinished) && !underWay.has(path)) await dropScratch(path)
  }
}
