/** Setting a file's times, by descriptor or by name. */
import { fstatSync, futimesSync, lstatSync, lutimesSync, utimesSync, type BigIntStats } from 'node:fs'
import { FileError, system } from './errno.ts'
import type { NewTime } from './metadata.ts'
import type { TreeState } from './tree-state.ts'

/** @param path an entry's host path; a link's own times are set */
export function setTimesOfEntry(path: string, accessed: NewTime, modified: NewTime, state: TreeState): void {
  const stat = (): BigIntStats => lstatSync(path, { bigint: true })
  set(stat, (access, modification) => lutimesSync(path, access, modification), accessed, modified, state)
}

export function setTimesOfFile(fd: number, accessed: NewTime, modified: NewTime, state: TreeState): void {
  const stat = (): BigIntStats => fstatSync(fd, { bigint: true })
  const write = (access: number, modification: number): void => {
    try {
      futimesSync(fd, access, modification)
    } catch (error) {
      // Node's permission model refuses every change by descriptor and judges paths.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') throw error
      utimesSync(`/proc/self/fd/${fd}`, access, modification)
    }
  }
  set(stat, write, accessed, modified, state)
}

/** Nanoseconds of preview1, the smaller of the two. */
const maxTimeNs = (1n << 64n) - 1n

/** There is no way to leave one time alone in Node.js: it is set to what it was. */
function set(
  stat: () => BigIntStats,
  write: (accessedSeconds: number, modifiedSeconds: number) => void,
  accessed: NewTime,
  modified: NewTime,
  { times, now }: TreeState,
): void {
  system(() => {
    const before = times.statOf(stat())
    const nowNs = BigInt(Math.round(now())) * 1_000_000n
    const wanted = (time: NewTime, old: bigint): bigint =>
      time === 'keep' ? old : time === 'now' ? nowNs : time
    const accessedNs = wanted(accessed, before.accessedNs)
    const modifiedNs = wanted(modified, before.modifiedNs)
    if (accessedNs > maxTimeNs || modifiedNs > maxTimeNs) throw new FileError('EOVERFLOW')
    write(Number(accessedNs) / 1e9, Number(modifiedNs) / 1e9)
    times.remember(stat(), accessedNs, modifiedNs)
  })
}
