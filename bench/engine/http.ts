/**
 * A short answer over HTTP, asked by 32 connections: ourselves in each isolation, with instances reused and with
 * fresh semantics, beside others in the same minutes. All run at once and take turns under load.
 */
import { availableParallelism } from 'node:os'
import { median, type Finding } from '../benchmark.ts'
import type { Load } from './load.ts'
import { jcoServe, nodeHttp, workerd, type Serving } from './rivals.ts'
import type { Workshop } from './workshop.ts'

const bench = 'engine'
const connections = 32
const rounds = 3
const seconds = 2

interface Measured {
  readonly perSecond: number
  readonly perCpuSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

type Contenders = ReadonlyMap<string, () => Promise<Serving | null>>

/** Each measured `rounds` times in turn, after `warmUpSeconds` of load; medians. Who is not here is missing in the answer. */
async function measure(
  workshop: Workshop,
  contenders: Contenders,
  warmUpSeconds = 1,
): Promise<Map<string, Measured>> {
  const { context, load } = workshop
  const serving = new Map<string, Serving>()
  const loads = new Map<string, { load: Load; cpuSeconds: number }[]>()
  try {
    for (const [name, start] of contenders) {
      const started = await start().catch((error: Error) => {
        context.say(`${name} does not start: ${error.message.slice(0, 200)}`)
        return null
      })
      if (started === null) continue
      serving.set(name, started)
      loads.set(name, [])
      await load.run({ port: started.port, connections, seconds: warmUpSeconds })
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, { child, port }] of serving) {
        const before = child.cpuSeconds()
        const seen = await load.run({ port, connections, seconds })
        loads.get(name)?.push({ load: seen, cpuSeconds: child.cpuSeconds() - before })
        if (seen.failures > 0) context.say(`${name}: ${seen.failures} of ${seen.requests} requests failed`)
      }
    }
  } finally {
    for (const { child } of serving.values()) child.stop()
  }
  const results = new Map<string, Measured>()
  for (const [name, seen] of loads) {
    const of = (read: (one: (typeof seen)[number]) => number): number => median(seen.map(read))
    const result: Measured = {
      perSecond: of(({ load }) => load.perSecond),
      perCpuSecond: of(({ load, cpuSeconds }) => load.requests / cpuSeconds),
      p50Ms: of(({ load }) => load.p50Ms),
      p99Ms: of(({ load }) => load.p99Ms),
    }
    results.set(name, result)
    const { perSecond, perCpuSecond, p50Ms, p99Ms } = result
    context.say(
      `${name}: ${Math.round(perSecond)} requests/s, ${Math.round(perCpuSecond)} per CPU-second, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`,
    )
  }
  return results
}

interface Comparison {
  readonly question: string
  readonly metric: string
  readonly own: string
  readonly rival: string
  readonly goal: number
  /** Of what: all processors together, or what it took of them. */
  readonly by: 'perSecond' | 'perCpuSecond'
}

function compare(results: ReadonlyMap<string, Measured>, comparison: Comparison): Finding {
  const { question, metric, own, rival, goal, by } = comparison
  const value = results.get(own)?.[by] ?? null
  const rivalValue = results.get(rival)?.[by] ?? null
  return {
    bench,
    question,
    metric,
    value,
    samples: rounds,
    rival,
    rivalValue,
    unit: by === 'perSecond' ? 'requests/s' : 'per CPU-second',
    goalOf: 'ratio',
    op: '>=',
    goalValue: goal,
    ...(rivalValue === null && { skipped: `${rival} is not here` }),
  }
}

function latency(results: ReadonlyMap<string, Measured>, own: string, rival: string, where: string): Finding {
  const question = `p99 of wasi:http hello, ${connections} connections, ${where}`
  return {
    bench,
    question,
    metric: `http_p99_${where}`,
    value: results.get(own)?.p99Ms ?? null,
    unit: 'ms',
    samples: rounds,
    rival,
    rivalValue: results.get(rival)?.p99Ms ?? null,
    goalOf: 'value',
    op: '<=',
    goalValue: 5,
  }
}

const isolations = ['worker', 'process'] as const

/** wasi:http with a small guest, reused and fresh, and the record interface. */
export async function smallGuests(workshop: Workshop): Promise<Finding[]> {
  const { context, folder } = workshop
  const hello = await workshop.guest('hello-http')
  const record = await workshop.guest('record-http')
  const contenders = new Map<string, () => Promise<Serving | null>>([
    ['node:http', () => nodeHttp(folder)],
    ['workerd', () => workerd(folder, context.rivals)],
    ['jco serve', () => jcoServe(context.root, hello)],
    ['jco serve, an instance per request', () => jcoServe(context.root, hello, 'instance')],
  ])
  for (const isolation of isolations) {
    contenders.set(isolation, () => workshop.subject({ file: hello, isolation, http: 'wasi' }))
    contenders.set(`${isolation}, fresh`, () =>
      workshop.subject({ file: hello, isolation, http: 'wasi', fresh: true }),
    )
    contenders.set(`${isolation}, record`, () =>
      workshop.subject({ file: record, isolation, http: 'record' }),
    )
  }
  context.say(`load by ${workshop.load.name} on ${availableParallelism()} processors`)
  const results = await measure(workshop, contenders)
  return isolations.flatMap((isolation): Finding[] => {
    const rows = [
      ['wasi:http hello', 'http', isolation, 'node:http', 0.5],
      ['wasi:http hello', 'http', isolation, 'workerd', 2.5],
      ['wasi:http hello', 'http', isolation, 'jco serve', 20],
      ['wasi:http hello, fresh semantics', 'http_fresh', `${isolation}, fresh`, 'workerd', 2],
      [
        'wasi:http hello, fresh semantics',
        'http_fresh',
        `${isolation}, fresh`,
        'jco serve, an instance per request',
        20,
      ],
      ['selvedge:edge hello', 'http_record', `${isolation}, record`, 'node:http', 0.55],
    ] as const
    return [
      ...rows.flatMap(([question, metric, own, rival, goal]) =>
        (['perSecond', 'perCpuSecond'] as const).map((by) =>
          compare(results, {
            question: `${question}, ${isolation}`,
            own,
            rival,
            goal,
            by,
            metric: `${metric}_${isolation}_${by}_${rival.replaceAll(/\W+/g, '_')}`,
          }),
        ),
      ),
      latency(results, isolation, 'node:http', isolation),
    ]
  })
}

/** V8 is still compiling that engine's functions for the second time two seconds after the first request. */
const engineWarmUpSeconds = 5
/** What a node gives an app that answers requests and says nothing of instances (`host/apps/instance-policy.ts`). */
const nodeInstances = Math.max(2, availableParallelism())

/** A guest of 14 MB in JavaScript, on the same .wasm: by one instance, and by as many as a node would run. */
export async function starlingMonkey(workshop: Workshop): Promise<Finding[]> {
  const file = await workshop.guest('starlingmonkey')
  const rows = isolations.flatMap((isolation) => [
    { own: isolation, isolation, instances: 1, metric: `http_js_${isolation}` },
    {
      own: `${isolation}, ${nodeInstances} instances`,
      isolation,
      instances: nodeInstances,
      metric: `http_js_${isolation}_instances`,
    },
  ])
  const contenders = new Map<string, () => Promise<Serving | null>>([
    ['jco serve', () => jcoServe(workshop.context.root, file)],
    ...rows.map(
      ({ own, isolation, instances }) =>
        [own, () => workshop.subject({ file, isolation, instances, http: 'wasi' })] as const,
    ),
  ])
  const results = await measure(workshop, contenders, engineWarmUpSeconds)
  return rows.flatMap(({ own, metric }) =>
    (['perSecond', 'perCpuSecond'] as const).map((by) =>
      compare(results, {
        question: `wasi:http hello of StarlingMonkey, ${own}`,
        metric: `${metric}_${by}`,
        own,
        rival: 'jco serve',
        goal: 3,
        by,
      }),
    ),
  )
}
