/**
 * A swarm in which one of five peers lies, one is slow and one dies finishes correctly. `SIM_SEEDS=1000` runs as many
 * seeds; `SIM_SEED=N` repeats one.
 */
import { expect, test } from 'vitest'
import { isSeedRepeated, simSeed, withSeedAsync } from './index.ts'
import { runSwarm } from './swarm.ts'

const seeds = Number(process.env['SIM_SEEDS'] ?? (isSeedRepeated() ? 1 : 40))

test(
  'a swarm with a liar, a slow peer and one that dies brings everybody the right bytes, whatever the seed',
  async () => {
    const first = simSeed()
    let caught = 0
    let anew = 0
    for (let seed = first; seed < first + seeds; seed++) {
      await withSeedAsync(seed, async (random) => {
        const { isRight, banned, lies, overhead, begunAnew } = await runSwarm(random)
        expect(isRight).toEqual([true, true])
        // Nobody is blamed for being slow or dead.
        expect(banned.filter((name) => name !== 'liar')).toEqual([])
        // What is on the way when a disk ends a fetch comes again.
        expect(overhead).toBeLessThan(2.5 + begunAnew / 2)
        if (lies > 0) caught += banned.length
        anew += begunAnew
      })
    }
    if (seeds < 20) return
    expect(caught).toBeGreaterThan(seeds / 4)
    expect(anew).toBeGreaterThan(0)
  },
  seeds * 600 + 60_000,
)
