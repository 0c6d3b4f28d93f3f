/** The calls that take a descriptor, and the refused ones of sockets. */
import { FileError, type NewTime } from '../filesystem/index.ts'
import { allRights, fdflags, fstflags, knownFdflags, rights, sizes, syncFlags } from './abi.ts'
import type { CallContext, Calls } from './context.ts'
import { refusalOf, type Descriptor, type FileDescriptor } from './descriptors.ts'
import { readDirectory } from './readdir.ts'
import { writeFdstat, writeFilestat, typeOf } from './stat-layout.ts'
import { buffersOf, readStream, transfer, writeStream } from './transfer.ts'

const maxOffset = (1n << 63n) - 1n

export function fdCalls(context: CallContext): Calls {
  return {
    ...openFileCalls(context),
    ...transferCalls(context),
    ...attributeCalls(context),
    ...socketCalls(context),
  }
}

function openFileCalls({ memory, descriptors }: CallContext): Calls {
  return {
    fd_close(fd: number) {
      descriptors.close(fd)
    },
    fd_renumber(from: number, to: number) {
      descriptors.renumber(from, to)
    },
    fd_seek(fd: number, delta: bigint, whence: number, pointer: number) {
      const file = seekable(descriptors.get(fd), delta === 0n && whence === 1 ? rights.fdTell : rights.fdSeek)
      memory.bytes(pointer, 8)
      if (whence > 2) throw new FileError('EINVAL')
      const from = whence === 0 ? 0n : whence === 1 ? file.position : file.handle.stat().sizeBytes
      const position = from + delta
      if (position < 0n || position > maxOffset) throw new FileError('EINVAL')
      file.position = position
      memory.setU64(pointer, position)
    },
    fd_tell(fd: number, pointer: number) {
      memory.setU64(pointer, seekable(descriptors.get(fd), rights.fdTell).position)
    },
    fd_prestat_get(fd: number, pointer: number) {
      const name = preopenName(descriptors.get(fd))
      memory.bytes(pointer, sizes.prestat).fill(0)
      memory.setU32(pointer + 4, name.length)
    },
    fd_prestat_dir_name(fd: number, pointer: number, length: number) {
      const name = preopenName(descriptors.get(fd))
      if (name.length > length) throw new FileError('ENAMETOOLONG')
      memory.bytes(pointer, name.length).set(name)
    },
    fd_readdir(fd: number, pointer: number, length: number, cookie: bigint, usedPointer: number) {
      const folder = descriptors.folder(fd, rights.fdReaddir)
      memory.setU32(usedPointer, 0)
      memory.setU32(usedPointer, readDirectory(memory, folder, pointer, length, cookie))
    },
  }
}

function transferCalls({ memory, descriptors, wait }: CallContext): Calls {
  return {
    fd_read(fd: number, pointer: number, count: number, donePointer: number) {
      const from = descriptors.get(fd, rights.fdRead)
      const buffers = buffersOf(memory, pointer, count)
      memory.setU32(donePointer, 0)
      memory.setU32(donePointer, readInto(from, buffers))
    },
    fd_pread(fd: number, pointer: number, count: number, offset: bigint, donePointer: number) {
      const { handle } = seekable(descriptors.get(fd), rights.fdRead | rights.fdSeek)
      const buffers = buffersOf(memory, pointer, count)
      memory.setU32(donePointer, 0)
      memory.setU32(
        donePointer,
        transfer(buffers, (buffer, at) => handle.read(buffer, offset + BigInt(at))),
      )
    },
    fd_write(fd: number, pointer: number, count: number, donePointer: number) {
      const to = descriptors.get(fd, rights.fdWrite)
      const buffers = buffersOf(memory, pointer, count)
      memory.setU32(donePointer, 0)
      memory.setU32(donePointer, writeFrom(to, buffers))
    },
    fd_pwrite(fd: number, pointer: number, count: number, offset: bigint, donePointer: number) {
      const { handle } = seekable(descriptors.get(fd), rights.fdWrite | rights.fdSeek)
      const buffers = buffersOf(memory, pointer, count)
      memory.setU32(donePointer, 0)
      memory.setU32(
        donePointer,
        transfer(buffers, (buffer, at) => handle.write(buffer, offset + BigInt(at))),
      )
    },
  }

  function readInto(from: Descriptor, buffers: readonly Uint8Array[]): number {
    if (from.kind === 'stream') return readStream(from, buffers, wait)
    const file = fileOf(from)
    const moved = transfer(buffers, (buffer, at) => file.handle.read(buffer, file.position + BigInt(at)))
    file.position += BigInt(moved)
    return moved
  }

  function writeFrom(to: Descriptor, buffers: readonly Uint8Array[]): number {
    if (to.kind === 'stream') return writeStream(to, buffers, wait)
    const file = fileOf(to)
    if ((file.flags & fdflags.append) !== 0) {
      const appended = transfer(buffers, (buffer) => file.handle.append(buffer))
      file.position = file.handle.stat().sizeBytes
      return appended
    }
    const moved = transfer(buffers, (buffer, at) => file.handle.write(buffer, file.position + BigInt(at)))
    file.position += BigInt(moved)
    return moved
  }
}

function attributeCalls({ memory, descriptors }: CallContext): Calls {
  return {
    fd_advise(fd: number, _offset: bigint, _length: bigint, advice: number) {
      if (descriptors.get(fd).kind === 'stream') throw new FileError('EBADF')
      const { handle } = fileOf(descriptors.get(fd, rights.fdAdvise))
      if (advice > 5) throw new FileError('EINVAL')
      handle.advise()
    },
    /** Node.js has no fallocate(2): the file gets its size, not its blocks. */
    fd_allocate(fd: number, offset: bigint, length: bigint) {
      const { handle } = fileOf(descriptors.get(fd, rights.fdAllocate))
      if (length === 0n) throw new FileError('EINVAL')
      if (offset + length > maxOffset) throw new FileError('EFBIG')
      if (offset + length > handle.stat().sizeBytes) handle.setSize(offset + length)
    },
    fd_datasync(fd: number) {
      fileOf(descriptors.get(fd, rights.fdDatasync)).handle.syncData()
    },
    fd_sync(fd: number) {
      const found = descriptors.get(fd, rights.fdSync)
      if (found.kind !== 'stream') found.handle.sync()
    },
    fd_fdstat_get(fd: number, pointer: number) {
      writeFdstat(memory, pointer, descriptors.get(fd))
    },
    fd_fdstat_set_flags(fd: number, flags: number) {
      const found = descriptors.get(fd, rights.fdFdstatSetFlags)
      if ((flags & ~knownFdflags) !== 0) throw new FileError('EINVAL')
      // How a file is written through is decided when it is opened: fcntl(2) does not change it either.
      if (((flags ^ found.flags) & syncFlags) !== 0) throw new FileError('ENOTSUP')
      found.flags = flags
    },
    fd_fdstat_set_rights(fd: number, base: bigint, inheriting: bigint) {
      const found = descriptors.get(fd)
      const adds = (base & ~found.rights) | (inheriting & ~found.inheriting)
      if ((adds & allRights) !== 0n || adds > allRights) throw new FileError('ENOTCAPABLE')
      found.rights = base
      found.inheriting = inheriting
    },
    fd_filestat_get(fd: number, pointer: number) {
      const found = descriptors.get(fd, rights.fdFilestatGet)
      if (found.kind !== 'stream') return writeFilestat(memory, pointer, found.handle.stat())
      memory.bytes(pointer, sizes.filestat).fill(0)
      memory.setU8(pointer + 16, typeOf(found))
    },
    fd_filestat_set_size(fd: number, size: bigint) {
      const file = fileOf(descriptors.get(fd, rights.fdFilestatSetSize))
      // As ftruncate(2), where a write would be EBADF.
      if ((file.rights & rights.fdWrite) === 0n) throw new FileError('EINVAL')
      file.handle.setSize(size)
    },
    fd_filestat_set_times(fd: number, accessed: bigint, modified: bigint, flags: number) {
      const found = descriptors.get(fd, rights.fdFilestatSetTimes)
      if (found.kind === 'stream') throw new FileError('EBADF')
      const [access, modification] = newTimes(accessed, modified, flags)
      found.handle.setTimes(access, modification)
    },
  }
}

/** No guest is given a socket, so every descriptor is something else. */
function socketCalls({ descriptors }: CallContext): Calls {
  const refuse = (fd: number): void => {
    descriptors.get(fd)
    throw new FileError('ENOTSOCK')
  }
  return { sock_accept: refuse, sock_recv: refuse, sock_send: refuse, sock_shutdown: refuse }
}

/** @throws FileError EINVAL where both ways of one time are asked for */
export function newTimes(accessed: bigint, modified: bigint, flags: number): readonly [NewTime, NewTime] {
  const one = (given: number, now: number, time: bigint): NewTime => {
    if ((flags & given) !== 0 && (flags & now) !== 0) throw new FileError('EINVAL')
    return (flags & given) !== 0 ? time : (flags & now) !== 0 ? 'now' : 'keep'
  }
  if (flags > 15) throw new FileError('EINVAL')
  return [one(fstflags.atim, fstflags.atimNow, accessed), one(fstflags.mtim, fstflags.mtimNow, modified)]
}

function fileOf(descriptor: Descriptor): FileDescriptor {
  if (descriptor.kind === 'folder') throw new FileError('EISDIR')
  if (descriptor.kind === 'stream') throw new FileError('EINVAL')
  return descriptor
}

function seekable(descriptor: Descriptor, needed: bigint): FileDescriptor {
  if (descriptor.kind === 'stream') throw new FileError('ESPIPE')
  if (descriptor.kind === 'folder') throw new FileError('EBADF')
  const missing = needed & ~descriptor.rights
  if (missing !== 0n) throw refusalOf(missing, 'file')
  if (descriptor.handle.type !== 'regular-file' && descriptor.handle.type !== 'block-device') {
    throw new FileError('ESPIPE')
  }
  return descriptor
}

function preopenName(descriptor: Descriptor): Uint8Array {
  if (descriptor.kind !== 'folder' || descriptor.guestPath === null) throw new FileError('EBADF')
  return new TextEncoder().encode(descriptor.guestPath)
}
