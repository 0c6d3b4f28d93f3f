/** An open file: bytes at offsets, and what is known of it. Where the guest's own position is, is not its business. */
import { closeSync, constants, fdatasyncSync, fstatSync, fsyncSync, ftruncateSync, openSync } from 'node:fs'
import { readSync, writeSync } from 'node:fs'
import { FileError, system } from './errno.ts'
import { fileType, type FileStat, type FileType, type NewTime } from './metadata.ts'
import { Shared } from './shared.ts'
import { setTimesOfFile } from './times.ts'
import type { TreeState } from './tree-state.ts'

export interface FileAccess {
  readonly read: boolean
  readonly write: boolean
  readonly sync: 'none' | 'data' | 'all'
}

/** Offsets beyond this are beyond what any file system has, and beyond a JavaScript integer. */
const maxOffset = BigInt(Number.MAX_SAFE_INTEGER)

/** What all handles of one opening share. */
interface OpenFile {
  readonly fd: number
  readonly access: FileAccess
  /** Whether its preopen lets the guest change it; its times can be set without the right to write its bytes. */
  readonly mayChange: boolean
  readonly type: FileType
  readonly state: TreeState
  /** The same file, opened to append; null before that is needed. */
  appender: number | null
  /** Its numbers may be another file's by now. */
  isClosed: boolean
}

export class FileHandle {
  readonly kind = 'file'
  readonly #file: OpenFile
  readonly #shared: Shared
  readonly #letGo: () => void
  #isOpen = true

  private constructor(file: OpenFile, shared: Shared, letGo: () => void) {
    this.#file = file
    this.#shared = shared
    this.#letGo = letGo
  }

  /** Takes over the descriptor. @param release called once, when the last handle of it is closed */
  static of(
    fd: number,
    access: FileAccess,
    mayChange: boolean,
    state: TreeState,
    release: () => void,
  ): FileHandle {
    const stat = fstatSync(fd, { bigint: true })
    const type = fileType(stat)
    const file: OpenFile = { fd, access, mayChange, type, state, appender: null, isClosed: false }
    if (type === 'regular-file') state.space?.opened(fd, stat)
    const close = state.keep((isGuestGone) => {
      file.isClosed = true
      if (file.appender !== null && file.appender !== fd) closeSync(file.appender)
      state.space?.closing(fd, isGuestGone)
      closeSync(fd)
      release()
    })
    const shared = new Shared(close)
    return new FileHandle(file, shared, shared.owner())
  }

  /** Another handle of the same opening, which may outlive this one. */
  duplicate(): FileHandle {
    this.#assertOpen()
    return new FileHandle(this.#file, this.#shared, this.#shared.retain())
  }

  get access(): FileAccess {
    return this.#file.access
  }

  get type(): FileType {
    return this.#file.type
  }

  /** Fills the buffer from the offset as far as there is something. @returns bytes; 0 at the end of the file */
  read(buffer: Uint8Array, offset: bigint): number {
    if (!this.#file.access.read) throw new FileError('EBADF')
    const position = this.#position(offset)
    return system(() => readSync(this.#file.fd, buffer, 0, buffer.length, position))
  }

  /** @returns bytes that were written, at least one of a buffer that has some */
  write(buffer: Uint8Array, offset: bigint): number {
    if (!this.#file.access.write) throw new FileError('EBADF')
    const position = this.#position(offset)
    const { fd } = this.#file
    const end = (position ?? 0) + buffer.length
    return this.#counting(end, buffer.length, () => writeSync(fd, buffer, 0, buffer.length, position))
  }

  /** Writes at the end, wherever that is by then. */
  append(buffer: Uint8Array): number {
    this.#assertOpen()
    if (!this.#file.access.write) throw new FileError('EBADF')
    if (!this.#hasOffsets()) return this.write(buffer, 0n)
    const fd = (this.#file.appender ??= this.#openAppender())
    // Without a descriptor that appends by itself, another writer may come between the question and the answer.
    if (fd === this.#file.fd) return this.write(buffer, this.stat().sizeBytes)
    const end = fstatSync(fd).size + buffer.length
    return this.#counting(end, buffer.length, () => writeSync(fd, buffer, 0, buffer.length, null))
  }

  stat(): FileStat {
    this.#assertOpen()
    return this.#file.state.times.statOf(system(() => fstatSync(this.#file.fd, { bigint: true })))
  }

  setSize(sizeBytes: bigint): void {
    if (!this.#file.access.write) throw new FileError('EBADF')
    if (sizeBytes > maxOffset) throw new FileError('EFBIG')
    this.#assertOpen()
    const { fd, state } = this.#file
    const [size, resize] = [Number(sizeBytes), () => ftruncateSync(fd, Number(sizeBytes))]
    system(() => (state.space === null ? resize() : state.space.resizing(fd, size, resize)))
  }

  setTimes(accessed: NewTime, modified: NewTime): void {
    this.#assertOpen()
    if (!this.#file.mayChange) throw new FileError('EROFS')
    setTimesOfFile(this.#file.fd, accessed, modified, this.#file.state)
  }

  sync(): void {
    this.#assertOpen()
    system(() => fsyncSync(this.#file.fd))
  }

  syncData(): void {
    this.#assertOpen()
    system(() => fdatasyncSync(this.#file.fd))
  }

  /** Node.js has no posix_fadvise; advice may be ignored. */
  advise(): void {
    this.#assertOpen()
    if (!this.#hasOffsets()) throw new FileError('ESPIPE')
  }

  close(): void {
    this.#isOpen = false
    this.#letGo()
  }

  /** @param end where what is written ends at most */
  #counting(end: number, length: number, write: () => number): number {
    const { fd, state, type } = this.#file
    const { space } = state
    if (space === null || type !== 'regular-file') return system(write)
    return system(() => space.writing(fd, end, length, write))
  }

  /** null where there are no offsets. */
  #position(offset: bigint): number | null {
    this.#assertOpen()
    if (!this.#hasOffsets()) return null
    if (offset > maxOffset) throw new FileError('EFBIG')
    return Number(offset)
  }

  #hasOffsets(): boolean {
    return this.#file.type === 'regular-file' || this.#file.type === 'block-device'
  }

  /** The same file once more, as Linux gives it; elsewhere the same descriptor. */
  #openAppender(): number {
    try {
      const sync = this.#file.access.sync === 'none' ? 0 : constants.O_SYNC
      return openSync(`/proc/self/fd/${this.#file.fd}`, constants.O_WRONLY | constants.O_APPEND | sync)
    } catch {
      return this.#file.fd
    }
  }

  #assertOpen(): void {
    if (!this.#isOpen || this.#file.isClosed) throw new FileError('EBADF')
  }
}
