/**
 * No call is answered twice: routers and exchanges of small meshes under processes that are killed, cuts, resets, apps that
 * fail and verdicts that are wrong, in virtual time and from a seed. `SIM_SEEDS=5000` runs more; `SIM_SEED` repeats one.
 */
import { describe, expect, it } from 'vitest'
import { runCallsScenario, type CallsFinding } from './calls-scenario.ts'
import { isSeedRepeated, simSeed, withSeedAsync } from './index.ts'

const isRepeated = isSeedRepeated()
const seeds = isRepeated ? 1 : Number(process.env['SIM_SEEDS'] ?? 60)
const firstSeed = isRepeated ? simSeed() : 1

describe('calls, under faults at random,', () => {
  it(
    `are answered once, and run once unless that does no harm, in ${seeds} meshes`,
    { timeout: 600_000 },
    async () => {
      const found: CallsFinding[] = []
      for (let step = 0; step < seeds; step++) {
        const finding = await withSeedAsync(firstSeed + step, async (random) => {
          const result = await runCallsScenario(random, {
            nodes: 2 + random.below(5),
            faults: 8,
            callsPerFault: 20,
          })
          if (result.broken.length > 0) {
            throw new Error(`${result.broken.join('; ')}\n${result.story.slice(-60).join('\n')}`)
          }
          return result
        })
        found.push(finding)
      }
      if (isRepeated) return
      const sum = (of: (finding: CallsFinding) => number): number =>
        found.reduce((all, one) => all + of(one), 0)
      // Else nothing was tried.
      expect(sum(({ answered }) => answered)).toBeGreaterThan(sum(({ calls }) => calls) / 4)
      expect(sum(({ repeated }) => repeated)).toBeGreaterThan(0)
    },
  )
})
