/**
 * What a node stands on, looked at before anything is made: whose the data folder is, whether there is room to begin, and
 * whether the clock can be believed. A start that cannot end well ends here, and leaves nothing behind.
 */
import { constants } from 'node:fs'
import { access, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileProblems, timeDoubt, timeOfDay, type Log } from '../../core/index.ts'
import { isBeyondMachine, type NodeBudget } from '../budget/index.ts'
import { nodeProblems } from './problems.ts'

/** A new node writes a few hundred KB; its first release, what that is prepared to and its data want the rest. */
export const leastBytes = 16 * 1024 ** 2

export interface Ground {
  /** Of the data folder; null where it is not there yet. */
  readonly owner: number | null
  readonly isWritable: boolean
  /** A node has been started there before. */
  readonly isUsed: boolean
  /** Of the disk; null where the system does not tell. */
  readonly room: { readonly freeBytes: number; readonly totalBytes: number } | null
}

/**
 * @param uid who runs this; null where the system has no users
 * @throws ERR_DATA_OWNER, ERR_DISK_FULL
 */
export function judgeGround(
  data: string,
  { owner, isWritable, isUsed, room }: Ground,
  uid: number | null,
): void {
  // An empty folder of somebody else's that may be written to is a volume that was handed over.
  if (owner !== null && uid !== null && owner !== uid && (isUsed || !isWritable)) {
    const whose = isUsed
      ? 'the node in it would leave files behind that its owner cannot read'
      : 'it cannot be written'
    throw nodeProblems.error(
      'ERR_DATA_OWNER',
      `${data} belongs to user ${owner}, and this is user ${uid}: ${whose}`,
      {
        hint: `run it as user ${owner}, or make the folder yours: chown -R ${uid} ${data}, or name another with --data DIR`,
      },
    )
  }
  // A node that is there already runs on as well as it can: see what it says of its disk.
  if (isUsed || room === null || room.freeBytes >= leastBytes) return
  throw fileProblems.error(
    'ERR_DISK_FULL',
    `the disk of ${data} has ${mib(room.freeBytes)} of ${mib(room.totalBytes)} MiB free; a node begins with ${mib(leastBytes)}`,
    {
      hint: 'free some space there, or choose a folder on another disk with --data DIR; nothing was written',
    },
  )
}

/** @throws as {@link judgeGround}, and what a folder that cannot be looked at answers is left to whoever opens it */
export async function checkGround(data: string): Promise<void> {
  judgeGround(data, await groundOf(data), process.getuid?.() ?? null)
}

async function groundOf(data: string): Promise<Ground> {
  const found = await stat(data).catch(() => null)
  const isWritable = await access(data, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
  const isUsed = await stat(join(data, 'identity')).then(
    () => true,
    // A folder that may not be entered is not known to be empty.
    (error: NodeJS.ErrnoException) => error.code === 'EACCES',
  )
  return { owner: found?.uid ?? null, isWritable, isUsed, room: await roomOf(data) }
}

/** Of the folder, or of the nearest above it that is there. */
async function roomOf(folder: string): Promise<Ground['room']> {
  try {
    const { bavail, bsize, blocks } = await statfs(folder)
    return blocks > 0 ? { freeBytes: bavail * bsize, totalBytes: blocks * bsize } : null
  } catch {
    const above = dirname(folder)
    return above === folder ? null : roomOf(above)
  }
}

/** Rounded down: nothing is there that is not. */
function mib(bytes: number): number {
  return Math.floor((bytes / 1024 ** 2) * 10) / 10
}

/**
 * @throws ERR_MEMORY_SHORT where its owner lets the node take more than there is: the system would end it, or an app of it,
 * at a moment that nobody chose
 */
export function judgeMemory({ from, totalBytes, limitBytes }: NodeBudget, log: Log): void {
  if (!isBeyondMachine({ totalBytes, limitBytes })) return
  const [wanted, has] = [mib(totalBytes), mib(limitBytes)]
  if (from === 'machine') {
    log.warn('memory:short', {
      hasMib: has,
      leastMib: wanted,
      expect: 'the system may end the node when memory is short',
    })
    return
  }
  throw nodeProblems.error(
    'ERR_MEMORY_SHORT',
    `the node is to take ${wanted} MiB (memory under [limits] in its TOML), and this machine has ${has} MiB for it`,
  )
}

/** A node with a wrong clock starts all the same, and says what suffers. */
export function warnOfClock(nowMs: number, log: Log): void {
  if (timeDoubt(nowMs) === null) return
  log.warn('clock:not-set', {
    says: timeOfDay(nowMs),
    affected: 'invites and heartbeats, cron triggers, TLS, and the times in logs and status',
    unaffected: 'apps, other triggers, their data, and the mesh',
    fix: 'sudo timedatectl set-ntp true, or sudo date -s "2026-01-31 12:00"',
  })
}
