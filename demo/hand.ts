/**
 * The hand over the sensor. The garage node's light sensor is this machine's idle CPU: keeping every core busy
 * darkens it, as a hand darkens a photo cell.
 */
import { cpus } from 'node:os'
import { Worker } from 'node:worker_threads'

/** Keeps every core busy for `ms` milliseconds. Resolves when all are free again. */
export async function coverTheSensor(ms: number): Promise<void> {
  const busy = `const end = Date.now() + ${ms}; while (Date.now() < end) {}`
  await Promise.all(
    cpus().map(
      () =>
        new Promise<void>((resolve, reject) => {
          new Worker(busy, { eval: true }).once('error', reject).once('exit', () => resolve())
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
