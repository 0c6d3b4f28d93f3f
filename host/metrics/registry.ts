/**
 * The families as metrics of the Prometheus client, which checks names and labels and writes the text. Loaded with
 * the first answer: a node that nobody watches does not pay for it.
 */
import { Counter, Gauge, Histogram, Registry, type Metric } from 'prom-client'
import type { Labels, MetricFamily, Snapshot } from './contract.ts'
import type { TallyReading } from './tally.ts'

type FamilyOf<Type extends MetricFamily['type']> = Extract<MetricFamily, { type: Type }>
type SnapshotOf = () => Snapshot

/** @param snapshotOf what is true now; asked by each metric while it is collected */
export function registryOf(families: readonly MetricFamily[], snapshotOf: SnapshotOf): Registry {
  const registry = new Registry()
  for (const family of families) registry.registerMetric(metricOf(family, snapshotOf))
  return registry
}

function metricOf(family: MetricFamily, snapshotOf: SnapshotOf): Metric {
  if (family.type === 'histogram') return new ReadHistogram(family, snapshotOf)
  const facts = { name: family.name, help: family.help, labelNames: family.labels ?? [], registers: [] }
  const samples = () => family.read(snapshotOf())
  // What was read last time is forgotten: an app that is gone must not go on for ever.
  if (family.type === 'gauge') {
    return new Gauge({
      ...facts,
      collect() {
        forgetAll(this, family)
        for (const { labels = {}, value } of samples()) this.set(labels, value)
      },
    })
  }
  return new Counter({
    ...facts,
    collect() {
      forgetAll(this, family)
      for (const { labels = {}, value } of samples()) this.inc(labels, value)
    },
  })
}

/** The library keeps a zero for a metric without labels; what is not known must not read as nothing. */
function forgetAll(metric: Counter | Gauge, { labels = [] }: MetricFamily): void {
  metric.reset()
  if (labels.length === 0) metric.remove()
}

interface HistogramValue {
  readonly metricName: string
  readonly labels: Record<string, string | number>
  readonly value: number
}

/** The library's own counts what it is told, one by one; this one shows what was counted elsewhere. */
class ReadHistogram extends Histogram {
  readonly #family: FamilyOf<'histogram'>
  readonly #snapshotOf: SnapshotOf

  constructor(family: FamilyOf<'histogram'>, snapshotOf: SnapshotOf) {
    super({ name: family.name, help: family.help, labelNames: family.labels ?? [], registers: [] })
    this.#family = family
    this.#snapshotOf = snapshotOf
  }

  override async get(): ReturnType<Histogram['get']> {
    const { name, help, type, read } = this.#family
    const values = [...read(this.#snapshotOf())].flatMap(({ labels = {}, tally }) =>
      seriesOf(name, labels, tally),
    )
    // The library declares its types as numbers and writes them as words.
    return { name, help, type, values, aggregator: 'sum' } as unknown as Awaited<ReturnType<Histogram['get']>>
  }

  /** What the registry asks in place of `get` when it writes text; the difference is only one of memory. */
  getForPromString(): ReturnType<Histogram['get']> {
    return this.get()
  }
}

/** Prometheus' histogram: cumulative buckets up to +Inf, then sum and count. */
function seriesOf(name: string, labels: Labels, { bounds, counts, sum }: TallyReading): HistogramValue[] {
  let count = 0
  const buckets = counts.map((inBucket, index): HistogramValue => {
    count += inBucket
    return {
      metricName: `${name}_bucket`,
      labels: { ...labels, le: bounds[index] ?? '+Inf' },
      value: count,
    }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: { ...labels }, value: sum },
    { metricName: `${name}_count`, labels: { ...labels }, value: count },
  ]
}
