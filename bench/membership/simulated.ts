/** What the simulated questions share: worlds at rest, and what is looked at in them. */
import { setImmediate as breathe } from 'node:timers/promises'
import { SeededRandom } from '../../test/sim/index.ts'
import { MembershipWorld, type SimMember, type WorldOptions } from '../../test/sim/membership-world.ts'

/** Until everybody has met its neighbours and been heard. */
export const settleMs = 15_000

export function worldAtRest(seed: number, options: WorldOptions): MembershipWorld {
  const world = new MembershipWorld(new SeededRandom(seed), options)
  world.run(settleMs)
  return world
}

/** @returns virtual ms from the end of a member until all others hold it for dead; Infinity for never */
export function detectionMs(
  world: MembershipWorld,
  end: 'kill' | 'vanish' | 'freeze',
  member: SimMember,
): number {
  world[end](member)
  const waiting = new Set(world.members.filter((at) => at !== member))
  return world.runUntil(() => {
    for (const at of waiting) {
      if (world.verdict(at, member) !== 'dead') return false
      waiting.delete(at)
    }
    return true
  }, 30_000)
}

export function allAlive(world: MembershipWorld): boolean {
  return world.members.every((at) => world.members.every((about) => world.verdict(at, about) === 'alive'))
}

/** Runs a world for so long, and lets whoever waits have a turn. */
export async function pass(world: MembershipWorld, ms: number, each: () => void = () => {}): Promise<void> {
  for (let done = 0; done < ms; done += 1_000) {
    each()
    world.run(Math.min(1_000, ms - done))
    await breathe()
  }
}
