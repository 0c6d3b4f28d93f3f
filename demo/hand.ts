/**
 * The hand over the sensor. The garage node's light sensor is this machine's idle CPU: keeping every core busy
 * darkens it, as a hand darkens a photo cell.
 */
import { spawn } from 'node:child_process'
import { cpus, setPriority } from 'node:os'

/** Below everything else: the sensor sees no idle time, and the nodes still get theirs. */
const niceness = 10

/** Keeps every core busy for `ms` milliseconds. Resolves when all are free again. */
export async function coverTheSensor(ms: number): Promise<void> {
  const busy = `const end = Date.now() + ${ms}; while (Date.now() < end) {}`
  await Promise.all(
    cpus().map(
      () =>
        new Promise<void>((resolve, reject) => {
          const finger = spawn(process.execPath, ['-e', busy], { stdio: 'ignore' })
          finger.once('error', reject).once('exit', () => resolve())
          if (finger.pid !== undefined) setPriority(finger.pid, niceness)
        }),
    ),
  )
}

/** Share of all cores' time that was idle over the next `ms` milliseconds, in percent. */
export async function idlePercent(ms: number): Promise<number> {
  const before = coreTimes()
  await new Promise((resolve) => setTimeout(resolve, ms))
  const after = coreTimes()
  return (100 * (after.idle - before.idle)) / Math.max(1, after.total - before.total)
}

function coreTimes(): { idle: number; total: number } {
  let idle = 0
  let total = 0
  for (const { times } of cpus()) {
    idle += times.idle
    total += times.user + times.nice + times.sys + times.idle + times.irq
  }
  return { idle, total }
}
