/**
 * An open folder of the host, and the only place where host paths are made.
 *
 * Node.js has no openat(2). On Linux `/proc/self/fd/N/name` is as good: the kernel resolves it from the open
 * descriptor, whatever became of the folder's own name meanwhile, so a walk that opens one component after the
 * other and follows nothing cannot be led astray by a concurrent rename or a planted link. Measured: 20 µs for an
 * open two folders deep, against 10 µs for a check by name and 5 µs for no check.
 *
 * Where that path is not to be had (macOS, or a permission model that does not allow it) a folder is its path and
 * its identity: each use checks both first. That leaves the moment between check and use to another program that
 * writes in the same tree; a guest alone cannot use it, as it makes one call at a time.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { FileError, system } from './errno.ts'

export interface Folder {
  /** A descriptor of the folder, for fstat; it may be of the kind that reads nothing. */
  readonly fd: number
  /** The host path of the folder, for one system call. @throws FileError when it is no longer what it was */
  self(): string
  /** The host path of an entry, for one system call that does not follow links. `.` is the folder. */
  entry(name: string): string
  /** Opens a folder in it. @throws FileError ENOTDIR or ELOOP where the entry is something else, or a link */
  child(name: string): Folder
  /** Makes a folder of a descriptor that was opened at `entry(name)` and is one. It is the folder's from now on. */
  adopt(fd: number, name: string): Folder
  close(): void
}

/** Opens for the name alone, without the right to read (Linux); Node.js does not list it. The same on every port of ours. */
const pathOnly = process.platform === 'linux' ? 0o10000000 : 0
const folderFlags = constants.O_DIRECTORY | constants.O_NOFOLLOW | pathOnly

/** @param anchored false takes the fallback, for tests. @throws FileError where the path is not a folder */
export function openFolder(hostPath: string, anchored = true): Folder {
  // The preopen itself was named by the one who runs the guest: links in its own path are theirs.
  const fd = system(() => openSync(hostPath, constants.O_DIRECTORY | pathOnly))
  return anchored && isAnchor(fd) ? new AnchoredFolder(fd) : new NamedFolder(fd, hostPath)
}

function isAnchor(fd: number): boolean {
  if (process.platform !== 'linux') return false
  try {
    const through = lstatSync(`/proc/self/fd/${fd}/.`, { bigint: true })
    const own = fstatSync(fd, { bigint: true })
    return through.ino === own.ino && through.dev === own.dev
  } catch {
    return false
  }
}

class AnchoredFolder implements Folder {
  readonly fd: number
  readonly #path: string

  constructor(fd: number) {
    this.fd = fd
    this.#path = `/proc/self/fd/${fd}`
  }

  self(): string {
    return this.#path
  }

  entry(name: string): string {
    return `${this.#path}/${name}`
  }

  child(name: string): Folder {
    return new AnchoredFolder(system(() => openSync(this.entry(name), folderFlags)))
  }

  adopt(fd: number): Folder {
    return new AnchoredFolder(fd)
  }

  close(): void {
    closeSync(this.fd)
  }
}

class NamedFolder implements Folder {
  readonly fd: number
  readonly #path: string
  readonly #identity: string

  constructor(fd: number, path: string) {
    this.fd = fd
    this.#path = path
    this.#identity = identityOf(fstatSync(fd, { bigint: true }))
  }

  self(): string {
    const found = system(() => lstatSync(`${this.#path}/.`, { bigint: true, throwIfNoEntry: false }))
    if (found === undefined || identityOf(found) !== this.#identity) throw new FileError('ENOENT')
    return this.#path
  }

  entry(name: string): string {
    const path = this.self()
    return name === '.' ? `${path}/.` : join(path, name)
  }

  child(name: string): Folder {
    const path = this.entry(name)
    return new NamedFolder(
      system(() => openSync(path, folderFlags)),
      path,
    )
  }

  adopt(fd: number, name: string): Folder {
    return new NamedFolder(fd, name === '.' ? this.#path : join(this.#path, name))
  }

  close(): void {
    closeSync(this.fd)
  }
}

function identityOf(stat: { readonly dev: bigint; readonly ino: bigint }): string {
  return `${stat.dev}:${stat.ino}`
}
