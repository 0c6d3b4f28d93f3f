/** An open file: bytes at offsets, and what is known of it. Where the guest's own position is, is not its business. */
import { closeSync, constants, fdatasyncSync, fstatSync, fsyncSync, ftruncateSync, openSync } from 'node:fs'
import { readSync, writeSync } from 'node:fs'
import { FileError, system } from './errno.ts'
import { fileType, type FileStat, type FileType, type NewTime } from './metadata.ts'
import { setTimesOfFile } from './times.ts'
import type { TreeState } from './tree.ts'

export interface FileAccess {
  readonly read: boolean
  readonly write: boolean
  readonly sync: 'none' | 'data' | 'all'
}

/** Offsets beyond this are beyond what any file system has, and beyond a JavaScript integer. */
const maxOffset = BigInt(Number.MAX_SAFE_INTEGER)

export class FileHandle {
  readonly kind = 'file'
  readonly access: FileAccess
  readonly type: FileType
  /** Whether its preopen lets the guest change it; its times can be set without the right to write its bytes. */
  readonly mayChange: boolean
  readonly #fd: number
  readonly #state: TreeState
  readonly #release: () => void
  readonly #hasOffsets: boolean
  #appender: number | null = null
  #isOpen = true

  /** Takes over the descriptor. */
  constructor(fd: number, access: FileAccess, mayChange: boolean, state: TreeState, release: () => void) {
    this.#fd = fd
    this.access = access
    this.mayChange = mayChange
    this.#state = state
    this.#release = release
    this.type = fileType(fstatSync(fd, { bigint: true }))
    this.#hasOffsets = this.type === 'regular-file' || this.type === 'block-device'
  }

  /** Fills the buffer from the offset as far as there is something. @returns bytes; 0 at the end of the file */
  read(buffer: Uint8Array, offset: bigint): number {
    if (!this.access.read) throw new FileError('EBADF')
    const position = this.#position(offset)
    return system(() => readSync(this.#fd, buffer, 0, buffer.length, position))
  }

  /** @returns bytes that were written, at least one of a buffer that has some */
  write(buffer: Uint8Array, offset: bigint): number {
    if (!this.access.write) throw new FileError('EBADF')
    const position = this.#position(offset)
    return system(() => writeSync(this.#fd, buffer, 0, buffer.length, position))
  }

  /** Writes at the end, wherever that is by then. */
  append(buffer: Uint8Array): number {
    if (!this.access.write) throw new FileError('EBADF')
    if (!this.#hasOffsets) return this.write(buffer, 0n)
    const fd = (this.#appender ??= this.#openAppender())
    // Without a descriptor that appends by itself, another writer may come between the question and the answer.
    if (fd === this.#fd) return this.write(buffer, this.stat().sizeBytes)
    return system(() => writeSync(fd, buffer, 0, buffer.length, null))
  }

  stat(): FileStat {
    this.#assertOpen()
    return this.#state.times.statOf(system(() => fstatSync(this.#fd, { bigint: true })))
  }

  setSize(sizeBytes: bigint): void {
    if (!this.access.write) throw new FileError('EBADF')
    if (sizeBytes > maxOffset) throw new FileError('EFBIG')
    this.#assertOpen()
    system(() => ftruncateSync(this.#fd, Number(sizeBytes)))
  }

  setTimes(accessed: NewTime, modified: NewTime): void {
    this.#assertOpen()
    if (!this.mayChange) throw new FileError('EROFS')
    setTimesOfFile(this.#fd, accessed, modified, this.#state)
  }

  sync(): void {
    this.#assertOpen()
    system(() => fsyncSync(this.#fd))
  }

  syncData(): void {
    this.#assertOpen()
    system(() => fdatasyncSync(this.#fd))
  }

  /** Node.js has no posix_fadvise; advice may be ignored. */
  advise(): void {
    this.#assertOpen()
    if (!this.#hasOffsets) throw new FileError('ESPIPE')
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    if (this.#appender !== null && this.#appender !== this.#fd) closeSync(this.#appender)
    closeSync(this.#fd)
    this.#release()
  }

  /** null where there are no offsets. */
  #position(offset: bigint): number | null {
    this.#assertOpen()
    if (!this.#hasOffsets) return null
    if (offset > maxOffset) throw new FileError('EFBIG')
    return Number(offset)
  }

  /** The same file once more, as Linux gives it; elsewhere the same descriptor. */
  #openAppender(): number {
    try {
      const sync = this.access.sync === 'none' ? 0 : constants.O_SYNC
      return openSync(`/proc/self/fd/${this.#fd}`, constants.O_WRONLY | constants.O_APPEND | sync)
    } catch {
      return this.#fd
    }
  }

  #assertOpen(): void {
    if (!this.#isOpen) throw new FileError('EBADF')
  }
}
