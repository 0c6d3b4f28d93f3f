/** A file as source or sink of wasi:io's streams. */
import { StreamFailure, type ByteSink, type ByteSource } from '../bytes.ts'
import { FileError } from './errno.ts'
import type { FileHandle } from './file-handle.ts'
import { fileLimits } from './limits.ts'

/** Room that a file's stream offers: a file always has some, and the guest's buffer is bounded by it. */
const roomBytes = 64 * 1024

/** Reads on from the offset, at its own position. The handle is the stream's from now on. */
export function fileSource(file: FileHandle, offset: bigint): ByteSource {
  let position = offset
  let isAtEnd = false
  return {
    read(maxBytes) {
      if (isAtEnd) return null
      const buffer = new Uint8Array(Math.min(maxBytes, fileLimits.transferBytes))
      if (buffer.length === 0) return buffer
      try {
        const length = file.read(buffer, position)
        position += BigInt(length)
        isAtEnd = length === 0
        return isAtEnd ? null : buffer.subarray(0, length)
      } catch (error) {
        isAtEnd = true
        throw streamFailure(error)
      }
    },
    ready: () => true,
    close() {
      isAtEnd = true
      file.close()
    },
  }
}

/**
 * The handle is the stream's from now on.
 * @param write puts bytes at so many from the stream's beginning. @returns how many it took
 */
export function fileSink(file: FileHandle, write: (bytes: Uint8Array, at: bigint) => number): ByteSink {
  let written = 0n
  let isOver = false
  return {
    capacity: () => (isOver ? null : roomBytes),
    write(bytes) {
      if (isOver) return
      try {
        for (let done = 0; done < bytes.length;) {
          const length = write(bytes.subarray(done), written)
          done += length
          written += BigInt(length)
        }
      } catch (error) {
        isOver = true
        throw streamFailure(error)
      }
    },
    flush() {},
    ready: () => true,
    close() {
      isOver = true
      file.close()
    },
  }
}

function streamFailure(error: unknown): unknown {
  return error instanceof FileError ? new StreamFailure(error.message, error.code) : error
}
