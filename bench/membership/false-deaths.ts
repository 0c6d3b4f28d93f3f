/**
 * How often somebody who lives is called dead: a large mesh over lines that resend, with slow hosts and pauses. The
 * rival is the same machine that does not notice when it was late or stood still itself: Lifeguard's share of it.
 */
import { SeededRandom } from '../../test/sim/index.ts'
import { MembershipWorld } from '../../test/sim/membership-world.ts'
import type { MembershipOptions } from '../../mesh/membership/index.ts'
import type { BenchContext, Finding } from '../benchmark.ts'
import { atMost } from './finding.ts'
import { pass, settleMs } from './simulated.ts'

const losses = [0, 0.05, 0.1, 0.25]
/** Each message takes a slow host up to so long. */
const slowMs = 300
const slowShare = 0.01
const pauseMs = 2_000
/** A node pauses once in so long, on average. */
const pauseEveryMs = 600_000
/** How far it has come is told once in so much virtual time. */
const toldEveryMs = 300_000

const unaware: Partial<MembershipOptions> = { sleepMs: Infinity, lateMs: Infinity }

interface Run {
  readonly nodes: number
  readonly virtualMs: number
  readonly loss: number
  readonly seed: number
  readonly options?: Partial<MembershipOptions>
  readonly say: (text: string) => void
}

/**
 * `SEEDS` per level and `MINUTES` of virtual time each; the whole of the goal is 20 and 60, which takes many hours. For a
 * part of it: `LOSS` is one level, `FIRST_SEED` the seed to begin with, and `RIVAL=none` leaves the rival out.
 */
export async function falseDeaths({ say, full }: BenchContext): Promise<Finding[]> {
  const seeds = Number(process.env['SEEDS'] ?? (full ? 20 : 1))
  const minutes = Number(process.env['MINUTES'] ?? (full ? 60 : 5))
  const nodes = Number(process.env['NODES'] ?? 1_000)
  const chosen = process.env['LOSS']
  const firstSeed = Number(process.env['FIRST_SEED'] ?? 1)
  const isAlone = process.env['RIVAL'] === 'none'
  const found: Finding[] = []
  for (const loss of chosen === undefined ? losses : [Number(chosen)]) {
    const totals = { own: 0, rival: 0 }
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const run = { nodes, virtualMs: minutes * 60_000, loss, seed, say }
      totals.own += await wrongDeaths(run)
      if (!isAlone) totals.rival += await wrongDeaths({ ...run, options: unaware })
    }
    const nodeHours = (nodes * minutes * seeds) / 60
    const rival = isAlone ? 'not run' : `${totals.rival}`
    say(`${loss * 100} % loss: ${totals.own}, without own health ${rival}, in ${nodeHours} node-hours`)
    const what = `${nodes} nodes, ${minutes} min, ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`
    found.push(
      atMost({
        question: `simulated: members wrongly called dead, ${loss * 100} % loss, ${what}`,
        metric: `false_deaths_${loss * 100}`,
        value: totals.own / nodeHours,
        unit: 'per node-hour',
        samples: seeds,
        rival: 'the same without its own health',
        rivalValue: isAlone ? null : totals.rival / nodeHours,
        goalValue: loss <= 0.1 ? 0 : 1,
        ...(loss <= 0.1 ? {} : { skipped: 'reported, without a goal' }),
      }),
    )
  }
  return found
}

/** @returns how many nodes that lived were called dead, each once until it is called otherwise by all who had */
async function wrongDeaths({ nodes, virtualMs, loss, seed, options, say }: Run): Promise<number> {
  const random = new SeededRandom(seed)
  const world = new MembershipWorld(random, { nodes, loss, ...(options === undefined ? {} : { options }) })
  world.run(settleMs)
  for (const member of world.members) if (random.chance(slowShare)) member.slowMs = slowMs
  const believers = new Map<string, Set<string>>()
  let wrong = 0
  world.onVerdict = (at, about, _from, to) => {
    const known = believers.get(about.id) ?? new Set()
    if (to === 'dead') {
      if (known.size === 0) wrong += 1
      believers.set(about.id, known.add(at.id))
    } else known.delete(at.id)
  }
  const pausesPerSecond = (nodes * 1_000) / pauseEveryMs
  const startedMs = world.nowMs
  let toldMs = startedMs
  await pass(world, virtualMs, () => {
    if (world.nowMs - toldMs >= toldEveryMs) {
      toldMs = world.nowMs
      say(`${loss * 100} % loss, seed ${seed}: ${wrong} after ${(world.nowMs - startedMs) / 60_000} min`)
    }
    const count = Math.floor(pausesPerSecond) + (random.chance(pausesPerSecond % 1) ? 1 : 0)
    for (let pause = 0; pause < count; pause++) {
      const member = random.pick(world.members)
      world.freeze(member)
      world.at(world.nowMs + pauseMs * random.fraction(), () => world.thaw(member))
    }
  })
  return wrong
}
