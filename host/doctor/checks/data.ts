/** The data folder: whose it is, who may read it, and whether a write reaches its medium. */
import { open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { messageOf } from '../../../core/index.ts'
import type { Check, Finding } from '../contract.ts'

const slowMs = 250

const wrong = (what: string, fix: string): Finding => ({ level: 'wrong', code: 'ERR_DOCTOR_DATA', what, fix })

/** @param mode of the folder, as stat has it @param uid null where the system has no users */
export function judgeOwner(
  folder: string,
  { mode, owner }: { readonly mode: number; readonly owner: number },
  uid: number | null,
): readonly Finding[] {
  if (uid === null) return []
  const found: Finding[] = []
  if (owner !== uid && uid !== 0) {
    const fix = `run as the user who owns it, or make it yours: sudo chown -R "$USER" ${folder}`
    found.push(wrong(`${folder} belongs to user ${owner}, and this is user ${uid}`, fix))
  }
  if ((mode & 0o077) !== 0) {
    const shown = (mode & 0o777).toString(8)
    found.push(
      wrong(`${folder} can be read by others (mode ${shown}), and keys are in it`, `chmod 700 ${folder}`),
    )
  }
  return found
}

/** @param error of a write, with the system's code */
export function judgeWrite(folder: string, error: unknown): Finding {
  const { code } = error as NodeJS.ErrnoException
  switch (code) {
    case 'EROFS':
      return wrong(
        `${folder} is on a medium that is mounted read-only`,
        'a worn or damaged card is mounted so; see `dmesg`, then sudo mount -o remount,rw, or a new card',
      )
    case 'ENOSPC':
    case 'EDQUOT':
      return wrong(`nothing can be written to ${folder}: it is full`, 'free space, or inodes (df -i)')
    case 'EACCES':
    case 'EPERM':
      return wrong(`this user may not write to ${folder}`, 'run as the user who owns it')
    default:
      return wrong(`a write to ${folder} failed: ${messageOf(error)}`, 'see `dmesg` for what the medium says')
  }
}

/** @returns how long it took until it was on the medium, ms */
async function writeThrough(folder: string, monotonicMs: () => number): Promise<number> {
  const startedMs = monotonicMs()
  const [first, second] = [0, 1].map((part) => join(folder, `.doctor-${randomUUID()}-${part}`)) as [
    string,
    string,
  ]
  try {
    const file = await open(first, 'wx', 0o600)
    try {
      await file.write(new Uint8Array(4_096))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(first, second)
    return monotonicMs() - startedMs
  } finally {
    await Promise.all([first, second].map((path) => rm(path, { force: true }).catch(() => {})))
  }
}

export const dataCheck: Check = {
  name: 'data',
  summary: 'owner, mode and medium of the data folder',
  async run({ data, clock }) {
    const there = await stat(data).catch((error: NodeJS.ErrnoException) => error)
    if (there instanceof Error) {
      if (there.code !== 'ENOENT') return [judgeWrite(data, there)]
      return [{ level: 'note', what: `there is no ${data} yet`, fix: 'selvedge up makes it' }]
    }
    if (!there.isDirectory()) return [wrong(`${data} is no folder`, 'name another with --data')]
    const uid = process.getuid?.() ?? null
    const found = [...judgeOwner(data, { mode: there.mode, owner: there.uid }, uid)]
    try {
      const ms = await writeThrough(data, () => clock.monotonicMs())
      const what = `4 KB are on the medium of ${data} after ${ms.toFixed(1)} ms`
      if (ms < slowMs) return [...found, { level: 'fine', what }]
      const fix = 'a card that is worn or busy is as slow; each acknowledged write waits as long'
      return [...found, { level: 'note', what, fix }]
    } catch (error) {
      return [...found, judgeWrite(data, error)]
    }
  },
}
