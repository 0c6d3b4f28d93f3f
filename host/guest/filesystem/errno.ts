/**
 * What a file operation fails with: POSIX names inside, and one table from them to both of WASI's vocabularies,
 * the `error-code` of wasi:filesystem 0.2 and the numbers of preview1's `errno`.
 *
 * Not every name has its own 0.2 code; where the package says nothing, the nearest code stands here and only here.
 */

/** `[code of wasi:filesystem/types@0.2, errno of wasi_snapshot_preview1]` */
const table = {
  E2BIG: ['message-size', 1],
  EACCES: ['access', 2],
  EAGAIN: ['would-block', 6],
  EALREADY: ['already', 7],
  EBADF: ['bad-descriptor', 8],
  EBUSY: ['busy', 10],
  EDEADLK: ['deadlock', 16],
  EDQUOT: ['quota', 19],
  EEXIST: ['exist', 20],
  EFAULT: ['invalid', 21],
  EFBIG: ['file-too-large', 22],
  EILSEQ: ['illegal-byte-sequence', 25],
  EINPROGRESS: ['in-progress', 26],
  EINTR: ['interrupted', 27],
  EINVAL: ['invalid', 28],
  EIO: ['io', 29],
  EISDIR: ['is-directory', 31],
  ELOOP: ['loop', 32],
  EMFILE: ['insufficient-memory', 33],
  EMLINK: ['too-many-links', 34],
  EMSGSIZE: ['message-size', 35],
  ENAMETOOLONG: ['name-too-long', 37],
  ENFILE: ['insufficient-memory', 41],
  ENODEV: ['no-device', 43],
  ENOENT: ['no-entry', 44],
  ENOLCK: ['no-lock', 46],
  ENOMEM: ['insufficient-memory', 48],
  ENOSPC: ['insufficient-space', 51],
  ENOSYS: ['unsupported', 52],
  ENOTCAPABLE: ['not-permitted', 76],
  ENOTDIR: ['not-directory', 54],
  ENOTEMPTY: ['not-empty', 55],
  ENOTRECOVERABLE: ['not-recoverable', 56],
  ENOTSOCK: ['unsupported', 57],
  ENOTSUP: ['unsupported', 58],
  ENOTTY: ['no-tty', 59],
  ENXIO: ['no-such-device', 60],
  EOVERFLOW: ['overflow', 61],
  EPERM: ['not-permitted', 63],
  EPIPE: ['pipe', 64],
  ERANGE: ['overflow', 68],
  EROFS: ['read-only', 69],
  ESPIPE: ['invalid-seek', 70],
  ESTALE: ['no-entry', 72],
  ETXTBSY: ['text-file-busy', 74],
  EXDEV: ['cross-device', 75],
} as const

export type Errno = keyof typeof table
/** `error-code` of wasi:filesystem/types@0.2. */
export type FileErrorCode = (typeof table)[Errno][0]

const codes: ReadonlySet<unknown> = new Set(Object.values(table).map(([code]) => code))

/** Whether a value is one of wasi:filesystem's error codes: a failed stream may carry another package's. */
export function isFileErrorCode(value: unknown): value is FileErrorCode {
  return codes.has(value)
}

/** A file operation that was refused, or that the host's system failed. */
export class FileError extends Error {
  override readonly name = 'FileError'
  readonly errno: Errno

  constructor(errno: Errno, cause?: unknown) {
    super(`a file operation failed with ${errno}`, cause === undefined ? undefined : { cause })
    this.errno = errno
  }

  get code(): FileErrorCode {
    return table[this.errno][0]
  }

  /** Its number in preview1. */
  get number(): number {
    return table[this.errno][1]
  }
}

/** Names that systems spell otherwise, and what Node.js itself refuses before the system is asked. */
const aliases: Readonly<Record<string, Errno>> = {
  EWOULDBLOCK: 'EAGAIN',
  EOPNOTSUPP: 'ENOTSUP',
  EFTYPE: 'ELOOP',
  ERR_ACCESS_DENIED: 'EACCES',
  ERR_INVALID_ARG_VALUE: 'EINVAL',
  ERR_INVALID_ARG_TYPE: 'EINVAL',
  ERR_OUT_OF_RANGE: 'EINVAL',
  ERR_FS_FILE_TOO_LARGE: 'EFBIG',
  ERR_DIR_CLOSED: 'EBADF',
}

/**
 * What a call of node:fs threw, as a FileError; what this table does not know is `io`.
 * @throws the error itself where it is none of the file system's: a bug of ours, or the end of the guest
 */
export function fileError(error: unknown): FileError {
  if (error instanceof FileError) return error
  const code = (error as NodeJS.ErrnoException | null)?.code
  if (typeof code !== 'string') throw error
  const errno = code in table ? (code as Errno) : aliases[code]
  if (errno === undefined && !/^E[A-Z0-9]+$/.test(code)) throw error
  return new FileError(errno ?? 'EIO', error)
}

/** Runs system calls; whatever the system says against it leaves as a FileError. */
export function system<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw fileError(error)
  }
}
