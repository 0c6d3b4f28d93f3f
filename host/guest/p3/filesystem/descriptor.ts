/** `descriptor` of wasi:filesystem 0.3: an open file or folder, and everything that is done with it. */
import { StreamFailure, type ByteSink } from '../../bytes.ts'
import {
  FileError,
  identityHash,
  type FileHandle,
  type FileStat,
  type FileType,
} from '../../filesystem/index.ts'
import type { FolderHandle, Handle } from '../../filesystem/index.ts'
import { fileSink, fileSource } from '../../filesystem/file-streams.ts'
import { newTime, openRequest } from '../../filesystem/wit-values.ts'
import type { DescriptorFlags, NewTimestamp, OpenFlags, PathFlags } from '../../filesystem/wit-values.ts'
import { dispose } from '../../io/index.ts'
import type { Waiting } from '../world.ts'
import { drain, drop, empty, okay, streamFrom, type GuestStream, type WitResult } from '../streams.ts'
import { entriesOf } from './directory.ts'
import { asWit, codeOfFailure, variantOf, type FileCode } from './error-code.ts'

export interface FilesWorld {
  readonly waiting: Waiting
  hold(): () => void
}

interface Instant {
  readonly seconds: bigint
  readonly nanoseconds: number
}

interface DescriptorType {
  readonly tag: string
}

type Done = WitResult<undefined, FileCode>
const nanosecondsPerSecond = 1_000_000_000n
/** Offsets are signed 64-bit numbers to every system. */
const maxOffset = 2n ** 63n - 1n

export class Descriptor {
  readonly #world: FilesWorld
  readonly #handle: Handle
  readonly #release: () => void

  private constructor(handle: Handle, world: FilesWorld) {
    this.#world = world
    this.#handle = handle
    this.#release = world.hold()
  }

  /** Takes over the handle; closes it where the guest holds too many. */
  static of(handle: Handle, world: FilesWorld): Descriptor {
    try {
      return new Descriptor(handle, world)
    } catch (error) {
      handle.close()
      throw error
    }
  }

  readViaStream(offset: bigint): [AsyncIterable<Uint8Array>, Promise<Done>] {
    try {
      if (this.#handle.kind === 'folder') throw new FileError('EISDIR')
      const file = this.#openFile((access) => access.read)
      if (offset > maxOffset) throw new FileError('EINVAL')
      return streamFrom(fileSource(file.duplicate(), offset), this.#world.waiting, codeOfFailure)
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      return [empty, Promise.resolve({ tag: 'err', val: variantOf(error.code) })]
    }
  }

  writeViaStream(data: GuestStream, offset: bigint): Promise<Done> {
    return this.#writeAll(data, (file) => fileSink(file, (bytes, at) => file.write(bytes, offset + at)))
  }

  appendViaStream(data: GuestStream): Promise<Done> {
    return this.#writeAll(data, (file) => fileSink(file, (bytes) => file.append(bytes)))
  }

  async #writeAll(data: GuestStream, sinkOf: (file: FileHandle) => ByteSink): Promise<Done> {
    try {
      const file = this.#openFile((access) => access.write)
      await drain(data, sinkOf(file.duplicate()), this.#world.waiting)
      return okay
    } catch (error) {
      if (error instanceof StreamFailure) return { tag: 'err', val: codeOfFailure(error) }
      if (!(error instanceof FileError)) throw error
      drop(data)
      return { tag: 'err', val: variantOf(error.code) }
    }
  }

  async advise(): Promise<void> {
    asWit(() => this.#file().advise())
  }

  async syncData(): Promise<void> {
    const handle = this.#handle
    asWit(() => (handle.kind === 'file' ? handle.syncData() : handle.sync()))
  }

  async sync(): Promise<void> {
    asWit(() => this.#handle.sync())
  }

  async getFlags(): Promise<DescriptorFlags> {
    const handle = this.#handle
    if (handle.kind === 'folder') return { read: true, mutateDirectory: handle.mayChange }
    const { read, write, sync } = handle.access
    return { read, write, fileIntegritySync: sync === 'all', dataIntegritySync: sync === 'data' }
  }

  async getType(): Promise<DescriptorType> {
    return asWit(() => typeOf(this.#handle.stat().type))
  }

  async setSize(size: bigint): Promise<void> {
    asWit(() => this.#file().setSize(size))
  }

  async setTimes(accessed: NewTimestamp, modified: NewTimestamp): Promise<void> {
    asWit(() => this.#handle.setTimes(newTime(accessed), newTime(modified)))
  }

  readDirectory(): [AsyncIterable<unknown>, Promise<Done>] {
    const handle = this.#handle
    if (handle.kind !== 'folder') return [empty, Promise.resolve(notAFolder)]
    return entriesOf(handle, (type) => typeOf(type))
  }

  async createDirectoryAt(path: string): Promise<void> {
    asWit(() => this.#folder().makeFolder(path))
  }

  async stat(): Promise<object> {
    return asWit(() => statOf(this.#handle.stat()))
  }

  async statAt({ symlinkFollow = false }: PathFlags, path: string): Promise<object> {
    return asWit(() => statOf(this.#folder().statAt(path, symlinkFollow)))
  }

  async setTimesAt(
    { symlinkFollow = false }: PathFlags,
    path: string,
    accessed: NewTimestamp,
    modified: NewTimestamp,
  ): Promise<void> {
    asWit(() => this.#folder().setTimesAt(path, symlinkFollow, newTime(accessed), newTime(modified)))
  }

  async linkAt(
    { symlinkFollow = false }: PathFlags,
    path: string,
    to: Descriptor,
    newPath: string,
  ): Promise<void> {
    asWit(() => this.#folder().link(path, symlinkFollow, to.#folder(), newPath))
  }

  async openAt(
    pathFlags: PathFlags,
    path: string,
    openFlags: OpenFlags,
    flags: DescriptorFlags,
  ): Promise<Descriptor> {
    return asWit(() => {
      const folder = this.#folder()
      const mutate = flags.mutateDirectory === true
      if (mutate && !folder.mayChange) throw new FileError('EROFS')
      const request = openRequest(pathFlags, openFlags, flags)
      // Making a file is for writing to it, and whoever asks for neither is to read.
      const write = request.write || request.create || request.truncate
      const read = request.read || !request.write
      return Descriptor.of(folder.open(path, { ...request, read, write, mutate }), this.#world)
    })
  }

  async readlinkAt(path: string): Promise<string> {
    return asWit(() => this.#folder().readLink(path))
  }

  async removeDirectoryAt(path: string): Promise<void> {
    asWit(() => {
      const folder = this.#folder()
      // A slash at the end follows a link, and that is refused where it leads out; a link itself is no folder.
      if (path.endsWith('/')) folder.statAt(path, false)
      folder.removeFolder(path)
    })
  }

  async renameAt(path: string, to: Descriptor, newPath: string): Promise<void> {
    asWit(() => this.#folder().rename(path, to.#folder(), newPath))
  }

  async symlinkAt(target: string, path: string): Promise<void> {
    asWit(() => this.#folder().makeLink(target, path))
  }

  async unlinkFileAt(path: string): Promise<void> {
    asWit(() => this.#folder().unlink(path))
  }

  async isSameObject(other: Descriptor): Promise<boolean> {
    const [one, two] = [this.#handle.stat(), other.#handle.stat()]
    return one.device === two.device && one.inode === two.inode
  }

  async metadataHash(): Promise<object> {
    return asWit(() => identityHash(this.#handle.stat()))
  }

  async metadataHashAt({ symlinkFollow = false }: PathFlags, path: string): Promise<object> {
    return asWit(() => identityHash(this.#folder().statAt(path, symlinkFollow)))
  }

  [dispose](): void {
    this.#handle.close()
    this.#release()
  }

  /** @throws FileError EBADF for a folder, and for a file that was not opened for it */
  #openFile(may: (access: FileHandle['access']) => boolean): FileHandle {
    const handle = this.#handle
    if (handle.kind !== 'file' || !may(handle.access)) throw new FileError('EBADF')
    return handle
  }

  /** @throws FileError for what only files can do */
  #file(): FileHandle {
    const handle = this.#handle
    if (handle.kind !== 'file') throw new FileError('EBADF')
    return handle
  }

  /** @throws FileError for what is done from folders */
  #folder(): FolderHandle {
    const handle = this.#handle
    if (handle.kind !== 'folder') throw new FileError('ENOTDIR')
    return handle
  }
}

const notAFolder: Done = { tag: 'err', val: { tag: 'not-directory' } }

function typeOf(type: FileType): DescriptorType {
  return { tag: type === 'unknown' ? 'other' : type }
}

function statOf({ type, links, sizeBytes, accessedNs, modifiedNs, changedNs }: FileStat): object {
  return {
    type: typeOf(type),
    linkCount: links,
    size: sizeBytes,
    dataAccessTimestamp: instantOf(accessedNs),
    dataModificationTimestamp: instantOf(modifiedNs),
    statusChangeTimestamp: instantOf(changedNs),
  }
}

/** Also before 1970: the nanoseconds count forwards from a second that is rounded down. */
function instantOf(ns: bigint): Instant {
  const rest = ((ns % nanosecondsPerSecond) + nanosecondsPerSecond) % nanosecondsPerSecond
  return { seconds: (ns - rest) / nanosecondsPerSecond, nanoseconds: Number(rest) }
}
