/**
 * Where an app runs while nodes die, return, fail and are cut off: in virtual time and from a seed. `SIM_SEEDS=5000` runs
 * more; `SIM_SEED` repeats one.
 */
import { describe, expect, it } from 'vitest'
import type { PlacementRule } from '../../mesh/index.ts'
import { isSeedRepeated, simSeed, withSeed, type SeededRandom } from './index.ts'
import { PlacementWorld, type PlacementNode } from './placement-world.ts'

const isRepeated = isSeedRepeated()
const seeds = isRepeated ? 1 : Number(process.env['SIM_SEEDS'] ?? 25)
const firstSeed = isRepeated ? simSeed() : 1
const replaceAfterMs = 15_000
/** From the last change until each part runs what it should: noticing it, waiting, waiting longer after many moves, starting. */
const settledMs = 16 * replaceAfterMs + 60_000
/** Rests of nodes where it failed are over by then, and those that follow have been seen through. */
const longMs = 3_600_000

const running = (nodes: readonly PlacementNode[]): PlacementNode[] =>
  nodes.filter(({ app }) => app === 'running')

function randomFault(world: PlacementWorld, random: SeededRandom, mayBreak: boolean): void {
  const node = random.pick(world.nodes)
  const kind = random.below(mayBreak ? 6 : 4)
  if (kind === 0 && world.nodes.filter(({ isUp }) => isUp).length > 1 && node.isUp) return world.kill(node)
  if (kind === 1) {
    const gone = world.nodes.filter(({ isUp }) => !isUp)
    return gone.length > 0 ? world.restart(random.pick(gone)) : undefined
  }
  if (kind === 2) {
    const cut = random.shuffle(world.nodes)
    const at = 1 + random.below(world.nodes.length - 1)
    return world.split([cut.slice(0, at), cut.slice(at)])
  }
  if (kind === 3) return world.split([world.nodes])
  world.setBroken(node, kind === 4 && !node.isBroken)
}

function story(world: PlacementWorld): string {
  return `\n${world.story.slice(-60).join('\n')}`
}

function inWorlds(
  placement: PlacementRule,
  mayBreak: boolean,
  judge: (world: PlacementWorld, isSettled: boolean) => string | null,
  isMixed = false,
): { starts: number } {
  let starts = 0
  for (let step = 0; step < seeds; step++) {
    withSeed(firstSeed + step, (random) => {
      const world = new PlacementWorld(random, 3 + random.below(5), placement, isMixed)
      let broken: string | null = null
      const look = (): void => {
        broken ??= judge(world, world.nowMs - world.changedMs > settledMs)
      }
      world.run(60_000, look)
      for (let fault = 0; fault < 8; fault++) {
        randomFault(world, random, mayBreak)
        world.run(random.chance(0.3) ? settledMs * 2 : random.fraction() * 3 * replaceAfterMs, look)
      }
      world.run(longMs, look)
      if (broken !== null) throw new Error(`${broken}${story(world)}`)
      starts += world.story.filter((line) => line.endsWith('running')).length
    })
  }
  return { starts }
}

describe('an app with a place for each of its replicas, under faults at random,', () => {
  for (const replicas of [1, 2]) {
    it(`is run by ${replicas} of each part once that has settled`, { timeout: 600_000 }, () => {
      const { starts } = inWorlds({ replicas, per: 'mesh', replaceAfterMs }, true, (world, isSettled) => {
        if (!isSettled) return null
        for (const part of world.parts()) {
          const able = part.filter(({ isBroken }) => !isBroken)
          // One that was mended rests on, as long as another runs it.
          const rested = able.filter(({ placement }) => placement.rests.length === 0)
          // Whose rest has just ended takes a moment to start.
          const count = running(part).length + able.filter(({ app }) => app === 'starting').length
          if (count < Math.max(Math.min(replicas, rested.length), Math.min(1, able.length)))
            return `at ${world.nowMs} ms ${count} run it where ${replicas} should and ${able.length} could`
        }
        return null
      })
      expect(starts).toBeGreaterThan(seeds * replicas)
    })
  }

  it('is run by no more than that where nobody fails', { timeout: 600_000 }, () => {
    inWorlds({ replicas: 2, per: 'mesh', replaceAfterMs }, false, (world, isSettled) => {
      if (!isSettled) return null
      const over = world.parts().find((part) => running(part).length > 2)
      return over === undefined ? null : `${running(over).length} run it where 2 should`
    })
  })

  it('is never run twice at once where a minority stops', { timeout: 600_000 }, () => {
    const { starts } = inWorlds(
      { replicas: 1, per: 'mesh', replaceAfterMs, minority: 'stop' },
      false,
      (world, isSettled) => {
        const all = running(world.nodes)
        if (all.length > 1)
          return `at ${world.nowMs} ms ${all.map(({ id }) => id).join(' and ')} run it at once`
        const most = world.parts().find((part) => world.hasMajority(part))
        return isSettled && most !== undefined && running(most).length === 0 ? 'the majority runs none' : null
      },
    )
    expect(starts).toBeGreaterThan(seeds)
  })
})

describe('an app that is too large for some nodes, where some versions do not know that,', () => {
  /** By its own rule; one that has been mended may rest. */
  const canRun = ({ isBroken, isSmall, isOld, placement }: PlacementNode): boolean =>
    !isBroken && (isOld || !isSmall) && placement.rests.length === 0

  it('is run by one of each part that has one that can', { timeout: 600_000 }, () => {
    const { starts } = inWorlds(
      { replicas: 1, per: 'mesh', replaceAfterMs },
      true,
      (world, isSettled) => {
        if (!isSettled) return null
        for (const part of world.parts()) {
          const count = running(part).length + part.filter(({ app }) => app === 'starting').length
          if (count === 0 && part.some(canRun)) return `at ${world.nowMs} ms nobody runs it`
        }
        return null
      },
      true,
    )
    expect(starts).toBeGreaterThan(seeds / 2)
  })

  it('is run by no more than that where nobody fails', { timeout: 600_000 }, () => {
    inWorlds(
      { replicas: 1, per: 'mesh', replaceAfterMs },
      false,
      (world, isSettled) => {
        const over = isSettled ? world.parts().find((part) => running(part).length > 1) : undefined
        return over === undefined
          ? null
          : `at ${world.nowMs} ms ${running(over).length} run it where 1 should`
      },
      true,
    )
  })

  it('is run by somebody where two should, and never by more for good', { timeout: 600_000 }, () => {
    inWorlds(
      { replicas: 2, per: 'mesh', replaceAfterMs },
      false,
      (world, isSettled) => {
        if (!isSettled) return null
        for (const part of world.parts()) {
          const count = running(part).length
          const wanted = Math.min(2, part.filter(canRun).length)
          if (count < Math.min(1, wanted)) return `at ${world.nowMs} ms nobody runs it`
          if (count > 2) return `at ${world.nowMs} ms ${count} run it where 2 should`
        }
        return null
      },
      true,
    )
  })
})
