/** The calls that take a folder and a path in it. */
import { FileError, type Handle } from '../filesystem/index.ts'
import {
  allRights,
  fdflags,
  fileRights,
  folderRights,
  knownFdflags,
  lookupflags,
  oflags,
  rights,
} from './abi.ts'
import type { CallContext, Calls } from './context.ts'
import type { Descriptor, FolderDescriptor } from './descriptors.ts'
import { newTimes } from './fd-calls.ts'
import { writeFilestat } from './stat-layout.ts'

export function pathCalls(context: CallContext): Calls {
  return { ...entryCalls(context), ...linkCalls(context), path_open: pathOpen(context) }
}

function entryCalls({ memory, descriptors }: CallContext): Calls {
  return {
    path_create_directory(fd: number, path: number, length: number) {
      const { handle } = descriptors.folder(fd, rights.pathCreateDirectory)
      handle.makeFolder(memory.text(path, length))
    },
    path_remove_directory(fd: number, path: number, length: number) {
      const { handle } = descriptors.folder(fd, rights.pathRemoveDirectory)
      handle.removeFolder(memory.text(path, length))
    },
    path_unlink_file(fd: number, path: number, length: number) {
      descriptors.folder(fd, rights.pathUnlinkFile).handle.unlink(memory.text(path, length))
    },
    path_filestat_get(fd: number, lookup: number, path: number, length: number, pointer: number) {
      const { handle } = descriptors.folder(fd, rights.pathFilestatGet)
      writeFilestat(memory, pointer, handle.statAt(memory.text(path, length), follows(lookup)))
    },
    path_filestat_set_times(
      fd: number,
      lookup: number,
      path: number,
      length: number,
      accessed: bigint,
      modified: bigint,
      flags: number,
    ) {
      const { handle } = descriptors.folder(fd, rights.pathFilestatSetTimes)
      const [access, modification] = newTimes(accessed, modified, flags)
      handle.setTimesAt(memory.text(path, length), follows(lookup), access, modification)
    },
  }
}

function linkCalls({ memory, descriptors }: CallContext): Calls {
  return {
    path_link(
      fd: number,
      lookup: number,
      path: number,
      length: number,
      newFd: number,
      newPath: number,
      newLength: number,
    ) {
      const from = descriptors.folder(fd, rights.pathLinkSource).handle
      const to = descriptors.folder(newFd, rights.pathLinkTarget).handle
      from.link(memory.text(path, length), follows(lookup), to, memory.text(newPath, newLength))
    },
    path_rename(fd: number, path: number, length: number, newFd: number, newPath: number, newLength: number) {
      const from = descriptors.folder(fd, rights.pathRenameSource).handle
      const to = descriptors.folder(newFd, rights.pathRenameTarget).handle
      from.rename(memory.text(path, length), to, memory.text(newPath, newLength))
    },
    path_symlink(target: number, targetLength: number, fd: number, path: number, length: number) {
      const { handle } = descriptors.folder(fd, rights.pathSymlink)
      handle.makeLink(memory.text(target, targetLength), memory.text(path, length))
    },
    path_readlink(
      fd: number,
      path: number,
      length: number,
      target: number,
      size: number,
      usedPointer: number,
    ) {
      const { handle } = descriptors.folder(fd, rights.pathReadlink)
      const buffer = memory.bytes(target, size)
      memory.setU32(usedPointer, 0)
      const text = new TextEncoder().encode(handle.readLink(memory.text(path, length)))
      // As readlink(2): what does not fit is cut off.
      buffer.set(text.subarray(0, size))
      memory.setU32(usedPointer, Math.min(text.length, size))
    },
  }
}

function pathOpen({ memory, descriptors }: CallContext) {
  return (
    fd: number,
    lookup: number,
    path: number,
    length: number,
    open: number,
    base: bigint,
    inheriting: bigint,
    flags: number,
    fdPointer: number,
  ): void => {
    const folder = descriptors.folder(fd, rights.pathOpen | neededHere(open))
    const inherited = neededBeyond(open, flags) | ((base | inheriting) & allRights)
    if ((inherited & ~folder.inheriting) !== 0n) throw new FileError('ENOTCAPABLE')
    if ((flags & ~knownFdflags) !== 0 || open > 15) throw new FileError('EINVAL')
    const name = memory.text(path, length)
    memory.setU32(fdPointer, 0)
    const handle = folder.handle.open(name, {
      follow: follows(lookup),
      create: (open & oflags.creat) !== 0,
      directory: (open & oflags.directory) !== 0,
      exclusive: (open & oflags.excl) !== 0,
      truncate: (open & oflags.trunc) !== 0,
      read: (base & (rights.fdRead | rights.fdReaddir)) !== 0n || !wantsWrite(base),
      write: wantsWrite(base),
      sync:
        (flags & (fdflags.sync | fdflags.rsync)) !== 0
          ? 'all'
          : (flags & fdflags.dsync) !== 0
            ? 'data'
            : 'none',
    })
    memory.setU32(fdPointer, descriptors.add(descriptorOf(handle, folder, base, flags)))
  }
}

/**
 * Only reading and writing are as they were asked for. All else is what the folder passes on: programs rely on that
 * since libraries stopped asking for each right, and `fd_fdstat_set_rights` is there for whoever gives some up.
 */
function descriptorOf(handle: Handle, parent: FolderDescriptor, base: bigint, flags: number): Descriptor {
  const { inheriting } = parent
  if (handle.kind === 'folder') {
    const rights = inheriting & folderRights
    return { kind: 'folder', handle, guestPath: null, pages: null, rights, inheriting, flags: 0 }
  }
  const notAsked = (rights.fdRead | rights.fdWrite) & ~base
  const given = inheriting & fileRights & ~notAsked
  return { kind: 'file', handle, position: 0n, rights: given, inheriting: 0n, flags }
}

function neededHere(open: number): bigint {
  return (
    ((open & oflags.creat) !== 0 ? rights.pathCreateFile : 0n) |
    ((open & oflags.trunc) !== 0 ? rights.pathFilestatSetSize : 0n)
  )
}

function neededBeyond(open: number, flags: number): bigint {
  return (
    ((flags & fdflags.dsync) !== 0 ? rights.fdDatasync : 0n) |
    ((flags & (fdflags.sync | fdflags.rsync)) !== 0 ? rights.fdSync : 0n) |
    0n
  )
}

function wantsWrite(base: bigint): boolean {
  return (base & (rights.fdWrite | rights.fdDatasync | rights.fdAllocate | rights.fdFilestatSetSize)) !== 0n
}

function follows(lookup: number): boolean {
  if (lookup > lookupflags.symlinkFollow) throw new FileError('EINVAL')
  return (lookup & lookupflags.symlinkFollow) !== 0
}
