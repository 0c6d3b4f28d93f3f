/** The guest's descriptors: numbers, what they stand for, and the rights that go with them. */
import type { ByteSink, ByteSource } from '../bytes.ts'
import { FileError, type DirectoryPages, type FileHandle, type FolderHandle } from '../filesystem/index.ts'
import { folderRights, transferRights } from './abi.ts'
import { preview1Limits } from './limits.ts'

interface Common {
  /** What may be done with it, and with what is opened through it. */
  rights: bigint
  inheriting: bigint
  /** `fdflags`. */
  flags: number
}

export interface FileDescriptor extends Common {
  readonly kind: 'file'
  readonly handle: FileHandle
  position: bigint
}

export interface FolderDescriptor extends Common {
  readonly kind: 'folder'
  readonly handle: FolderHandle
  /** The guest's name for it, where it was there from the start. */
  readonly guestPath: string | null
  /** Of the fd_readdir that is under way. */
  pages: DirectoryPages | null
}

export interface StreamDescriptor extends Common {
  readonly kind: 'stream'
  /** One of the two. */
  readonly source: ByteSource | null
  readonly sink: ByteSink | null
  readonly isTerminal: boolean
}

export type Descriptor = FileDescriptor | FolderDescriptor | StreamDescriptor

export class DescriptorTable {
  readonly #open = new Map<number, Descriptor>()
  /** No number below this one is free. */
  #lowestFree = 0

  /** @throws FileError EBADF; what `refusalOf` says where a right is missing */
  get(fd: number, rights = 0n): Descriptor {
    const found = this.#open.get(fd)
    if (found === undefined) throw new FileError('EBADF')
    const missing = rights & ~found.rights
    if (missing !== 0n) throw refusalOf(missing, found.kind)
    return found
  }

  /** @throws FileError EBADF, ENOTDIR, ENOTCAPABLE */
  folder(fd: number, rights: bigint): FolderDescriptor {
    const found = this.get(fd)
    if (found.kind !== 'folder') throw new FileError('ENOTDIR')
    return this.get(fd, rights) as FolderDescriptor
  }

  /** Gives it the lowest number that is free. @throws FileError EMFILE, having closed it */
  add(descriptor: Descriptor): number {
    if (this.#open.size >= preview1Limits.descriptors) {
      closeDescriptor(descriptor)
      throw new FileError('EMFILE')
    }
    let fd = this.#lowestFree
    while (this.#open.has(fd)) fd += 1
    this.#lowestFree = fd + 1
    this.#open.set(fd, descriptor)
    return fd
  }

  close(fd: number): void {
    closeDescriptor(this.get(fd))
    this.#open.delete(fd)
    this.#lowestFree = Math.min(this.#lowestFree, fd)
  }

  /** Moves one over another, which is closed. @throws FileError EBADF where either is not open */
  renumber(from: number, to: number): void {
    const moved = this.get(from)
    const replaced = this.get(to)
    if (from === to) return
    closeDescriptor(replaced)
    this.#open.set(to, moved)
    this.#open.delete(from)
    this.#lowestFree = Math.min(this.#lowestFree, from)
  }

  closeAll(): void {
    for (const fd of this.#open.keys()) this.close(fd)
  }
}

/**
 * What a folder never does, and bytes that a file was not opened for, are EBADF, as POSIX has it; anything else is a
 * matter of capabilities.
 */
export function refusalOf(missing: bigint, kind: Descriptor['kind']): FileError {
  const unfit = kind === 'folder' ? ~folderRights : transferRights
  return new FileError((missing & unfit) === 0n ? 'ENOTCAPABLE' : 'EBADF')
}

function closeDescriptor(descriptor: Descriptor): void {
  if (descriptor.kind === 'stream') {
    descriptor.source?.close()
    descriptor.sink?.close()
    return
  }
  if (descriptor.kind === 'folder') descriptor.pages?.close()
  descriptor.handle.close()
}
