/** Opens one entry of a folder as the guest wants it, in the flags of open(2). */
import { constants, openSync } from 'node:fs'
import type { FileAccess } from './file-handle.ts'
import type { Place } from './walk.ts'

export interface OpenRequest extends FileAccess {
  readonly follow: boolean
  readonly create: boolean
  readonly directory: boolean
  readonly exclusive: boolean
  readonly truncate: boolean
  /** Whether the guest may change what is in it, where it is a folder; absent: as in the one it is opened from. */
  readonly mutate?: boolean
}

/** Never blocks, as a FIFO would without its other end; makes no terminal the controlling one. */
const always = constants.O_NOFOLLOW | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0)

/** @returns a descriptor. @throws what the system says */
export function openEntry(place: Place, request: OpenRequest, directory: boolean): number {
  const { read, write, sync } = request
  const access = write ? (read ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY
  const flags =
    always |
    access |
    (request.create ? constants.O_CREAT : 0) |
    (request.create && request.exclusive ? constants.O_EXCL : 0) |
    (request.truncate ? constants.O_TRUNC : 0) |
    (directory ? constants.O_DIRECTORY : 0) |
    (sync === 'all' ? constants.O_SYNC : sync === 'data' ? (constants.O_DSYNC ?? constants.O_SYNC) : 0)
  return openSync(place.folder.entry(place.name), flags, 0o666)
}
