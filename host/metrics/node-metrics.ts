/**
 * The metrics of one node: read from where things are counted, at the moment somebody asks, and written as
 * Prometheus' text or as JSON.
 */
import { performance } from 'node:perf_hooks'
import type { Clock, Part } from '../../core/index.ts'
import type { MetricReport, MetricSource } from '../api/index.ts'
import type { MetricSources, ProcessReading, Snapshot } from './contract.ts'
import { metricFamilies } from './families.ts'
import { LoopDelay } from './loop-delay.ts'
import type { registryOf } from './registry.ts'

type Registry = ReturnType<typeof registryOf>

/** Prometheus text format 0.0.4. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8'

export class NodeMetrics implements Part, MetricSource {
  readonly name = 'metrics'
  readonly #sources: MetricSources
  readonly #clock: Clock
  readonly #loopDelay: LoopDelay
  readonly #startedAtMs: number
  readonly #startedMs: number
  #registry: Promise<Registry> | null = null
  /** While one answer is collected, which happens in one turn of the event loop. */
  #snapshot: Snapshot | null = null

  constructor(sources: MetricSources, clock: Clock) {
    this.#sources = sources
    this.#clock = clock
    this.#loopDelay = new LoopDelay(clock)
    this.#startedAtMs = clock.now()
    this.#startedMs = clock.monotonicMs()
  }

  start(): void {
    this.#loopDelay.start()
  }

  stop(): void {
    this.#loopDelay.stop()
  }

  async text(): Promise<string> {
    const registry = await this.#loaded()
    return this.#collect(() => registry.metrics())
  }

  async json(): Promise<readonly MetricReport[]> {
    const registry = await this.#loaded()
    const metrics = await this.#collect(() => registry.getMetricsAsJSON())
    return metrics.map(
      ({ name, help, type, values }) => ({ name, help, type, values }) as unknown as MetricReport,
    )
  }

  #loaded(): Promise<Registry> {
    this.#registry ??= import('./registry.ts').then(({ registryOf }) =>
      registryOf(metricFamilies, () => this.#snapshot ?? this.#read()),
    )
    return this.#registry
  }

  /** All metrics of one answer are of one moment, and each source is asked once: the client collects before it waits. */
  #collect<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    this.#snapshot = this.#read()
    try {
      return ask()
    } finally {
      this.#snapshot = null
    }
  }

  #read(): Snapshot {
    const { version, node, arch, apps, starts, http, mesh, problems } = this.#sources
    return {
      version: version(),
      node: node(),
      arch: arch(),
      startedAtMs: this.#startedAtMs,
      uptimeMs: this.#clock.monotonicMs() - this.#startedMs,
      process: readProcess(),
      loopDelay: this.#loopDelay.reading,
      apps: apps(),
      starts: starts(),
      http: http(),
      mesh: mesh(),
      problems: problems(),
    }
  }
}

function readProcess(): ProcessReading {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage()
  const { active, idle } = performance.eventLoopUtilization()
  return {
    cpuUserMs: user / 1_000,
    cpuSystemMs: system / 1_000,
    residentBytes: rss,
    heapUsedBytes: heapUsed,
    heapTotalBytes: heapTotal,
    externalBytes: external,
    loopActiveMs: active,
    loopIdleMs: idle,
  }
}
