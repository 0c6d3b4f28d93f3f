/**
 * The `descriptor` resource of wasi:filesystem/types@0.2: the names and values of the WIT over handles of the tree.
 * Every declared error leaves as a WitError with its code.
 */
import type { PartContext } from '../part.ts'
import { WitError } from '../wit-error.ts'
import { dispose } from '../io/dispose.ts'
import type { DirectoryPages } from './directory-pages.ts'
import { FileError } from './errno.ts'
import type { FileHandle } from './file-handle.ts'
import { fileSink, fileSource } from './file-streams.ts'
import type { FolderHandle, Handle } from './folder-handle.ts'
import { fileLimits } from './limits.ts'
import { identityHash, type FileType } from './metadata.ts'
import {
  descriptorStat,
  newTime,
  openRequest,
  type DescriptorFlags,
  type DescriptorStat,
  type NewTimestamp,
  type OpenFlags,
  type PathFlags,
} from './wit-values.ts'

export type DescriptorNeeds = Pick<PartContext, 'hold'> & {
  readonly io: Pick<PartContext['io'], 'inputStream' | 'outputStream'>
}

interface HashValue {
  readonly lower: bigint
  readonly upper: bigint
}

const advices: ReadonlySet<string> = new Set([
  'normal',
  'sequential',
  'random',
  'will-need',
  'dont-need',
  'no-reuse',
])

const everything: DescriptorFlags = { mutateDirectory: true }

export class Descriptor {
  readonly #handle: Handle
  readonly #needs: DescriptorNeeds
  readonly #release: () => void
  readonly #asked: DescriptorFlags

  private constructor(handle: Handle, needs: DescriptorNeeds, asked: DescriptorFlags) {
    this.#handle = handle
    this.#needs = needs
    this.#asked = asked
    this.#release = needs.hold()
  }

  /**
   * Takes over the handle; closes it where the guest holds too many.
   * @param asked what it was opened for, where it is a folder; absent: all that it allows
   */
  static of(handle: Handle, needs: DescriptorNeeds, asked: DescriptorFlags = everything): Descriptor {
    return closingOnFailure(handle, () => new Descriptor(handle, needs, asked))
  }

  readViaStream(offset: bigint): object {
    return this.#file((file) => {
      if (!file.access.read) throw new FileError('EBADF')
      const own = file.duplicate()
      return closingOnFailure(own, () => this.#needs.io.inputStream(fileSource(own, offset)))
    })
  }

  writeViaStream(offset: bigint): object {
    return this.#writable((file) => fileSink(file, (bytes, at) => file.write(bytes, offset + at)))
  }

  appendViaStream(): object {
    return this.#writable((file) => fileSink(file, (bytes) => file.append(bytes)))
  }

  advise(_offset: bigint, _length: bigint, advice: string): void {
    wit(() => {
      if (this.#handle.kind === 'folder') throw new FileError('EBADF')
      if (!advices.has(advice)) throw new FileError('EINVAL')
      this.#handle.advise()
    })
  }

  syncData(): void {
    wit(() => (this.#handle.kind === 'folder' ? this.#handle.sync() : this.#handle.syncData()))
  }

  /**
   * Of a folder what was asked for, which is how C libraries answer access(2). What may be done in it is up to the
   * folder alone: the preview1 adapter never asks to change one, and POSIX does not know of asking.
   */
  getFlags(): DescriptorFlags {
    if (this.#handle.kind === 'folder') {
      return { read: true, mutateDirectory: this.#asked.mutateDirectory === true && this.#handle.mayChange }
    }
    const { read, write, sync } = this.#handle.access
    return { read, write, fileIntegritySync: sync === 'all', dataIntegritySync: sync === 'data' }
  }

  getType(): FileType {
    return this.#handle.kind === 'folder' ? 'directory' : this.#handle.type
  }

  setSize(size: bigint): void {
    this.#file((file) => file.setSize(size))
  }

  setTimes(accessed: NewTimestamp, modified: NewTimestamp): void {
    wit(() => this.#handle.setTimes(newTime(accessed), newTime(modified)))
  }

  read(length: bigint, offset: bigint): [Uint8Array, boolean] {
    return this.#file((file) => {
      const wanted = length > fileLimits.transferBytes ? fileLimits.transferBytes : Number(length)
      const buffer = new Uint8Array(wanted)
      const count = file.read(buffer, offset)
      return [buffer.subarray(0, count), count === 0 && wanted > 0]
    })
  }

  write(buffer: Uint8Array, offset: bigint): bigint {
    return this.#file((file) => BigInt(file.write(buffer.subarray(0, fileLimits.transferBytes), offset)))
  }

  readDirectory(): DirectoryEntryStream {
    return this.#folder((folder) => DirectoryEntryStream.of(folder.entries(), this.#needs))
  }

  sync(): void {
    wit(() => this.#handle.sync())
  }

  createDirectoryAt(path: string): void {
    this.#folder((folder) => folder.makeFolder(path))
  }

  stat(): DescriptorStat {
    return wit(() => descriptorStat(this.#handle.stat()))
  }

  statAt(flags: PathFlags, path: string): DescriptorStat {
    return this.#folder((folder) => descriptorStat(folder.statAt(path, flags.symlinkFollow === true)))
  }

  setTimesAt(flags: PathFlags, path: string, accessed: NewTimestamp, modified: NewTimestamp): void {
    const follow = flags.symlinkFollow === true
    this.#folder((folder) => folder.setTimesAt(path, follow, newTime(accessed), newTime(modified)))
  }

  linkAt(flags: PathFlags, path: string, newDescriptor: Descriptor, newPath: string): void {
    this.#folder((folder) =>
      folder.link(path, flags.symlinkFollow === true, newDescriptor.#asFolder(), newPath),
    )
  }

  openAt(pathFlags: PathFlags, path: string, openFlags: OpenFlags, flags: DescriptorFlags): Descriptor {
    return this.#folder((folder) => {
      if (flags.mutateDirectory === true && !folder.mayChange) throw new FileError('EROFS')
      return Descriptor.of(folder.open(path, openRequest(pathFlags, openFlags, flags)), this.#needs, flags)
    })
  }

  readlinkAt(path: string): string {
    return this.#folder((folder) => folder.readLink(path))
  }

  removeDirectoryAt(path: string): void {
    this.#folder((folder) => folder.removeFolder(path))
  }

  renameAt(path: string, newDescriptor: Descriptor, newPath: string): void {
    this.#folder((folder) => folder.rename(path, newDescriptor.#asFolder(), newPath))
  }

  symlinkAt(target: string, path: string): void {
    this.#folder((folder) => folder.makeLink(target, path))
  }

  unlinkFileAt(path: string): void {
    this.#folder((folder) => folder.unlink(path))
  }

  isSameObject(other: Descriptor): boolean {
    const [mine, theirs] = [this.#handle.stat(), other.#handle.stat()]
    return mine.device === theirs.device && mine.inode === theirs.inode
  }

  metadataHash(): HashValue {
    return wit(() => identityHash(this.#handle.stat()))
  }

  metadataHashAt(flags: PathFlags, path: string): HashValue {
    return this.#folder((folder) => identityHash(folder.statAt(path, flags.symlinkFollow === true)))
  }

  [dispose](): void {
    this.#handle.close()
    this.#release()
  }

  #file<T>(use: (file: FileHandle) => T): T {
    return wit(() => {
      if (this.#handle.kind === 'folder') throw new FileError('EISDIR')
      return use(this.#handle)
    })
  }

  #folder<T>(use: (folder: FolderHandle) => T): T {
    return wit(() => use(this.#asFolder()))
  }

  #asFolder(): FolderHandle {
    if (this.#handle.kind === 'file') throw new FileError('ENOTDIR')
    return this.#handle
  }

  #writable(sinkOf: (file: FileHandle) => ReturnType<typeof fileSink>): object {
    return this.#file((file) => {
      if (!file.access.write) throw new FileError('EBADF')
      const own = file.duplicate()
      return closingOnFailure(own, () => this.#needs.io.outputStream(sinkOf(own)))
    })
  }
}

/** The `directory-entry-stream` resource. */
export class DirectoryEntryStream {
  readonly #pages: DirectoryPages
  readonly #release: () => void
  #position = 0

  private constructor(pages: DirectoryPages, needs: DescriptorNeeds) {
    this.#pages = pages
    this.#release = needs.hold()
  }

  static of(pages: DirectoryPages, needs: DescriptorNeeds): DirectoryEntryStream {
    return closingOnFailure(pages, () => new DirectoryEntryStream(pages, needs))
  }

  /** undefined after the last; an entry that has no name in UTF-8 is an error, and the next call goes on. */
  readDirectoryEntry(): { readonly type: FileType; readonly name: string } | undefined {
    return wit(() => {
      const position = this.#position
      this.#position += 1
      const entry = this.#pages.at(position)
      if (entry === undefined) this.#position = position
      return entry
    })
  }

  [dispose](): void {
    this.#pages.close()
    this.#release()
  }
}

function wit<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw error instanceof FileError ? new WitError(error.code) : error
  }
}

/** Where the guest holds too many resources already, what was opened for one more is closed again. */
function closingOnFailure<T>(opened: { close(): void }, make: () => T): T {
  try {
    return make()
  } catch (error) {
    opened.close()
    throw error
  }
}
