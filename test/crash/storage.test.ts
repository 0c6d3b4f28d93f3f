/**
 * Acknowledged writes survive SIGKILL at any moment, and the loss of everything that was not flushed at any step. A few
 * rounds here; ROUNDS=1000 for as many as it takes to believe it. SEED repeats a run, CRASH_NODE names another Node.js.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { kinds, type StoreKind } from './acts.ts'
import { atTheStart, CrashHarness, inspect, type Moment, type PowerCut, type Progress } from './harness.ts'
import { simSeed } from '../sim/index.ts'
import { makeSnapshots } from './restores.ts'

const rounds = Number(process.env['ROUNDS'] ?? 2)
const seed = Number(process.env['SEED'] ?? simSeed() % 1_000_000)
const timeoutMs = 30_000 + rounds * 5_000

let harness: CrashHarness
/** For who asked for many rounds: what it was that went well. */
const tally = { acknowledged: 0, slowestOpenMs: 0 }
beforeAll(async () => {
  harness = await CrashHarness.make(process.env['CRASH_NODE'])
  await makeSnapshots(harness.folder)
})
afterEach(({ task }) => {
  if (process.env['ROUNDS'] !== undefined)
    console.info(`${task.name}: ${JSON.stringify({ rounds, seed, ...tally })}`)
  Object.assign(tally, { acknowledged: 0, slowestOpenMs: 0 })
})
afterAll(() => harness.remove())

/** Looks at what is left, and counts what was acknowledged in between. */
async function look(
  data: string,
  kind: StoreKind,
  before: Progress,
  left: Progress,
  what: string,
): Promise<Progress> {
  const { progress, openMs } = await inspect(data, kind, left).catch((cause: unknown) => {
    throw new Error(`SEED=${seed} ${what}`, { cause })
  })
  tally.slowestOpenMs = Math.max(tally.slowestOpenMs, Math.round(openMs))
  for (const [chain, count] of left.acknowledged.entries())
    tally.acknowledged += count - (before.acknowledged[chain] ?? 0)
  return progress
}

/** In [0, 1), by round. */
function chanceOf(round: number): number {
  const value = Math.sin((seed + round) * 12.9898) * 43_758.5453
  return value - Math.floor(value)
}

/** To put a snapshot back takes as long as dozens of the other acts. */
function momentsOf(kind: StoreKind): { readonly acts: number; readonly spreadMs: number } {
  return kind === 'restore' ? { acts: 4, spreadMs: 200 } : { acts: 30, spreadMs: 8 }
}

it.each(kinds)(
  '%s: all that was acknowledged is there after SIGKILL at any moment',
  async (kind) => {
    let [data, progress] = ['', atTheStart(kind)]
    for (let round = 0; round < rounds; round += 1) {
      // What must be there is reckoned from the first act on.
      if (round % 20 === 0)
        [data, progress] = [join(harness.folder, `killed-${kind}-${round}`), atTheStart(kind)]
      const { acts, spreadMs } = momentsOf(kind)
      const moment: Moment = {
        // The first of some lives until something was acknowledged, so that there is something to look for.
        acts: Math.max(round % 20 === 0 ? 1 : 0, Math.floor(chanceOf(round) * acts)),
        afterMs: chanceOf(round + 0.5) * spreadMs,
        // What the process has written is the system's, which goes on.
        durability: round % 2 === 0 ? 'normal' : 'full',
      }
      const left = await harness.kill(data, kind, progress, moment)
      progress = await look(data, kind, progress, left, `round ${round}`)
    }
    expect(Math.max(...progress.acknowledged)).toBeGreaterThan(0)
  },
  timeoutMs,
)

it.each(kinds)(
  '%s: all that was acknowledged is there after a power cut at any step',
  async (kind) => {
    if (!harness.hasPower) return skipped()
    let [data, progress] = ['', atTheStart(kind)]
    for (let round = 0; round < rounds; round += 1) {
      // Now and then from nothing: the making of the files is cut too.
      if (round % 4 === 0) [data, progress] = [join(harness.folder, `cut-${kind}-${round}`), atTheStart(kind)]
      const cut: PowerCut = {
        step: 1 + Math.floor(chanceOf(round) ** 2 * 300),
        seed: seed + round,
        mode: round % 2 === 0 ? 'lost' : 'mixed',
      }
      const left = await harness.cutPower(data, kind, progress, cut)
      progress = await look(data, kind, progress, left, `round ${round}: ${JSON.stringify(cut)}`)
      if (round % 4 === 3) await rm(data, { recursive: true })
    }
  },
  timeoutMs,
)

it('finds out a store that acknowledges what it has not flushed', async () => {
  if (!harness.hasPower) return skipped()
  const data = join(harness.folder, 'careless')
  const left = await harness.cutPower(data, 'blobs', atTheStart('blobs'), {
    step: 60,
    seed,
    mode: 'lost',
    durability: 'normal',
  })
  expect(Math.max(...left.acknowledged)).toBeGreaterThan(0)
  await expect(inspect(data, 'blobs', left)).rejects.toThrow(/after \d+ acknowledged acts/)
})

function skipped(): void {
  console.warn('no power was cut: it takes Linux and a C compiler; install gcc')
}
