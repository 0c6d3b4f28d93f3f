/** The time of day: apps, triggers and data go on without it, invites and heartbeats do not. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { timeDoubt, timeOfDay } from '../../../core/index.ts'
import type { Check, Finding } from '../contract.ts'

const dayMs = 86_400_000

const wrong = (what: string): Finding => ({
  level: 'wrong',
  code: 'ERR_DOCTOR_CLOCK',
  what,
  fix: 'set it with `sudo timedatectl set-ntp true`, or `sudo date -s "2026-01-31 12:00"` where there is no network; apps and their data do not wait for it, invites and heartbeats do',
})

/** @param newestMs when the newest file of the data folder was written; null where there is none */
export function judgeClock(nowMs: number, newestMs: number | null): Finding {
  const shown = timeOfDay(nowMs)
  const doubt = timeDoubt(nowMs)
  if (doubt === 'never-set') return wrong(`the clock was never set: it says ${shown}`)
  if (doubt !== null) return wrong(`the clock says ${shown}`)
  if (newestMs !== null && newestMs - nowMs > dayMs) {
    const written = new Date(newestMs).toISOString().slice(0, 10)
    return wrong(`the clock says ${shown}, and this node has a file that was written on ${written}`)
  }
  return { level: 'fine', what: `${shown}` }
}

async function newestIn(folder: string): Promise<number | null> {
  const all = await readdir(folder).catch(() => [])
  // Such as the one that another check writes at this moment.
  const names = all.filter((name) => !name.startsWith('.'))
  const times = await Promise.all(
    names.slice(0, 1_000).map((name) =>
      stat(join(folder, name)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  )
  return times.length === 0 ? null : Math.max(...times)
}

export const clockCheck: Check = {
  name: 'clock',
  summary: 'the time of day',
  run: async ({ clock, data }) => [judgeClock(clock.now(), await newestIn(data))],
}
