/** What an app has used on this node since it started: of the instances that run, and of those that are gone. */
import type { AppUsage as AppUsageReport } from '../api/index.ts'
import type { AppPool, IncidentReason, PoolUsage } from '../engine/index.ts'

export interface AppIncident {
  /** By the wall clock, ms. */
  readonly time: number
  readonly reason: IncidentReason
  readonly message: string
  /** What the app said last before it, oldest first. */
  readonly lines: readonly string[]
}

export class AppUsage {
  readonly #past: PoolUsage = {
    calls: 0,
    errors: 0,
    activeMs: 0,
    bytesIn: 0,
    bytesOut: 0,
    dropped: 0,
    memoryBytes: 0,
    memoryByteSeconds: 0,
    warmStarts: 0,
    newStarts: 0,
  }
  readonly #incidents: Partial<Record<IncidentReason, number>> = {}

  #restarts = 0

  restarted(): void {
    this.#restarts += 1
  }

  /** The last one; null where there was none. */
  lastIncident: AppIncident | null = null

  incident(incident: AppIncident): void {
    const { reason } = incident
    this.#incidents[reason] = (this.#incidents[reason] ?? 0) + 1
    this.lastIncident = incident
  }

  /** It has ended; what it used counts on. */
  close(pool: AppPool): void {
    add(this.#past, pool.usage)
  }

  report(pools: readonly AppPool[]): AppUsageReport {
    const sum = { ...this.#past }
    const newest = pools.at(-1)?.report
    let [memoryBytes, instances, waiting] = [0, 0, 0]
    for (const pool of pools) {
      const { usage, report } = pool
      add(sum, usage)
      memoryBytes += usage.memoryBytes
      instances += report.instances
      waiting += report.waiting
    }
    const { calls: invocations, errors, activeMs: cpuMs, memoryByteSeconds, bytesIn, bytesOut, dropped } = sum
    const { warmStarts, newStarts } = sum
    return {
      isolation: newest?.isolation ?? null,
      confinement: newest?.confinement ?? null,
      invocations,
      errors,
      cpuMs,
      memoryBytes,
      memoryByteSeconds,
      bytesIn,
      bytesOut,
      dropped,
      instances,
      warmStarts,
      newStarts,
      restarts: this.#restarts,
      waiting,
      incidents: { ...this.#incidents },
    }
  }
}

function add(sum: PoolUsage, usage: PoolUsage): void {
  sum.calls += usage.calls
  sum.errors += usage.errors
  sum.activeMs += usage.activeMs
  sum.bytesIn += usage.bytesIn
  sum.bytesOut += usage.bytesOut
  sum.dropped += usage.dropped
  sum.memoryByteSeconds += usage.memoryByteSeconds
  sum.warmStarts += usage.warmStarts
  sum.newStarts += usage.newStarts
}
