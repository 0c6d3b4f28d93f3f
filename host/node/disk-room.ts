/**
 * Whether the disk of the data folder still takes something: what fails for that is told where it fails, and long before
 * nobody would know. Looked at when somebody asks, and now and then for those who read metrics.
 */
import { statfs } from 'node:fs/promises'
import { every, type Cancel, type Clock, type Part } from '../../core/index.ts'
import type { StatusReport } from '../api/index.ts'

/** As `statfs` has them, bytes. */
export interface DiskFacts {
  readonly freeBytes: number
  readonly totalBytes: number
}

const lookMs = 300_000
/** What a release and the next hour of an app want; of a small disk a part. */
const leastBytes = 16 * 1024 ** 2
const leastShare = 0.05

export class DiskRoom implements Part {
  readonly name = 'disk room'
  readonly #folder: string
  readonly #clock: Clock
  readonly #fixOf: (code: string) => string
  readonly #read: (folder: string) => Promise<DiskFacts | null>
  #facts: DiskFacts | null = null
  #cancel: Cancel | null = null

  /** @param read null where the system does not tell */
  constructor(
    folder: string,
    clock: Clock,
    fixOf: (code: string) => string,
    read: (folder: string) => Promise<DiskFacts | null> = factsOf,
  ) {
    this.#folder = folder
    this.#clock = clock
    this.#fixOf = fixOf
    this.#read = read
  }

  async start(): Promise<void> {
    if (this.#cancel !== null) return
    this.#cancel = every(this.#clock, lookMs, () => void this.look())
    await this.look()
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  /** Never rejects. */
  async look(): Promise<void> {
    this.#facts = await this.#read(this.#folder)
  }

  /** As of the last look. */
  problems(): StatusReport['problems'] {
    if (this.#facts === null) return []
    const { freeBytes, totalBytes } = this.#facts
    if (freeBytes >= Math.min(leastBytes, totalBytes * leastShare)) return []
    const code = 'ERR_DISK_FULL'
    const message = `the disk of ${this.#folder} has ${mib(freeBytes)} of ${mib(totalBytes)} MiB free: releases, writes of apps and their logs are refused`
    return [{ code, message, hint: this.#fixOf(code) }]
  }
}

async function factsOf(folder: string): Promise<DiskFacts | null> {
  const found = await statfs(folder).catch(() => null)
  if (found === null || found.blocks === 0) return null
  return { freeBytes: found.bavail * found.bsize, totalBytes: found.blocks * found.bsize }
}

/** Rounded down: nothing is there that is not. */
function mib(bytes: number): number {
  return Math.floor((bytes / 1024 ** 2) * 10) / 10
}
