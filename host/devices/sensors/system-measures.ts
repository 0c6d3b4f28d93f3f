/** How each metric of the system sensor is measured, from what Linux says of itself under /proc and /sys. */
import { readdir, readFile, statfs } from 'node:fs/promises'
import { freemem, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { delay } from '../../../core/index.ts'
import type { DriverContext, Range } from '../contract.ts'
import { readCpuTimes } from './cpu-times.ts'
import { IdleWindow, type CpuSample } from './idle-window.ts'
import { RateWindow } from './rate-window.ts'

export interface Measure {
  /** UCUM. */
  readonly unit: string
  readonly range: Range | null
  readonly resolution: number | null
  take(signal?: AbortSignal): Promise<number>
}

/** What a metric is asked about. */
export interface Subject {
  readonly interface?: string | undefined
  readonly path?: string | undefined
  readonly zone?: string | undefined
}

type MeasureOf = (subject: Subject, context: DriverContext) => Promise<Measure>

const percent = { unit: '%', range: { min: 0, max: 100 }, resolution: null } as const

/** @throws Error where this machine does not have what the metric is of */
export const measures = {
  cpu: async (_subject, context) => {
    const idle = await idleShare(context)
    return { ...percent, take: async (signal) => 100 - (await idle(signal)) }
  },
  'cpu-idle': async (_subject, context) => ({ ...percent, take: await idleShare(context) }),
  load: async () => ({ unit: '1', range: null, resolution: 0.01, take: async () => loadavg()[0] ?? 0 }),
  'memory-used': async (_subject, { root }) => {
    const { totalBytes } = await readMemory(root)
    const take = async (): Promise<number> => (await readMemory(root)).usedBytes
    return { unit: 'By', range: { min: 0, max: totalBytes }, resolution: 1_024, take }
  },
  'memory-free': async (_subject, { root }) => {
    const { totalBytes } = await readMemory(root)
    const take = async (): Promise<number> => (await readMemory(root)).freeBytes
    return { unit: 'By', range: { min: 0, max: totalBytes }, resolution: 1_024, take }
  },
  temperature: ({ zone }, { root }) => temperature(root, zone),
  received: (subject, context) => traffic('rx_bytes', subject, context),
  sent: (subject, context) => traffic('tx_bytes', subject, context),
  'disk-used': ({ path = '/' }, { root }) =>
    disk(join(root, path), ({ blocks, bfree, bsize }) => (blocks - bfree) * bsize),
  'disk-free': ({ path = '/' }, { root }) => disk(join(root, path), ({ bavail, bsize }) => bavail * bsize),
} as const satisfies Readonly<Record<string, MeasureOf>>

async function idleShare({ clock, root }: DriverContext): Promise<(signal?: AbortSignal) => Promise<number>> {
  const sample = async (): Promise<CpuSample> => ({
    ...(await readCpuTimes(root)),
    atMs: clock.monotonicMs(),
  })
  const window = new IdleWindow(await sample())
  return async (signal) => {
    const waitMs = window.waitMs(clock.monotonicMs())
    if (waitMs > 0) await delay(clock, waitMs, signal)
    return window.add(await sample())
  }
}

interface Memory {
  readonly totalBytes: number
  /** What programs can still have, with what the kernel would give back. */
  readonly freeBytes: number
  readonly usedBytes: number
}

/** Linux counts what it would give back as available; `os.freemem` does so only since Node 18. */
async function readMemory(root: string): Promise<Memory> {
  const text = await readFile(join(root, 'proc/meminfo'), 'utf8').catch(() => '')
  const bytesOf = (name: string): number | null => {
    const match = new RegExp(`^${name}: +(\\d{1,15}) kB$`, 'm').exec(text)
    return match === null ? null : Number(match[1]) * 1_024
  }
  const totalBytes = bytesOf('MemTotal') ?? totalmem()
  const freeBytes = Math.min(totalBytes, bytesOf('MemAvailable') ?? freemem())
  return { totalBytes, freeBytes, usedBytes: totalBytes - freeBytes }
}

/** The hottest zone, or the one of that type; what a zone of none reads is far below any weather. */
async function temperature(root: string, zone: string | undefined): Promise<Measure> {
  const folder = join(root, 'sys/class/thermal')
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith('thermal_zone'))
  const zones = await Promise.all(
    names.map(async (name) => ({
      file: join(folder, name, 'temp'),
      type: (await readFile(join(folder, name, 'type'), 'utf8').catch(() => '')).trim(),
    })),
  )
  const wanted = zone === undefined ? zones : zones.filter(({ type }) => type === zone)
  if (wanted.length === 0)
    throw new Error(
      lackText(
        'thermal zone',
        zone,
        zones.map(({ type }) => type),
      ),
    )
  const take = async (): Promise<number> => {
    // A zone whose sensor sleeps fails; that is no reason not to tell the others'.
    const answers = await Promise.allSettled(wanted.map(({ file }) => readDegrees(file)))
    const values = answers.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    if (values.length > 0) return Math.max(...values)
    throw new Error('no thermal zone answers')
  }
  return { unit: 'Cel', range: { min: -100, max: 250 }, resolution: 0.001, take }
}

async function readDegrees(file: string): Promise<number> {
  const text = (await readFile(file, 'utf8')).trim()
  return text === '' ? NaN : Number(text) / 1_000
}

/** Bytes per second of one interface, or of all but loopback. */
async function traffic(
  counter: 'rx_bytes' | 'tx_bytes',
  { interface: name }: Subject,
  { clock, root }: DriverContext,
): Promise<Measure> {
  const folder = join(root, 'sys/class/net')
  const all = await readdir(folder).catch((): string[] => [])
  const isThere = name === undefined ? all.length > 0 : all.includes(name)
  if (!isThere) throw new Error(lackText('network interface', name, all))
  const count = async (each: string): Promise<number> =>
    Number(await readFile(join(folder, each, 'statistics', counter), 'utf8'))
  const sample = async (): Promise<{ atMs: number; count: number }> => {
    const names = name === undefined ? (await readdir(folder)).filter((each) => each !== 'lo') : [name]
    const counts = await Promise.all(
      // One that goes away between the two looks has no count; the one that was named must have.
      names.map((each) => (name === undefined ? count(each).catch(() => 0) : count(each))),
    )
    return { atMs: clock.monotonicMs(), count: counts.reduce((sum, bytes) => sum + bytes, 0) }
  }
  const window = new RateWindow(await sample())
  return { unit: 'By/s', range: null, resolution: null, take: async () => window.add(await sample()) }
}

interface DiskFacts {
  readonly blocks: number
  readonly bfree: number
  readonly bavail: number
  readonly bsize: number
}

async function disk(path: string, bytesOf: (facts: DiskFacts) => number): Promise<Measure> {
  const { blocks, bsize } = await statfs(path)
  const range = { min: 0, max: blocks * bsize }
  return { unit: 'By', range, resolution: bsize, take: async () => bytesOf(await statfs(path)) }
}

function lackText(what: string, wanted: string | undefined, there: readonly string[]): string {
  const known = there.length === 0 ? 'there is none' : `there is ${there.slice(0, 16).join(', ')}`
  return wanted === undefined ? `this machine has no ${what}` : `there is no ${what} "${wanted}"; ${known}`
}
