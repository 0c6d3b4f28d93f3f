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

/** For how long the event loop is held before others get a turn. */
const stretchMs = 1

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
  /** What the answer that is being collected is made from. */
  #snapshot: Snapshot | null = null
  #turn: Promise<unknown> = Promise.resolve()

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
    const parts = await this.#collect((registry, name) => registry.getSingleMetricAsString(name))
    return `${parts.join('\n\n')}\n`
  }

  json(): Promise<readonly MetricReport[]> {
    return this.#collect(async (registry, metric) => {
      const { name, help, type, values } = (await registry.getSingleMetric(metric)?.get()) ?? notThere(metric)
      return { name, help, type, values } as unknown as MetricReport
    })
  }

  #loaded(): Promise<Registry> {
    this.#registry ??= import('./registry.ts').then(({ registryOf }) =>
      registryOf(metricFamilies, () => this.#snapshot ?? this.#read(null, 0)),
    )
    return this.#registry
  }

  /**
   * All metrics of one answer are of one moment. They are written with pauses, as those of hundreds of apps take tens
   * of milliseconds; two that ask take turns.
   */
  #collect<Part>(ask: (registry: Registry, name: string) => Promise<Part>): Promise<Part[]> {
    const answer = this.#turn.then(async () => {
      const registry = await this.#loaded()
      // Those that have to be waited for come first.
      const [components, writtenBytes] = await Promise.all([
        this.#sources.components(),
        this.#sources.writtenBytes(),
      ])
      const snapshot = this.#read(components, writtenBytes)
      this.#snapshot = snapshot
      const parts: Part[] = []
      try {
        let sinceMs = this.#clock.monotonicMs()
        for (const { name } of metricFamilies) {
          parts.push(await ask(registry, name))
          if (this.#clock.monotonicMs() - sinceMs < stretchMs) continue
          await new Promise((resolve) => setImmediate(resolve))
          sinceMs = this.#clock.monotonicMs()
        }
      } finally {
        this.#snapshot = null
      }
      return parts
    })
    this.#turn = answer.catch(() => {})
    return answer
  }

  #read(components: Snapshot['components'], writtenBytes: number): Snapshot {
    const {
      version,
      node,
      arch,
      apps,
      starts,
      memory,
      http,
      calls,
      mesh,
      devices,
      brokers,
      bridges,
      messages,
      sharedStores,
      problems,
    } = this.#sources
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
      memory: memory(),
      http: http(),
      calls: calls(),
      mesh: mesh(),
      devices: devices(),
      brokers: brokers(),
      bridges: bridges(),
      components,
      writtenBytes,
      messages: messages(),
      sharedStores: sharedStores(),
      problems: problems(),
    }
  }
}

function notThere(metric: string): never {
  throw new Error(`${metric} is not in the registry`)
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
