/** Bytes between the guest's scattered buffers and a file or a stream. */
import type { Waitable } from '../bytes.ts'
import { StreamFailure } from '../bytes.ts'
import { FileError } from '../filesystem/index.ts'
import { fdflags, sizes } from './abi.ts'
import type { StreamDescriptor } from './descriptors.ts'
import { preview1Limits } from './limits.ts'
import type { GuestMemory } from './memory.ts'

/** The buffers of an iovec array, empty ones left out. @throws FileError EINVAL for too many, EFAULT */
export function buffersOf(memory: GuestMemory, pointer: number, count: number): Uint8Array[] {
  if (count > preview1Limits.pieces) throw new FileError('EINVAL')
  memory.bytes(pointer, count * sizes.iovec)
  const buffers: Uint8Array[] = []
  for (let index = 0; index < count; index += 1) {
    const at = pointer + index * sizes.iovec
    const buffer = memory.bytes(memory.u32(at), memory.u32(at + 4))
    if (buffer.length > 0) buffers.push(buffer)
  }
  return buffers
}

/**
 * Moves buffer after buffer until one is not moved whole.
 * @param move what moves some of a buffer at so many bytes from the start; an error after the first bytes is kept
 * for the next call, as POSIX has it
 */
export function transfer(
  buffers: readonly Uint8Array[],
  move: (buffer: Uint8Array, at: number) => number,
): number {
  let total = 0
  for (const buffer of buffers) {
    const piece = buffer.subarray(0, preview1Limits.transferBytes - total)
    try {
      const moved = move(piece, total)
      total += moved
      if (moved < buffer.length) break
    } catch (error) {
      if (total === 0 || !(error instanceof FileError)) throw error
      break
    }
  }
  return total
}

/** Waits for the first bytes, and takes what is there then. @returns 0 at the end */
export function readStream(
  { source, flags }: StreamDescriptor,
  buffers: readonly Uint8Array[],
  wait: (waitables: readonly Waitable[]) => void,
): number {
  if (source === null) throw new FileError('EBADF')
  let isWaiting = true
  return transfer(buffers, (buffer) => {
    for (;;) {
      const bytes = ofStream(() => source.read(Math.min(buffer.length, preview1Limits.streamBytes)))
      if (bytes === null) return 0
      if (bytes.length > 0 || !isWaiting) {
        buffer.set(bytes)
        isWaiting = false
        return bytes.length
      }
      if ((flags & fdflags.nonblock) !== 0) throw new FileError('EAGAIN')
      wait([source])
    }
  })
}

/** Waits for room until all is written, or without waiting what there is room for. */
export function writeStream(
  { sink, flags }: StreamDescriptor,
  buffers: readonly Uint8Array[],
  wait: (waitables: readonly Waitable[]) => void,
): number {
  if (sink === null) throw new FileError('EBADF')
  return transfer(buffers, (buffer) => {
    let written = 0
    while (written < buffer.length) {
      const room = ofStream(() => sink.capacity())
      if (room === null) return orFail(written, 'EPIPE')
      if (room > 0) {
        const piece = buffer.subarray(written, written + room)
        ofStream(() => sink.write(piece))
        written += piece.length
      } else if ((flags & fdflags.nonblock) === 0) wait([sink])
      else return orFail(written, 'EAGAIN')
    }
    return written
  })
}

function orFail(moved: number, errno: 'EPIPE' | 'EAGAIN'): number {
  if (moved === 0) throw new FileError(errno)
  return moved
}

function ofStream<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw error instanceof StreamFailure ? new FileError('EIO', error) : error
  }
}
