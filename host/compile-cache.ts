/**
 * V8's compiled code, kept from one run of the program to the next where Node.js can do that (22.8 and later): a
 * command that loads the node starts 40 ms earlier. Only ever a help: without it everything works, later.
 *
 * What lies in the cache is run as it is. So it is used only in folders that nobody else may change; `sudo` that
 * keeps the caller's HOME gets none.
 */
import { existsSync, lstatSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The part of node:module that is asked; both functions are missing from older versions. */
export interface CodeCache {
  readonly enableCompileCache?: (folder: string) => unknown
  readonly flushCompileCache?: () => void
}

/**
 * Lets what is imported from here on be taken from the cache, and be added to it at the end of the process. Call it
 * before the first import that costs something.
 * @param folder the program's own cache folder
 * @param uid whose folders may be trusted; null where the system has no such numbers
 * @returns whether there is a cache
 */
export function useCompileCache(codeCache: CodeCache, folder: string, uid: number | null): boolean {
  if (codeCache.enableCompileCache === undefined) return false
  const compiled = ownCacheFolder(folder, uid)
  if (compiled === null) return false
  try {
    codeCache.enableCompileCache(compiled)
    return true
  } catch {
    return false
  }
}

/**
 * Where compiled code may lie.
 * @param folder the program's own cache folder; it and its parent (`~/.cache`) are made where they are missing
 * @returns null where there is no place that nobody else may change: a read-only disk, a full one, no home
 */
export function ownCacheFolder(folder: string, uid: number | null): string | null {
  if (uid === null) return null
  const compiled = join(folder, 'compiled')
  try {
    const base = dirname(folder)
    if (!existsSync(base) && isOnlyOurs(dirname(base), uid)) makeFolder(base)
    // What lies in somebody else's is looked at before anything is put there, and one level at a time: what makes
    // whole paths, Node's own cache included, does not end below /proc.
    if (!isOnlyOurs(base, uid)) return null
    for (const path of [folder, compiled]) {
      makeFolder(path)
      // A person's folders may be open to a group of that person's own, as some systems make them; ours is made for nobody else.
      if (!isOnlyOurs(path, uid, path === compiled ? mayWrite.group | mayWrite.others : mayWrite.others))
        return null
    }
    return compiled
  } catch {
    // The next start is as slow as this one.
    return null
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

const mayWrite = { group: 0o020, others: 0o002 } as const

function isOnlyOurs(path: string, uid: number, closedTo: number = mayWrite.others): boolean {
  const facts = lstatSync(path)
  return facts.isDirectory() && facts.uid === uid && (facts.mode & closedTo) === 0
}
