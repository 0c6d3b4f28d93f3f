/** The entries of a folder, a page at a time, so that a folder of a million files costs one page. */
import { lstatSync, opendirSync, type Dir, type Dirent } from 'node:fs'
import { FileError, system } from './errno.ts'
import type { Folder } from './folder.ts'
import { fileLimits } from './limits.ts'
import { fileType, type FileType } from './metadata.ts'

export interface DirectoryEntry {
  readonly name: string
  readonly type: FileType
}

/** Without `.` and `..`. Entries that are made or removed meanwhile are given or not, as POSIX has it. */
export class DirectoryPages {
  readonly #folder: Folder
  readonly #release: () => void
  #stream: Dir | null
  #page: DirectoryEntry[] = []
  /** Position of the page's first entry. */
  #start = 0
  #hasBegun = false

  /** @param release called once, when it is closed */
  constructor(folder: Folder, release: () => void) {
    this.#folder = folder
    this.#release = release
    this.#stream = openStream(folder)
  }

  /**
   * @param position 0 is the first entry. A position before the page that is held begins again from the start, and
   * 0 always does, so that it shows what has changed
   * @returns undefined beyond the last entry. @throws FileError EILSEQ for a name that is not UTF-8
   */
  at(position: number): DirectoryEntry | undefined {
    if (this.#stream === null) throw new FileError('EBADF')
    if (position < this.#start || (position === 0 && this.#hasBegun)) this.#rewind()
    this.#hasBegun = true
    while (position >= this.#start + this.#page.length) {
      this.#start += this.#page.length
      this.#page = this.#read()
      if (this.#page.length === 0) return undefined
    }
    const entry = this.#page[position - this.#start]
    if (entry?.name.includes('\ufffd') === true) this.#checkName(entry.name)
    return entry
  }

  close(): void {
    if (this.#stream === null) return
    this.#stream.closeSync()
    this.#stream = null
    this.#release()
  }

  #read(): DirectoryEntry[] {
    return system(() => {
      const page: DirectoryEntry[] = []
      while (page.length < fileLimits.pageEntries) {
        const entry: Dirent | null | undefined = this.#stream?.readSync()
        if (entry === null || entry === undefined) break
        page.push({ name: entry.name, type: fileType(entry) })
      }
      return page
    })
  }

  #rewind(): void {
    const fresh = openStream(this.#folder)
    this.#stream?.closeSync()
    this.#stream = fresh
    this.#page = []
    this.#start = 0
  }

  /** What is no UTF-8 on the disk was decoded with replacements, and is not found again by that name. */
  #checkName(name: string): void {
    const path = this.#folder.entry(name)
    const found = system(() => lstatSync(path, { throwIfNoEntry: false }))
    if (found === undefined) throw new FileError('EILSEQ')
  }
}

function openStream(folder: Folder): Dir {
  return system(() => opendirSync(folder.self(), { bufferSize: fileLimits.pageEntries }))
}
