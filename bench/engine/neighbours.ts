/**
 * What an app notices of another that does harm. The node, the measured app and the load have one processor, the other
 * app's threads the second: a generator that shares its processor with a loop waits for the scheduler, and tells of that.
 */
import { execFile, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { median, type Finding } from '../benchmark.ts'
import type { Child } from './child.ts'
import type { Workshop } from './workshop.ts'

const bench = 'engine'
const rounds = 3
const seconds = 1
const connections = 8
/** Below it, a ratio of two latencies says nothing. */
const floorMs = 4
const ownCpu = 0
const harmCpu = 1
/** Between two looks for threads that are new, ms. One begins on its node's processor; to get ready it takes some 40 ms. */
const lookMs = 5
/** What it costs to prepare and start the other app is over by then, ms: what is asked about is the harm it does. */
const settleMs = 1_000
const harms = [
  { guest: 'loop', does: 'loops' },
  { guest: 'grow', does: 'eats memory' },
  { guest: 'flood', does: 'floods its log' },
] as const

export async function neighbours(workshop: Workshop): Promise<Finding[]> {
  const { context } = workshop
  const canPin = availableParallelism() >= 2 && spawnSync('taskset', ['-V']).error === undefined
  const findings: Finding[] = []
  for (const isolation of ['worker', 'process'] as const) {
    for (const { guest, does } of harms) {
      const about = {
        bench,
        question: `p99 while another app ${does}, ${isolation}`,
        metric: `neighbour_${guest}_${isolation}`,
        unit: 'ms',
        samples: rounds,
        rival: 'alone',
        goalOf: 'value',
        op: '<=',
      } as const
      if (!canPin) {
        const skipped = 'it takes two processors and taskset'
        findings.push({ ...about, value: null, rivalValue: null, goalValue: floorMs, skipped })
        continue
      }
      const { alone, beside } = await measure(workshop, isolation, guest)
      context.say(
        `neighbour that ${does}, ${isolation}: p99 ${beside.toFixed(2)} ms, alone ${alone.toFixed(2)} ms`,
      )
      const goalValue = Math.max(floorMs, 2 * alone)
      findings.push({ ...about, value: beside, rivalValue: alone, goalValue })
    }
  }
  return findings
}

async function measure(
  workshop: Workshop,
  isolation: 'worker' | 'process',
  harm: (typeof harms)[number]['guest'],
): Promise<{ alone: number; beside: number }> {
  const file = await workshop.guest('hello-http')
  // Without spares the other app's thread is a new one, and goes where it is sent.
  const { child, port } = await workshop.subject({ file, isolation, http: 'wasi', limits: { spares: 0 } })
  const p99 = async (): Promise<number> => {
    const seen: number[] = []
    for (let round = 0; round < rounds; round += 1)
      seen.push((await workshop.load.run({ port, connections, seconds, cpu: ownCpu })).p99Ms)
    return median(seen)
  }
  let parting: NodeJS.Timeout | null = null
  try {
    for (const pid of child.family()) spawnSync('taskset', ['-apc', String(ownCpu), String(pid)])
    await workshop.load.run({ port, connections, seconds: 1, cpu: ownCpu })
    const alone = await p99()
    parting = keepApart(child)
    await child.ask(`disturb ${await workshop.guest(harm)}`)
    await sleep(settleMs)
    return { alone, beside: await p99() }
  } finally {
    if (parting !== null) clearInterval(parting)
    child.stop()
  }
}

/** Sends every thread and process to the other processor that `child` starts from now on. From outside: it costs time. */
function keepApart(child: Child): NodeJS.Timeout {
  const known = new Set([...child.family(), ...threadsOf(child)])
  const send = (flags: string, task: number): void => {
    known.add(task)
    // It may be gone again.
    execFile('taskset', [flags, String(harmCpu), String(task)], () => {})
  }
  return setInterval(() => {
    for (const pid of child.family()) if (!known.has(pid)) send('-apc', pid)
    for (const thread of threadsOf(child)) if (!known.has(thread)) send('-pc', thread)
  }, lookMs)
}

function threadsOf({ pid }: Child): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number)
  } catch {
    return []
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
