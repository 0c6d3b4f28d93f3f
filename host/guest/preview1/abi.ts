/** The numbers and layouts of wasi_snapshot_preview1 (WASI's own witx, phases/snapshot). */
import type { FileType } from '../filesystem/index.ts'

export const rights = {
  fdDatasync: 1n << 0n,
  fdRead: 1n << 1n,
  fdSeek: 1n << 2n,
  fdFdstatSetFlags: 1n << 3n,
  fdSync: 1n << 4n,
  fdTell: 1n << 5n,
  fdWrite: 1n << 6n,
  fdAdvise: 1n << 7n,
  fdAllocate: 1n << 8n,
  pathCreateDirectory: 1n << 9n,
  pathCreateFile: 1n << 10n,
  pathLinkSource: 1n << 11n,
  pathLinkTarget: 1n << 12n,
  pathOpen: 1n << 13n,
  fdReaddir: 1n << 14n,
  pathReadlink: 1n << 15n,
  pathRenameSource: 1n << 16n,
  pathRenameTarget: 1n << 17n,
  pathFilestatGet: 1n << 18n,
  pathFilestatSetSize: 1n << 19n,
  pathFilestatSetTimes: 1n << 20n,
  fdFilestatGet: 1n << 21n,
  fdFilestatSetSize: 1n << 22n,
  fdFilestatSetTimes: 1n << 23n,
  pathSymlink: 1n << 24n,
  pathRemoveDirectory: 1n << 25n,
  pathUnlinkFile: 1n << 26n,
  pollFdReadwrite: 1n << 27n,
} as const

/** Every bit that the specification names; sock_shutdown and sock_accept included. */
export const allRights = (1n << 30n) - 1n

/** What a file is opened for. */
export const transferRights = rights.fdRead | rights.fdWrite | rights.fdSeek | rights.fdTell

const ofBoth =
  rights.fdFdstatSetFlags |
  rights.fdSync |
  rights.fdAdvise |
  rights.fdFilestatGet |
  rights.fdFilestatSetTimes |
  rights.pollFdReadwrite

/** What a descriptor of a file can have; the rest means nothing for it. */
export const fileRights =
  ofBoth |
  rights.fdDatasync |
  rights.fdRead |
  rights.fdSeek |
  rights.fdTell |
  rights.fdWrite |
  rights.fdAllocate |
  rights.fdFilestatSetSize

/** Everything about paths, and what can be done with a folder itself. */
export const folderRights =
  (ofBoth & ~rights.fdAdvise) |
  rights.fdReaddir |
  rights.pathCreateDirectory |
  rights.pathCreateFile |
  rights.pathLinkSource |
  rights.pathLinkTarget |
  rights.pathOpen |
  rights.pathReadlink |
  rights.pathRenameSource |
  rights.pathRenameTarget |
  rights.pathFilestatGet |
  rights.pathFilestatSetSize |
  rights.pathFilestatSetTimes |
  rights.pathSymlink |
  rights.pathRemoveDirectory |
  rights.pathUnlinkFile

export const stdioRights = rights.fdFdstatSetFlags | rights.fdFilestatGet | rights.pollFdReadwrite

export const fdflags = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 } as const
export const syncFlags = fdflags.dsync | fdflags.rsync | fdflags.sync
export const knownFdflags = fdflags.append | fdflags.nonblock | syncFlags
export const oflags = { creat: 1, directory: 2, excl: 4, trunc: 8 } as const
export const lookupflags = { symlinkFollow: 1 } as const
export const fstflags = { atim: 1, atimNow: 2, mtim: 4, mtimNow: 8 } as const
export const clockIds = { realtime: 0, monotonic: 1 } as const
export const eventTypes = { clock: 0, fdRead: 1, fdWrite: 2 } as const
/** Of `event.fd_readwrite.flags`: the other end is closed. */
export const eventHangup = 1
/** Of `subscription_clock.flags`: the timeout is a moment, not a duration. */
export const absoluteTime = 1

/** Bytes of the structures that cross the border. */
export const sizes = {
  iovec: 8,
  prestat: 8,
  fdstat: 24,
  filestat: 64,
  direntHead: 24,
  subscription: 48,
  event: 32,
} as const

/** `filetype`; preview1 has none for a FIFO, and two for sockets that a stat cannot tell apart. */
export const filetypes: Readonly<Record<FileType, number>> = {
  unknown: 0,
  'block-device': 1,
  'character-device': 2,
  directory: 3,
  'regular-file': 4,
  socket: 6,
  'symbolic-link': 7,
  fifo: 0,
}
