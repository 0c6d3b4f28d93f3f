/**
 * How much this node writes to its disk: flash wears out by it. Not what our own writers hand over, as a byte there may be a
 * page or ten on the disk, and SQLite's pages are nobody's count: what the kernel put down to this process and to those that
 * it started (`write_bytes` of /proc/PID/io, proc(5)): pages that became dirty, on disks and not in memory. What a file
 * system writes of its own accord (its journal) is in nobody's count.
 */
import { readdir, readFile } from 'node:fs/promises'
import { every, type Cancel, type Clock, type Part } from '../../core/index.ts'
import type { DiskWrites } from '../api/index.ts'

const hourMs = 3_600_000
const sampleMs = 300_000
/** Sandboxes in processes of their own, the child that prepares components, programs of devices. */
const mostProcesses = 256

interface Sample {
  readonly atMs: number
  readonly bytes: number
}

export class WriteMeter implements Part {
  readonly name = 'disk writes'
  readonly #clock: Clock
  readonly #read: () => Promise<number>
  /** One each five minutes of the last hour, the oldest first. */
  #samples: Sample[] = []
  #cancel: Cancel | null = null

  /** @param read bytes that were written since the process began; only grows */
  constructor(clock: Clock, read: () => Promise<number> = writtenBytes) {
    this.#clock = clock
    this.#read = read
  }

  async start(): Promise<void> {
    if (this.#cancel !== null) return
    this.#cancel = every(this.#clock, sampleMs, () => void this.#sample())
    await this.#sample()
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  async writes(): Promise<DiskWrites> {
    const now = { atMs: this.#clock.monotonicMs(), bytes: await this.#read() }
    const base = this.#samples.findLast(({ atMs }) => now.atMs - atMs >= hourMs) ?? this.#samples[0] ?? now
    return {
      totalBytes: now.bytes,
      // A process that ended and was not waited for yet may be counted nowhere for a moment.
      bytes: Math.max(0, now.bytes - base.bytes),
      overMs: now.atMs - base.atMs,
    }
  }

  async #sample(): Promise<void> {
    const atMs = this.#clock.monotonicMs()
    const bytes = await this.#read()
    const isNeeded = (sample: Sample, index: number, all: readonly Sample[]): boolean =>
      atMs - (all[index + 1] ?? sample).atMs < hourMs
    this.#samples = [...this.#samples, { atMs, bytes }].filter(isNeeded)
  }
}

/** Of this process and of those that it started; the kernel adds those that ended to it. */
export async function writtenBytes(): Promise<number> {
  const own = await bytesOf('self')
  // No Linux, or a kernel without accounts: what it says of this process alone, in blocks.
  if (own === null) return process.resourceUsage().fsWrite * 512
  let total = own
  const found = await childrenOf('self')
  for (let at = 0; at < found.length && at < mostProcesses; at += 1) {
    const child = found[at] ?? ''
    // One of another user is not told; it counts when it has ended.
    total += (await bytesOf(child)) ?? 0
    found.push(...(await childrenOf(child)))
  }
  return total
}

async function bytesOf(process: string): Promise<number | null> {
  const text = await readFile(`/proc/${process}/io`, 'utf8').catch(() => '')
  const match = /^write_bytes: (\d+)$/m.exec(text)
  return match === null ? null : Number(match[1])
}

async function childrenOf(process: string): Promise<string[]> {
  const tasks = await readdir(`/proc/${process}/task`).catch(() => [])
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${process}/task/${task}/children`, 'utf8').catch(() => '')),
  )
  return lists.flatMap((list) => list.split(' ').filter((child) => /^\d+$/.test(child)))
}
