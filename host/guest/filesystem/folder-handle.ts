/** An open folder: everything that is done with paths, each of which is walked from here and never leads above. */
import { closeSync, constants, fstatSync, linkSync, mkdirSync, openSync, readlinkSync } from 'node:fs'
import { fsyncSync, renameSync, rmdirSync, symlinkSync, unlinkSync } from 'node:fs'
import { DirectoryPages } from './directory-pages.ts'
import { FileError, fileError, system } from './errno.ts'
import { FileHandle } from './file-handle.ts'
import type { Folder } from './folder.ts'
import { fileType, type FileStat, type NewTime } from './metadata.ts'
import { openEntry, type OpenRequest } from './open-entry.ts'
import { Shared } from './shared.ts'
import { setTimesOfEntry } from './times.ts'
import type { TreeState } from './tree-state.ts'
import { existing, walk, type Follow, type Place } from './walk.ts'

export type Handle = FileHandle | FolderHandle

export class FolderHandle {
  readonly kind = 'folder'
  /** Whether the guest may change what is in it. */
  readonly mayChange: boolean
  readonly #folder: Folder
  readonly #state: TreeState
  readonly #shared: Shared
  readonly #letGo: () => void
  #isOpen = true

  /** Takes over the folder. @param release called once, when it is closed */
  constructor(folder: Folder, mayChange: boolean, state: TreeState, release: () => void) {
    this.#folder = folder
    this.mayChange = mayChange
    this.#state = state
    const close = (): void => {
      this.#isOpen = false
      folder.close()
      release()
    }
    this.#shared = new Shared(state.keep(close))
    this.#letGo = this.#shared.owner()
  }

  /** @throws FileError as open(2), and EROFS where the folder may not be changed and the request would */
  open(path: string, request: OpenRequest): Handle {
    if (request.create && request.directory) throw new FileError('EINVAL')
    const follow = request.follow && !(request.create && request.exclusive)
    return this.#walk(path, follow ? 'always' : 'slash', (place) => this.#openPlace(place, request))
  }

  stat(): FileStat {
    this.#assertOpen()
    return this.#state.times.statOf(system(() => fstatSync(this.#folder.fd, { bigint: true })))
  }

  statAt(path: string, follow: boolean): FileStat {
    return this.#walk(path, follow ? 'always' : 'slash', (place) => {
      const stat = this.#state.times.statOf(existing(place))
      if (place.asFolder && stat.type !== 'directory') throw new FileError('ENOTDIR')
      return stat
    })
  }

  setTimes(accessed: NewTime, modified: NewTime): void {
    this.setTimesAt('.', false, accessed, modified)
  }

  setTimesAt(path: string, follow: boolean, accessed: NewTime, modified: NewTime): void {
    this.#walk(path, follow ? 'always' : 'slash', (place) => {
      const stat = existing(place)
      if (place.asFolder && !stat.isDirectory()) throw new FileError('ENOTDIR')
      this.#assertMayChange()
      setTimesOfEntry(place.folder.entry(place.name), accessed, modified, this.#state)
    })
  }

  makeFolder(path: string): void {
    this.#add(path, (place) => mkdirSync(place.folder.entry(place.name)))
  }

  removeFolder(path: string): void {
    this.#change(path, (place) => {
      rmdirSync(place.folder.entry(place.name))
      this.#state.space?.giveBack(0, 1)
    })
  }

  /** @throws FileError EISDIR for a folder, on every system */
  unlink(path: string): void {
    this.#change(path, (place) => {
      const stat = existing(place)
      if (stat.isDirectory()) throw new FileError('EISDIR')
      if (place.asFolder) throw new FileError('ENOTDIR')
      unlinkSync(place.folder.entry(place.name))
      this.#state.space?.removed(stat)
    })
  }

  /** @returns the text of a link. @throws FileError EPERM where it is absolute: that is a path of the host */
  readLink(path: string): string {
    return this.#walk(path, 'slash', (place) => {
      existing(place)
      const target = system(() => readlinkSync(place.folder.entry(place.name)))
      if (target.startsWith('/')) throw new FileError('EPERM')
      return target
    })
  }

  /** @param target its text; may lead anywhere inside a tree, and is judged when it is followed */
  makeLink(target: string, path: string): void {
    if (target === '') throw new FileError('ENOENT')
    if (target.includes('\0')) throw new FileError('EINVAL')
    if (target.startsWith('/')) throw new FileError('EPERM')
    this.#add(path, (place) => {
      assertNewEntry(place)
      symlinkSync(target, place.folder.entry(place.name))
    })
  }

  /** A second name for a file. */
  link(path: string, follow: boolean, to: FolderHandle, newPath: string): void {
    this.#walk(path, follow ? 'always' : 'slash', (source) => {
      const stat = existing(source)
      if (stat.isDirectory()) throw new FileError('EPERM')
      if (source.asFolder) throw new FileError('ENOTDIR')
      // link(2) of Linux names the link itself, that of others follows it, and nothing may be followed for us.
      if (stat.isSymbolicLink() && process.platform !== 'linux') throw new FileError('ENOTSUP')
      this.#assertCountedAs(to)
      to.#add(newPath, (target) => {
        assertNewEntry(target)
        this.#assertMayChange()
        linkSync(source.folder.entry(source.name), target.folder.entry(target.name))
      })
    })
  }

  rename(path: string, to: FolderHandle, newPath: string): void {
    this.#change(path, (source) => {
      const moved = existing(source)
      this.#assertCountedAs(to)
      to.#change(newPath, (target) => {
        if ((source.asFolder || target.asFolder) && !moved.isDirectory()) throw new FileError('ENOTDIR')
        const replaced = this.#state.space === null ? undefined : target.stat()
        renameSync(source.folder.entry(source.name), target.folder.entry(target.name))
        // Two names of one file stay two names.
        if (replaced !== undefined && !(replaced.ino === moved.ino && replaced.dev === moved.dev))
          this.#state.space?.removed(replaced)
      })
    })
  }

  /** Its entries, as one more descriptor, which may outlive this one. */
  entries(): DirectoryPages {
    this.#assertOpen()
    const giveBack = this.#state.hold()
    const letGo = this.#shared.retain()
    let pages: DirectoryPages | null = null
    const over = this.#state.keep(() => pages?.close())
    const release = (): void => {
      over()
      letGo()
      giveBack()
    }
    try {
      pages = new DirectoryPages(this.#folder, release)
      return pages
    } catch (error) {
      release()
      throw error
    }
  }

  sync(): void {
    this.#assertOpen()
    system(() => {
      const fd = openSync(this.#folder.entry('.'), constants.O_DIRECTORY)
      try {
        fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
    })
  }

  close(): void {
    this.#isOpen = false
    this.#letGo()
  }

  #walk<T>(path: string, follow: Follow, use: (place: Place) => T): T {
    this.#assertOpen()
    return walk(this.#folder, path, follow, (place) => system(() => use(place)))
  }

  /** For what makes, moves or removes an entry. */
  #change(path: string, use: (place: Place) => void): void {
    this.#walk(path, 'never', (place) => {
      this.#assertMayChange()
      use(place)
    })
  }

  /** For what makes an entry. */
  #add(path: string, use: (place: Place) => void): void {
    const { space } = this.#state
    this.#change(path, (place) => (space === null ? use(place) : space.adding(() => use(place))))
  }

  /** What moves from one counted folder to another would have to be counted through; a program copies it then. */
  #assertCountedAs(to: FolderHandle): void {
    if (this.#state.space !== to.#state.space) throw new FileError('EXDEV')
  }

  #openPlace(place: Place, request: OpenRequest): Handle {
    const { create, truncate, write } = request
    const directory = request.directory || place.asFolder
    if (create && place.asFolder) throw new FileError('EISDIR')
    if (create || truncate || write) {
      if (!this.mayChange && (create || place.stat() !== undefined)) throw new FileError('EROFS')
      if (directory && existing(place).isDirectory()) throw new FileError('EISDIR')
    }
    const release = this.#state.hold()
    try {
      return this.#adopt(this.#openCounted(place, request, directory), place, request, release)
    } catch (error) {
      release()
      throw fileError(error)
    }
  }

  #openCounted(place: Place, request: OpenRequest, directory: boolean): number {
    const { space } = this.#state
    if (space === null || !(request.create || request.truncate)) return openEntry(place, request, directory)
    const before = place.stat()
    if (before === undefined) return space.adding(() => openEntry(place, request, directory))
    const fd = openEntry(place, request, directory)
    if (request.truncate && before.isFile()) space.giveBack(Number(before.size), 0)
    return fd
  }

  #adopt(
    fd: number,
    place: Place,
    { read, write, sync, mutate = true }: OpenRequest,
    release: () => void,
  ): Handle {
    try {
      if (fileType(fstatSync(fd, { bigint: true })) === 'directory') {
        const mayChange = this.mayChange && mutate
        return new FolderHandle(place.folder.adopt(fd, place.name), mayChange, this.#state, release)
      }
      return FileHandle.of(fd, { read, write, sync }, this.mayChange, this.#state, release)
    } catch (error) {
      closeSync(fd)
      throw error
    }
  }

  #assertMayChange(): void {
    if (!this.mayChange) throw new FileError('EROFS')
  }

  #assertOpen(): void {
    if (!this.#isOpen) throw new FileError('EBADF')
  }
}

/** For a name that must be new and is no folder's: a trailing slash finds either nothing or something else. */
function assertNewEntry(place: Place): void {
  const stat = place.stat()
  if (stat !== undefined) throw new FileError(place.asFolder && !stat.isDirectory() ? 'ENOTDIR' : 'EEXIST')
  if (place.asFolder) throw new FileError('ENOENT')
}
