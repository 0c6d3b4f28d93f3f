/**
 * A race: one seed, the same bytes to all other hosts of one lab, over lines of the same width. Each contestant says
 * how it gets ready, how it starts, and when each host had everything.
 */
import { cpus } from 'node:os'
import { makeLab, type Lab, type LabHost } from '../../test/lab/index.ts'

export const lineMbit = 20
export const fileBytes = 12_000_000
export const receivers = 8
/** Also the slowest, a single source, takes a fraction of it. */
export const raceMs = 240_000

export interface Course {
  readonly lab: Lab
  readonly seed: LabHost
  readonly receivers: readonly LabHost[]
  /** The bytes, on the seed. */
  readonly file: string
}

/** A contestant that is ready. Times are of the wall clock, in ms. */
export interface Runner {
  /** @returns when it began */
  start(): Promise<number>
  /** When this host had everything; after `start`. */
  arrivedAt(host: LabHost): Promise<number>
}

export interface Contestant {
  readonly name: string
  getReady(course: Course): Promise<Runner>
}

/** What happens to some hosts on the way, once each has this share of the file. */
export interface Mishap {
  readonly hosts: number
  readonly atShare: number
  befall(host: LabHost): Promise<void>
}

export interface RaceResult {
  /** From the start until the last host had everything. */
  readonly lastMs: number
  readonly eachMs: readonly number[]
  /** Frames that came to the receivers from the start to the end, over the bytes that had to. */
  readonly overhead: number
  /** Of all processors while it ran, with everything else on the machine: near 1 the figure is of the machine. */
  readonly busyShare: number
}

export async function race(
  root: string,
  contestant: Contestant,
  makeFile: (lab: Lab) => Promise<string>,
  mishap?: Mishap,
): Promise<RaceResult> {
  const names = Array.from({ length: receivers }, (_, index) => `node-${index + 1}`)
  const lab = await makeLab({ hosts: ['seed', ...names], upMbit: lineMbit, downMbit: lineMbit, root })
  try {
    const others = names.map((name) => lab.host(name))
    const course = { lab, seed: lab.host('seed'), receivers: others, file: await makeFile(lab) }
    const runner = await contestant.getReady(course)
    const before = received(others)
    const befallen = mishap === undefined ? [] : others.slice(-mishap.hosts)
    const mishaps = befallen.map((host) => ({ host, before: host.traffic.receivedBytes }))
    const ticks = processorTicks()
    const startedAt = await runner.start()
    const suffering = mishaps.map(({ host, before }) => suffer(host, before, mishap as Mishap))
    const arrivals = await Promise.all(others.map((host) => runner.arrivedAt(host)))
    await Promise.all(suffering)
    const busyShare = shareBetween(ticks, processorTicks())
    const eachMs = arrivals.map((at) => at - startedAt)
    return {
      lastMs: Math.max(...eachMs),
      eachMs,
      overhead: (received(others) - before) / (fileBytes * receivers),
      busyShare,
    }
  } finally {
    lab.close()
  }
}

/** No way of handing the file on can be faster: the seed's line, the slowest receiver's, and all uplinks together. */
export function lowerBoundMs(): number {
  const bytesPerMs = (lineMbit * 1_000) / 8
  return Math.max(fileBytes / bytesPerMs, (receivers * fileBytes) / (bytesPerMs + receivers * bytesPerMs))
}

async function suffer(host: LabHost, before: number, { atShare, befall }: Mishap): Promise<void> {
  const deadline = performance.now() + raceMs
  while (host.traffic.receivedBytes - before < atShare * fileBytes) {
    if (performance.now() > deadline) throw new Error(`${host.name} never had ${atShare * 100} % of the file`)
    await new Promise((wake) => setTimeout(wake, 50))
  }
  await befall(host)
}

function received(hosts: readonly LabHost[]): number {
  return hosts.reduce((sum, host) => sum + host.traffic.receivedBytes, 0)
}

interface Ticks {
  readonly busy: number
  readonly all: number
}

function processorTicks(): Ticks {
  const ticks = { busy: 0, all: 0 }
  for (const { times } of cpus()) {
    const all = Object.values(times).reduce((sum, ms) => sum + ms, 0)
    ticks.all += all
    ticks.busy += all - times.idle
  }
  return ticks
}

function shareBetween(before: Ticks, after: Ticks): number {
  return (after.busy - before.busy) / Math.max(1, after.all - before.all)
}
