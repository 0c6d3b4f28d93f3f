/** What stays: memory after many requests, and what an app takes that has nothing to do. */
import type { Finding } from '../benchmark.ts'
import type { Workshop } from './workshop.ts'

const bench = 'engine'
const idleApps = 20
const isolations = ['worker', 'process', 'shared'] as const

/**
 * Heap of the node's thread after a collection, and resident memory of everything, over requests to one app; the
 * slope of a line through the samples behind the first quarter, in which caches fill and code is compiled.
 */
export async function flatMemory(workshop: Workshop): Promise<Finding[]> {
  const { context, load } = workshop
  const total = context.full ? 10_000_000 : 200_000
  const file = await workshop.guest('hello-http')
  const findings: Finding[] = []
  for (const isolation of ['worker', 'process'] as const) {
    const flags = ['--expose-gc']
    const { child, port } = await workshop.subject({ file, isolation, http: 'wasi', flags })
    const samples: { requests: number; heapBytes: number; rssBytes: number }[] = []
    try {
      for (let requests = 0; requests < total;) {
        const seconds = context.full ? 30 : 2
        requests += (await load.run({ port, connections: 32, seconds })).requests
        const { heapBytes } = await child.ask<{ heapBytes: number }>('heap')
        samples.push({ requests, heapBytes, rssBytes: child.memoryBytes('Rss') })
      }
    } finally {
      child.stop()
    }
    const settled = samples.filter(({ requests }) => requests > total / 4)
    context.say(
      `memory, ${isolation}: ${samples.map(({ requests, heapBytes, rssBytes }) => `${requests}: ${mb(heapBytes)}/${mb(rssBytes)}`).join(', ')} MB`,
    )
    const finding = (what: 'heapBytes' | 'rssBytes', name: string, goalValue: number): Finding => ({
      bench,
      question: `growth of the ${name} per request over ${total.toLocaleString('en')}, ${isolation}`,
      metric: `flat_${what}_${isolation}`,
      value: slope(settled.map((one) => [one.requests, one[what]])),
      unit: 'bytes',
      samples: settled.length,
      rival: 'none',
      rivalValue: null,
      goalOf: 'value',
      op: '<=',
      goalValue,
    })
    // What a collection leaves behind varies, by much per request where there are few: a short run finds coarse leaks.
    findings.push(
      finding('heapBytes', "node's heap", context.full ? 0.1 : 5),
      finding('rssBytes', 'resident memory', context.full ? 1 : 100),
    )
  }
  return findings
}

/** Of least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const meanX = mean(points.map(([x]) => x))
  const meanY = mean(points.map(([, y]) => y))
  const xy = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  const xx = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  return xx === 0 ? 0 : xy / xx
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Proportional share of memory, as processes share the program they run. */
export async function idleMemory(workshop: Workshop): Promise<Finding[]> {
  const file = await workshop.guest('echo')
  const findings: Finding[] = []
  for (const isolation of isolations) {
    const { child } = await workshop.subject({ file, isolation, flags: ['--expose-gc'] })
    try {
      await child.ask('heap')
      const before = child.memoryBytes('Pss')
      await child.ask(`idle ${idleApps}`)
      await child.ask('heap')
      const value = (child.memoryBytes('Pss') - before) / idleApps / 1e6
      workshop.context.say(`idle app, ${isolation}: ${value.toFixed(1)} MB`)
      findings.push({
        bench,
        question: `memory of an idle small app, of ${idleApps}, ${isolation}`,
        metric: `idle_${isolation}`,
        value,
        unit: 'MB',
        samples: 1,
        rival: 'none',
        rivalValue: null,
        goalOf: 'value',
        op: '<=',
        goalValue: isolation === 'shared' ? 1 : 13,
      })
    } finally {
      child.stop()
    }
  }
  return findings
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}
