/**
 * One daemon per data folder.
 *
 * A lock names its holder by boot, pid and process start time, so that the lock of a killed daemon is taken over
 * even where another process has got its pid since. Locks are numbered and the highest counts: a taker adds the
 * next number, which the file system lets only one do, and never removes what it merely believes to be stale.
 * In another container pids mean other processes: there a holder is asked whether it lives, at a socket in the folder.
 */
import { randomBytes } from 'node:crypto'
import { link, open, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileProblems } from '../../core/index.ts'
import { hasLifeSign, showLifeSign } from './life-sign.ts'
import { apiProblems } from './problems.ts'

/** Proof that this process owns a data folder. */
export interface DataLock {
  readonly folder: string
  /** Gives the folder up; calling it again does nothing. */
  release(): Promise<void>
}

interface Holder {
  readonly pid: number
  /** Clock ticks from boot to the start of the process; empty where /proc is missing. */
  readonly started: string
  readonly boot: string
  /** The namespace that the pid is of, which each container has of its own; empty where it is not known. */
  readonly space: string
}

const prefix = 'daemon.lock.'
const mostAttempts = 20
/** Nobody: what a released lock says. It stays, because numbers must only grow. */
const nobody: Holder = { pid: 0, started: '', boot: '', space: '' }

/**
 * Takes the lock of a data folder, which must exist.
 * @throws ERR_DATA_IN_USE naming the pid of the live daemon; ERR_DATA_NOT_WRITABLE
 */
export async function acquireDataLock(folder: string): Promise<DataLock> {
  const scratch = join(folder, `.tmp-lock-${randomBytes(6).toString('hex')}`)
  const mine: Holder = {
    pid: process.pid,
    started: await startOf(process.pid),
    boot: await bootId(),
    space: await pidSpace(),
  }
  try {
    const reused = await writeScratch(folder, scratch, mine)
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const number = await takeNext(folder, scratch, reused)
      if (number === null) continue
      // Whoever used the same file again at this moment has written into ours.
      if (reused !== null) await writeInPlace(scratch, mine)
      return heldLock(folder, number, mine, await showLifeSign(folder))
    }
  } catch (error) {
    throw lockError(error, folder)
  } finally {
    await rm(scratch, { force: true }).catch(() => {})
  }
  throw apiProblems.error('ERR_DATA_IN_USE', `several daemons want ${folder} at the same moment`)
}

/**
 * A node that was here before starts on a full disk as well: what it wrote down of the holder before is room for this one.
 * @returns the number of the lock whose file that is; null where there was room
 */
async function writeScratch(folder: string, scratch: string, mine: Holder): Promise<number | null> {
  try {
    await writeFile(scratch, JSON.stringify(mine), { mode: 0o600 })
    return null
  } catch (error) {
    const newest = (await lockNumbers(folder)).at(-1)
    if (!isFull(error) || newest === undefined) throw error
    await rm(scratch, { force: true })
    await requireFree(folder, newest)
    await link(lockPath(folder, newest), scratch)
    await writeInPlace(scratch, mine)
    return newest
  }
}

/** Without giving its room away for a moment, as `writeFile` would. */
async function writeInPlace(path: string, holder: Holder): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(holder))
  const file = await open(path, 'r+')
  try {
    await file.write(bytes, 0, bytes.length, 0)
    await file.truncate(bytes.length)
  } finally {
    await file.close()
  }
}

/**
 * @param reused the lock before this one, where its file is that of `scratch`
 * @returns the number of the lock that is now ours, or null where somebody was faster. @throws ERR_DATA_IN_USE
 */
async function takeNext(folder: string, scratch: string, reused: number | null): Promise<number | null> {
  const newest = (await lockNumbers(folder)).at(-1) ?? 0
  if (newest !== reused) await requireFree(folder, newest)
  const number = newest + 1
  if (!(await linked(scratch, lockPath(folder, number)))) return null
  // While we looked, others may have gone further and cleaned up behind them, so that our number was free again.
  const numbers = await lockNumbers(folder)
  if (numbers.at(-1) !== number) {
    await rm(lockPath(folder, number), { force: true })
    return null
  }
  for (const past of numbers) if (past < number) await rm(lockPath(folder, past), { force: true })
  return number
}

function heldLock(folder: string, number: number, mine: Holder, endLifeSign: () => Promise<void>): DataLock {
  const path = lockPath(folder, number)
  let released = false
  return {
    folder,
    async release() {
      if (released) return
      released = true
      // Before the next one may show its own in the same place.
      await endLifeSign()
      if (same(await readHolder(path), mine)) await writeFile(path, JSON.stringify(nobody))
    },
  }
}

function lockPath(folder: string, number: number): string {
  return join(folder, `${prefix}${number}`)
}

/** In ascending order. */
async function lockNumbers(folder: string): Promise<number[]> {
  const numbers = (await readdir(folder)).flatMap((name) => {
    const digits = name.startsWith(prefix) ? name.slice(prefix.length) : ''
    return /^[1-9]\d{0,14}$/.test(digits) ? [Number(digits)] : []
  })
  return numbers.sort((one, other) => one - other)
}

/** @throws ERR_DATA_IN_USE */
async function requireFree(folder: string, number: number): Promise<void> {
  const holder = await readHolder(lockPath(folder, number))
  if (holder === null || !(await isAlive(holder, folder))) return
  const whose = isElsewhere(holder, await pidSpace()) ? ' of another container' : ''
  throw apiProblems.error('ERR_DATA_IN_USE', `the daemon with pid ${holder.pid}${whose} uses ${folder}`, {
    hint: `see it with \`selvedge status --data ${folder}\`, end it with \`selvedge stop --data ${folder}\`, or give this node another folder with --data DIR`,
  })
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** @returns null for a file that is missing or not ours to read as a holder */
async function readHolder(path: string): Promise<Holder | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof value !== 'object' || value === null) return null
    // A version before this one named no space.
    const { pid, started, boot, space = '' } = value as Record<string, unknown>
    if (!Number.isInteger(pid) || typeof started !== 'string' || typeof boot !== 'string') return null
    return { pid: pid as number, started, boot, space: String(space) }
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function same(one: Holder | null, other: Holder | null): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

async function isAlive(holder: Holder, folder: string): Promise<boolean> {
  if (holder.pid <= 0 || holder.boot !== (await bootId())) return false
  if (isElsewhere(holder, await pidSpace())) return hasLifeSign(folder)
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    // EPERM: it lives, as another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const [state = ''] = await statOf(holder.pid)
  // It ended, and nobody has asked how: in containers without an init that lasts.
  if (state === 'Z' || state === 'X') return false
  const started = await startOf(holder.pid)
  return started === '' || holder.started === '' || started === holder.started
}

function isElsewhere(holder: Holder, here: string): boolean {
  return holder.space !== '' && here !== '' && holder.space !== here
}

/** As `pid:[4026531836]`. */
async function pidSpace(): Promise<string> {
  return readlink('/proc/self/ns/pid').catch(() => '')
}

async function startOf(pid: number): Promise<string> {
  return (await statOf(pid))[19] ?? ''
}

/** /proc/PID/stat from field 3 on; the name in field 2 may hold spaces and parentheses, so count from its end. */
async function statOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

async function bootId(): Promise<string> {
  const text = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  return text.trim()
}

/** What file systems answer that give a file one name. */
const linkless: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

function lockError(error: unknown, folder: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException
  if (code === 'EROFS')
    return fileProblems.error('ERR_DATA_NOT_WRITABLE', `${folder} is on a medium that is mounted read-only`, {
      cause: error,
      hint: 'a worn or damaged card is mounted so: see `dmesg`, then `mount -o remount,rw`, or a new card; or choose another folder with --data DIR',
    })
  if (syscall === 'link' && linkless.has(code ?? ''))
    return fileProblems.error(
      'ERR_DATA_NOT_WRITABLE',
      `the file system of ${folder} cannot give a file two names (${code}), as that of many memory sticks`,
      {
        cause: error,
        hint: 'choose a folder on another file system with --data DIR, as ext4, btrfs or f2fs',
      },
    )
  if (code === 'EACCES' || code === 'EPERM' || code === 'ENOENT' || code === 'ENOTDIR') {
    return fileProblems.error('ERR_DATA_NOT_WRITABLE', `cannot lock ${folder} (${code})`, { cause: error })
  }
  if (isFull(error)) {
    return fileProblems.error('ERR_DISK_FULL', `no space left for the lock of ${folder}`, { cause: error })
  }
  return error
}

function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOSPC' || code === 'EDQUOT'
}
