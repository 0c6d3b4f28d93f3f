/** What is known of a file: the host's stat in WASI's terms, and times as exact as the guest set them. */
import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { fileLimits } from './limits.ts'

/** `descriptor-type` of wasi:filesystem/types@0.2. */
export type FileType =
  | 'unknown'
  | 'block-device'
  | 'character-device'
  | 'directory'
  | 'fifo'
  | 'symbolic-link'
  | 'regular-file'
  | 'socket'

export interface FileStat {
  readonly type: FileType
  readonly device: bigint
  readonly inode: bigint
  readonly links: bigint
  readonly sizeBytes: bigint
  /** Nanoseconds since the Unix epoch, as the next two. */
  readonly accessedNs: bigint
  readonly modifiedNs: bigint
  readonly changedNs: bigint
}

/** A time to set: as it is, the present, or nanoseconds since the Unix epoch. */
export type NewTime = 'keep' | 'now' | bigint

/** Of `Stats` or `Dirent`. */
export function fileType(
  entry: Pick<BigIntStats, 'isFile' | 'isDirectory' | 'isSymbolicLink'> & Kinds,
): FileType {
  if (entry.isFile()) return 'regular-file'
  if (entry.isDirectory()) return 'directory'
  if (entry.isSymbolicLink()) return 'symbolic-link'
  if (entry.isCharacterDevice()) return 'character-device'
  if (entry.isBlockDevice()) return 'block-device'
  if (entry.isFIFO()) return 'fifo'
  return entry.isSocket() ? 'socket' : 'unknown'
}
type Kinds = Pick<BigIntStats, 'isCharacterDevice' | 'isBlockDevice' | 'isFIFO' | 'isSocket'>

/**
 * `metadata-hash`: the object's identity, and nothing that changes while it is written, as guests take half of it
 * for an inode number. Two 64-bit halves.
 */
export function identityHash({ device, inode }: FileStat): {
  readonly lower: bigint
  readonly upper: bigint
} {
  const digest = createHash('sha256').update(`wasi:filesystem metadata-hash ${device} ${inode}`).digest()
  return { lower: digest.readBigUInt64LE(0), upper: digest.readBigUInt64LE(8) }
}

interface Set {
  readonly wanted: bigint
  readonly stored: bigint
}

/**
 * Node.js sets times as seconds in floating point, exact to about a quarter of a microsecond; programs that copy
 * times compare nanoseconds. So what a guest set is remembered beside what the system stored of it, and reported
 * for as long as the system still has that.
 */
export class ExactTimes {
  readonly #files = new Map<string, { readonly accessed: Set; readonly modified: Set }>()

  /** @param stored what the system says right after the times were set */
  remember(stored: BigIntStats, accessedNs: bigint, modifiedNs: bigint): void {
    const key = keyOf(stored)
    this.#files.delete(key)
    if (stored.atimeNs === accessedNs && stored.mtimeNs === modifiedNs) return
    this.#files.set(key, {
      accessed: { wanted: accessedNs, stored: stored.atimeNs },
      modified: { wanted: modifiedNs, stored: stored.mtimeNs },
    })
    const [oldest] = this.#files.keys()
    if (this.#files.size > fileLimits.exactTimes && oldest !== undefined) this.#files.delete(oldest)
  }

  statOf(stat: BigIntStats): FileStat {
    const set = this.#files.size === 0 ? undefined : this.#files.get(keyOf(stat))
    return {
      type: fileType(stat),
      device: stat.dev,
      inode: stat.ino,
      links: stat.nlink,
      sizeBytes: stat.size,
      accessedNs: set?.accessed.stored === stat.atimeNs ? set.accessed.wanted : stat.atimeNs,
      modifiedNs: set?.modified.stored === stat.mtimeNs ? set.modified.wanted : stat.mtimeNs,
      changedNs: stat.ctimeNs,
    }
  }
}

/** With its birth, as an inode number is given again. */
function keyOf(stat: BigIntStats): string {
  return `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`
}
