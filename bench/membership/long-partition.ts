/** The ten minutes of the goal, in virtual time: the daemon's own decisions over modelled connections. */
import type { BenchContext, Finding } from '../benchmark.ts'
import { atMost, percentileOf } from './finding.ts'
import { allAlive, pass, worldAtRest } from './simulated.ts'

const partitionMs = 600_000

export async function longPartition({ say, full }: BenchContext): Promise<Finding[]> {
  const seeds = full ? 20 : 5
  const found: Finding[] = []
  for (const nodes of [8, 30, 100]) {
    const times: number[] = []
    for (let seed = 1; seed <= seeds; seed++) {
      const world = worldAtRest(seed, { nodes })
      const site = new Set(world.random.shuffle(world.members).slice(0, Math.floor(nodes / 3)))
      world.partition((member) => site.has(member))
      await pass(world, partitionMs)
      world.heal()
      times.push(world.runUntil(() => allAlive(world), 60_000))
    }
    say(`${nodes} nodes, ms: ${times.map(Math.round).join(' ')}`)
    found.push(
      atMost({
        question: `simulated: all ${nodes} alive again after a partition of 10 min, longest of ${seeds} seeds`,
        metric: `long_partition_${nodes}`,
        value: percentileOf(times, 100),
        unit: 'ms',
        samples: seeds,
        goalValue: 5_000,
      }),
    )
  }
  return found
}
