/**
 * What an app notices of another that does harm. The node and the measured app have one processor, the load and the
 * other app's threads the second, so that what is seen is the node's doing and not the scheduler's.
 */
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { median, type Finding } from '../benchmark.ts'
import type { Workshop } from './workshop.ts'

const bench = 'engine'
const rounds = 3
const seconds = 1
const connections = 8
/** Below it, a ratio of two latencies says nothing. */
const floorMs = 4
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
      seen.push((await workshop.load.run({ port, connections, seconds, cpu: 1 })).p99Ms)
    return median(seen)
  }
  try {
    for (const pid of child.family()) spawnSync('taskset', ['-apc', '0', String(pid)])
    await workshop.load.run({ port, connections, seconds: 1, cpu: 1 })
    const alone = await p99()
    await child.ask(`disturb ${await workshop.guest(harm)} 1`)
    return { alone, beside: await p99() }
  } finally {
    child.stop()
  }
}
