/** Whether a large mesh notices later, or costs each node more, than a small one. In the simulator. */
import { SeededRandom } from '../../test/sim/index.ts'
import type { BenchContext, Finding } from '../benchmark.ts'
import { atMost, percentileOf } from './finding.ts'
import { repairBytes } from './repair.ts'
import { detectionMs, pass, worldAtRest } from './simulated.ts'

/** What an idle node may send per second. */
const idleBytes = 1_024
const countedMs = 60_000
/** A larger mesh may take so much more than the smallest. */
const flat = 1.5

/** `NODES`: only with so many. */
export async function scale({ say, full }: BenchContext): Promise<Finding[]> {
  const chosen = process.env['NODES']
  const usual = full ? [10, 100, 1_000, 5_000] : [10, 100, 1_000]
  const sizes = chosen === undefined ? usual : [Number(chosen)]
  const smallest: { vanishMs: number } = { vanishMs: Number.NaN }
  const found: Finding[] = []
  for (const nodes of sizes) {
    const runs = nodes <= 100 ? 20 : nodes <= 1_000 ? 5 : 1
    const repair = repairBytes(1, nodes, countedMs)
    say(`${nodes}: ${repair.toFixed(0)} bytes/s to keep records equal`)
    const times = { kill: [] as number[], vanish: [] as number[] }
    const bytes: number[] = []
    for (let seed = 1; seed <= runs; seed++) {
      const choice = new SeededRandom(seed)
      const world = worldAtRest(seed, { nodes })
      const before = sentBytes(world)
      await pass(world, countedMs)
      bytes.push(repair + (sentBytes(world) - before) / nodes / (countedMs / 1_000))
      const [first, second] = choice.shuffle(world.members)
      if (first === undefined || second === undefined) throw new Error('a mesh of one')
      times.kill.push(detectionMs(world, 'kill', first))
      // One that is gone already is not among those who must say it.
      world.restart(first)
      await pass(world, 20_000)
      times.vanish.push(detectionMs(world, 'vanish', second))
    }
    const vanishMs = percentileOf(times.vanish, 50)
    if (nodes === sizes[0]) smallest.vanishMs = vanishMs
    say(`${nodes}: killed ${round(times.kill)}; vanished ${round(times.vanish)}; bytes/s ${round(bytes)}`)
    found.push(
      atMost({
        question: `simulated: a host vanishes from ${nodes}, p50 of ${runs}`,
        metric: `scale_vanish_${nodes}`,
        value: vanishMs,
        unit: 'ms',
        samples: runs,
        rival: `of ${sizes[0]}`,
        rivalValue: smallest.vanishMs,
        goalValue: Math.round(flat * smallest.vanishMs),
      }),
      atMost({
        question: `simulated: a process of ${nodes} ends, p50 of ${runs}`,
        metric: `scale_kill_${nodes}`,
        value: percentileOf(times.kill, 50),
        unit: 'ms',
        samples: runs,
        goalValue: 1_000,
      }),
      atMost({
        question: `simulated: bytes per second and node for membership and records, at rest, ${nodes} nodes`,
        metric: `scale_bytes_${nodes}`,
        value: percentileOf(bytes, 50),
        unit: 'B/s',
        samples: runs,
        goalValue: idleBytes,
      }),
    )
  }
  return found
}

function sentBytes({ members }: { readonly members: readonly { readonly sentBytes: number }[] }): number {
  return members.reduce((sum, member) => sum + member.sentBytes, 0)
}

function round(values: readonly number[]): string {
  return values.map(Math.round).join(' ')
}
