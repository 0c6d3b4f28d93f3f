/**
 * From a guest's path to a folder and a name in it, one component at a time.
 *
 * The system follows no link for us: each is read and its text walked like any other path, so that nothing leads
 * above the folder where the walk began. Absolute paths and links, and `..` above the beginning, are EPERM, as
 * wasi:filesystem says of its sandbox. What POSIX says of `.`, `..`, empty paths and trailing slashes holds.
 */
import { lstatSync, readlinkSync, type BigIntStats } from 'node:fs'
import { FileError, fileError, system } from './errno.ts'
import type { Folder } from './folder.ts'
import { fileLimits } from './limits.ts'

/** Where a path leads: an entry that may be there or not. Good only while the walk's callback runs. */
export interface Place {
  readonly folder: Folder
  /** `.` where the path leads to the folder itself. */
  readonly name: string
  /** The path ended in a slash. */
  readonly asFolder: boolean
  /** What is there, without following it; undefined where there is nothing. */
  stat(): BigIntStats | undefined
}

/**
 * What becomes of a link at the path's end: followed; only with a trailing slash, as reading its text or itself is
 * meant otherwise; or never, where the entry itself is made, moved or removed.
 */
export type Follow = 'always' | 'slash' | 'never'

/**
 * @throws FileError ENOENT, ENOTDIR, EPERM, ELOOP, ENAMETOOLONG, EINVAL (NUL) and what the system says
 */
export function walk<T>(base: Folder, path: string, follow: Follow, use: (place: Place) => T): T {
  const opened: Folder[] = []
  try {
    return use(descend(base, opened, checked(path), follow))
  } finally {
    for (const folder of opened) folder.close()
  }
}

/** @throws FileError ENOENT */
export function existing(place: Place): BigIntStats {
  const stat = place.stat()
  if (stat === undefined) throw new FileError('ENOENT')
  return stat
}

function descend(base: Folder, opened: Folder[], path: string, follow: Follow): Place {
  const pending = componentsOf(path).reverse()
  let asFolder = path.endsWith('/')
  let links = 0
  const expand = (folder: Folder, name: string): void => {
    links += 1
    if (links > fileLimits.links) throw new FileError('ELOOP')
    const target = system(() => readlinkSync(folder.entry(name)))
    if (target.startsWith('/')) throw new FileError('EPERM')
    if (pending.length === 0 && target.endsWith('/')) asFolder = true
    pending.push(...componentsOf(target).reverse())
  }
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const folder = opened.at(-1) ?? base
    if (name === '.') continue
    if (name === '..') {
      if (opened.length === 0) throw new FileError('EPERM')
      opened.pop()?.close()
    } else if (pending.length > 0) {
      const child = childOrLink(folder, name)
      if (child === 'link') expand(folder, name)
      else opened.push(child)
      if (opened.length > fileLimits.depth) throw new FileError('ENAMETOOLONG')
    } else {
      const place = new EntryPlace(folder, name, asFolder)
      const follows = follow === 'always' || (follow === 'slash' && asFolder)
      if (!follows || place.stat()?.isSymbolicLink() !== true) return place
      expand(folder, name)
    }
  }
  return new EntryPlace(opened.at(-1) ?? base, '.', true)
}

class EntryPlace implements Place {
  readonly folder: Folder
  readonly name: string
  readonly asFolder: boolean

  constructor(folder: Folder, name: string, asFolder: boolean) {
    this.folder = folder
    this.name = name
    this.asFolder = asFolder
  }

  stat(): BigIntStats | undefined {
    return system(() => lstatSync(this.folder.entry(this.name), { bigint: true, throwIfNoEntry: false }))
  }
}

function childOrLink(folder: Folder, name: string): Folder | 'link' {
  try {
    return folder.child(name)
  } catch (error) {
    const failure = fileError(error)
    // Which of the two a link gives differs by system and flags.
    if (failure.errno !== 'ELOOP' && failure.errno !== 'ENOTDIR') throw failure
    const there = system(() => lstatSync(folder.entry(name), { throwIfNoEntry: false }))
    if (there?.isSymbolicLink() === true) return 'link'
    throw new FileError('ENOTDIR')
  }
}

function checked(path: string): string {
  if (path === '') throw new FileError('ENOENT')
  if (path.includes('\0')) throw new FileError('EINVAL')
  if (Buffer.byteLength(path) > fileLimits.pathBytes) throw new FileError('ENAMETOOLONG')
  if (path.startsWith('/')) throw new FileError('EPERM')
  return path
}

function componentsOf(path: string): string[] {
  return path.split('/').filter((component) => component !== '')
}
