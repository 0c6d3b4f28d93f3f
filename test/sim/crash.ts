/**
 * Cuts the power at every step that a piece of work makes on the disk, and starts again from what was left.
 *
 * Work is a row of acts that are each acknowledged before the next begins. Whatever the disk did with what was not
 * flushed, a restart must find the state after as many acts as were acknowledged, or after the one under way as well:
 * never less, never a mix of both.
 */
import { expect } from 'vitest'
import { SimDisk, type Unsynced } from './disk.ts'
import type { SeededRandom } from './random.ts'

export interface CrashPlan<Store> {
  /** Opens what the disk has, as a node that starts. */
  readonly open: (disk: SimDisk) => Promise<Store>
  /** Done before the power may fail. */
  readonly prepare?: (store: Store) => Promise<unknown>
  readonly acts: readonly ((store: Store) => Promise<unknown>)[]
  /** All that must be as a whole before or after an act; compared by value. */
  readonly stateOf: (store: Store) => unknown
  /** What else must hold after a restart. */
  readonly check?: (store: Store, acknowledged: number) => Promise<void>
}

/** Killed: everything that was done is there. Power cut: what was not flushed is lost, or comes in any order and in part. */
const ends: readonly Unsynced[] = ['kept', 'lost', 'reordered']

/** @returns at how many steps the power was cut; fails where a restart finds anything but a state before or after */
export async function cutAtEveryStep<Store>(plan: CrashPlan<Store>, random: SeededRandom): Promise<number> {
  const states = await statesOf(plan, random)
  for (let step = 0; ; step++) {
    const { disk, acknowledged } = await runUntilCut(plan, random, step)
    if (!disk.isOff) return step
    for (const end of ends) {
      const store = await plan.open(disk.restart(end))
      const found = await plan.stateOf(store)
      const allowed = states.slice(acknowledged, acknowledged + 2)
      const where = `power cut before step ${step}, ${acknowledged} acknowledged, unsynced ${end}`
      expect(allowed, where).toContainEqual(found)
      await plan.check?.(store, acknowledged)
    }
  }
}

/** What a run without a cut looks like before the first act and after each. */
async function statesOf<Store>(plan: CrashPlan<Store>, random: SeededRandom): Promise<unknown[]> {
  const store = await plan.open(new SimDisk(random))
  await plan.prepare?.(store)
  const states = [await plan.stateOf(store)]
  for (const act of plan.acts) {
    await act(store)
    states.push(await plan.stateOf(store))
  }
  return states
}

async function runUntilCut<Store>(
  plan: CrashPlan<Store>,
  random: SeededRandom,
  step: number,
): Promise<{ disk: SimDisk; acknowledged: number }> {
  const disk = new SimDisk(random)
  const store = await plan.open(disk)
  await plan.prepare?.(store)
  disk.cutAtStep = disk.steps + step
  let acknowledged = 0
  for (const act of plan.acts) {
    const isDone = await act(store).then(
      () => true,
      (error: unknown) => {
        if (!disk.isOff) throw error
        return false
      },
    )
    if (!isDone) break
    acknowledged++
  }
  return { disk, acknowledged }
}
