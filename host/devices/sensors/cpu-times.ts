/**
 * How busy this machine's cores have been since it started, in ticks of no particular length.
 * Only differences and their ratio mean something.
 */
import { readFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'

export interface CpuTimes {
  readonly idle: number
  readonly total: number
}

/**
 * The first line of Linux's /proc/stat (proc_stat(5)): user nice system idle iowait irq softirq steal …;
 * guest time is already part of user time and must not be counted again.
 * @returns null where the text is something else
 */
export function parseCpuTimes(text: string): CpuTimes | null {
  const match = /^cpu +(\d+(?: \d+){3,})/.exec(text)
  const ticks = match?.[1]?.split(' ').slice(0, 8).map(Number)
  if (ticks === undefined) return null
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0)
  return { idle, total: ticks.reduce((sum, tick) => sum + tick, 0) }
}

/**
 * All cores together, from /proc/stat, or from the operating system's own call where there is none.
 * @param root what /proc is looked for under
 */
export async function readCpuTimes(root: string): Promise<CpuTimes> {
  const text = await readFile(join(root, 'proc/stat'), 'utf8').catch(() => '')
  return parseCpuTimes(text) ?? sumCores()
}

function sumCores(): CpuTimes {
  let idle = 0
  let total = 0
  for (const { times } of cpus()) {
    idle += times.idle
    total += times.user + times.nice + times.sys + times.idle + times.irq
  }
  return { idle, total }
}
