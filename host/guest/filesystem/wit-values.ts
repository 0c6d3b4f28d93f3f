/** The records, flags and variants of wasi:filesystem/types@0.2 as jco's glue has them, and what they mean here. */
import { FileError } from './errno.ts'
import type { OpenRequest } from './open-entry.ts'
import type { FileStat, FileType, NewTime } from './metadata.ts'

/** Flags that are not set may be absent. */
export interface PathFlags {
  readonly symlinkFollow?: boolean
}

export interface OpenFlags {
  readonly create?: boolean
  readonly directory?: boolean
  readonly exclusive?: boolean
  readonly truncate?: boolean
}

export interface DescriptorFlags {
  readonly read?: boolean
  readonly write?: boolean
  readonly fileIntegritySync?: boolean
  readonly dataIntegritySync?: boolean
  readonly requestedWriteSync?: boolean
  readonly mutateDirectory?: boolean
}

export interface Datetime {
  readonly seconds: bigint
  readonly nanoseconds: number
}

export type NewTimestamp =
  | { readonly tag: 'no-change' }
  | { readonly tag: 'now' }
  | { readonly tag: 'timestamp'; readonly val: Datetime }

export interface DescriptorStat {
  readonly type: FileType
  readonly linkCount: bigint
  readonly size: bigint
  readonly dataAccessTimestamp: Datetime | undefined
  readonly dataModificationTimestamp: Datetime | undefined
  readonly statusChangeTimestamp: Datetime | undefined
}

const nanosecondsPerSecond = 1_000_000_000n

export function descriptorStat(stat: FileStat): DescriptorStat {
  return {
    type: stat.type,
    linkCount: stat.links,
    size: stat.sizeBytes,
    dataAccessTimestamp: datetime(stat.accessedNs),
    dataModificationTimestamp: datetime(stat.modifiedNs),
    statusChangeTimestamp: datetime(stat.changedNs),
  }
}

/** A datetime has no moments before 1970. */
function datetime(ns: bigint): Datetime | undefined {
  if (ns < 0n) return undefined
  return { seconds: ns / nanosecondsPerSecond, nanoseconds: Number(ns % nanosecondsPerSecond) }
}

/** @throws FileError EINVAL where the nanoseconds are a second or more */
export function newTime(timestamp: NewTimestamp): NewTime {
  if (timestamp.tag !== 'timestamp') return timestamp.tag === 'now' ? 'now' : 'keep'
  const { seconds, nanoseconds } = timestamp.val
  if (nanoseconds >= Number(nanosecondsPerSecond)) throw new FileError('EINVAL')
  return BigInt(seconds) * nanosecondsPerSecond + BigInt(nanoseconds)
}

export function openRequest(pathFlags: PathFlags, openFlags: OpenFlags, flags: DescriptorFlags): OpenRequest {
  const syncsAll = flags.fileIntegritySync === true || flags.requestedWriteSync === true
  return {
    follow: pathFlags.symlinkFollow === true,
    create: openFlags.create === true,
    directory: openFlags.directory === true,
    exclusive: openFlags.exclusive === true,
    truncate: openFlags.truncate === true,
    read: flags.read === true,
    write: flags.write === true,
    sync: syncsAll ? 'all' : flags.dataIntegritySync === true ? 'data' : 'none',
  }
}
