/** Calls that come from the node itself: events in numbers, and the first call of an app that has no instance. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { median, type Finding } from '../benchmark.ts'
import type { GlueBench } from './glue-bench.ts'
import type { Workshop } from './workshop.ts'

const bench = 'engine'
const rounds = 3
const isolations = ['worker', 'process'] as const

interface Events {
  readonly perSecond: number
  readonly perCpuSecond: number
  /** Posts of the guest that arrived, by call. */
  readonly logs: number
}

/** 64 events under way, each with one call of the host. */
export async function events(workshop: Workshop, glue: GlueBench): Promise<Finding[]> {
  const file = await workshop.guest('echo')
  const seen = { worker: [] as Events[], process: [] as Events[] }
  const direct: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    for (const isolation of isolations) {
      // A log call is a post, of which an app has 1,000 a second: here the call is measured and not that limit.
      const limits = { postsPerSecond: 1e9, postsInFlight: 100_000 }
      const { child } = await workshop.subject({ file, isolation, limits })
      try {
        seen[isolation].push(await child.ask<Events>('events 64 2000'))
      } finally {
        child.stop()
      }
    }
    direct.push((await glue.ask({ ask: 'calls', guest: 'echo', glue: 'original', rounds: 50_000 })).perSecond)
  }
  return isolations.map((isolation) => {
    const missing = seen[isolation].find(({ logs }) => logs < 0.99)
    if (missing !== undefined) throw new Error(`only ${missing.logs} of a call's host calls arrived`)
    const value = median(seen[isolation].map(({ perSecond }) => perSecond))
    workshop.context.say(`events, ${isolation}: ${Math.round(value)}/s`)
    return {
      bench,
      question: `events with one host call, 64 under way, ${isolation}`,
      metric: `events_${isolation}`,
      value,
      unit: 'calls/s',
      samples: rounds,
      rival: 'direct call of the jco output',
      rivalValue: median(direct),
      goalOf: 'value',
      op: '>=',
      goalValue: 120_000,
    }
  })
}

/** Asked while a template waits and no instance of the app is there. */
export async function firstAnswers(workshop: Workshop): Promise<Finding[]> {
  const { context, folder } = workshop
  const guests = [
    { name: 'small', file: await workshop.guest('hello-http'), http: 'wasi', goalValue: 5 },
    {
      name: 'QuickJS',
      file: join(context.root, 'components/light-alarm-ts/build/light-alarm-ts.wasm'),
      goalValue: 20,
    },
  ] as const
  const rivalValue = median(await workerStarts(folder))
  const findings: Finding[] = []
  for (const guest of guests) {
    for (const isolation of isolations) {
      const { child } = await workshop.subject({ ...guest, isolation })
      try {
        const { ms, starts } = await child.ask<{ ms: number[]; starts: object }>('first 9')
        context.say(
          `first answer, ${guest.name}, ${isolation}: ${ms.map((one) => one.toFixed(1)).join(' ')} ms, ${JSON.stringify(starts)}`,
        )
        findings.push({
          bench,
          question: `first answer of an app without an instance, ${guest.name}, ${isolation}`,
          metric: `first_answer_${guest.name}_${isolation}`,
          value: median(ms),
          unit: 'ms',
          samples: ms.length,
          rival: 'start of an empty worker',
          rivalValue,
          goalOf: 'value',
          op: '<=',
          goalValue: guest.goalValue,
        })
      } finally {
        child.stop()
      }
    }
  }
  return findings
}

async function workerStarts(folder: string): Promise<number[]> {
  const file = join(folder, 'empty-worker.mjs')
  await writeFile(file, "import { parentPort } from 'node:worker_threads'\nparentPort.postMessage(1)\n")
  const ms: number[] = []
  for (let round = 0; round < 5; round += 1) {
    const startedAt = performance.now()
    const worker = new Worker(file)
    await once(worker, 'message')
    ms.push(performance.now() - startedAt)
    await worker.terminate()
  }
  return ms
}
