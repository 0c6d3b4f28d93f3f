/** One file from one host to eight over slow lines: how far above what no way of doing it can beat. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { labObstacle, type Lab } from '../../test/lab/index.ts'
import { median, type BenchContext, type Finding } from '../benchmark.ts'
import { withPadding } from './bulk.ts'
import { helia, httpFromTheSeed, libtorrent, nodeConfig, selvedge } from './contestants.ts'
import {
  fileBytes,
  lineMbit,
  lowerBoundMs,
  race,
  receivers,
  type Contestant,
  type Mishap,
  type RaceResult,
} from './race.ts'
import { RivalTools } from './tools.ts'

const bench = 'distribution'
const rounds = 3
const leaving = 3
const awayMs = 2_000

const what = `12 MB from one seed to ${receivers} nodes, ${lineMbit} Mbit/s each`

/** `npm run bench -- distribution swarm` */
export async function swarm(context: BenchContext): Promise<Finding[]> {
  return ask(context, { question: what, metric: 'swarm', goal: 1.3 })
}

/** `npm run bench -- distribution leaving` */
export async function swarmWithLeavers(context: BenchContext): Promise<Finding[]> {
  const cut: Mishap = {
    hosts: leaving,
    atShare: 0.4,
    async befall(host) {
      host.cut()
      await sleep(awayMs)
      host.heal()
    },
  }
  const crash: Mishap = {
    hosts: leaving,
    atShare: 0.4,
    async befall(host) {
      await host.kill()
      await sleep(awayMs)
      await host.up({ group: 'edge', config: nodeConfig })
    },
  }
  const question = `the same, ${leaving} of ${receivers} `
  return [
    ...(await ask(context, {
      question: `${question}cut off at 40 % for 2 s`,
      metric: 'swarm_cut',
      goal: 2,
      mishap: cut,
    })),
    ...(await ask(context, {
      question: `${question}killed at 40 %, started again after 2 s`,
      metric: 'swarm_crash',
      goal: 2,
      mishap: crash,
      isAlone: true,
    })),
  ]
}

interface Question {
  readonly question: string
  readonly metric: string
  /** Of the lower bound. */
  readonly goal: number
  readonly mishap?: Mishap
  /** Without rivals. */
  readonly isAlone?: boolean
}

async function ask(
  context: BenchContext,
  { question, metric, goal, mishap, isAlone }: Question,
): Promise<Finding[]> {
  const common = { bench, question, metric, unit: 's', op: '<=' } as const
  const bound = {
    ...common,
    rival: 'lower bound',
    rivalValue: lowerBoundMs() / 1_000,
    goalOf: 'ratio',
  } as const
  const obstacle = labObstacle()
  if (obstacle !== null) return [{ ...bound, value: null, samples: 0, goalValue: goal, skipped: obstacle }]
  const { say, root } = context
  const run = async (contestant: Contestant, times: number): Promise<number> => {
    const results: RaceResult[] = []
    for (let round = 0; round < times; round += 1) {
      const result = await race(root, contestant, (lab) => makeComponent(root, lab), mishap)
      say(`${metric}: ${contestant.name}: ${described(result)}`)
      results.push(result)
    }
    return median(results.map(({ lastMs }) => lastMs)) / 1_000
  }
  const value = await run(selvedge, rounds)
  const findings: Finding[] = [{ ...bound, value, samples: rounds, goalValue: goal }]
  if (isAlone === true) return findings
  for (const { contestant, name, times } of await rivalsOf(context)) {
    const rivalValue =
      contestant === null ? null : await run(contestant, times).catch(complain(context, name))
    const missing = rivalValue === null ? { skipped: 'it is not here, or does not run' } : {}
    const samples = rounds
    findings.push({
      ...common,
      value,
      samples,
      rival: name,
      rivalValue,
      goalOf: 'ratio',
      goalValue: 1,
      ...missing,
    })
  }
  return findings
}

async function rivalsOf(
  context: BenchContext,
): Promise<{ name: string; contestant: Contestant | null; times: number }[]> {
  const tools = await RivalTools.open(context)
  return [
    { name: 'libtorrent', contestant: libtorrent(tools, context.root), times: rounds },
    { name: 'helia bitswap', contestant: await helia(tools, context.root), times: rounds },
    // One line shared by all: there is nothing that could differ from round to round.
    { name: 'HTTP from the seed (curl)', contestant: httpFromTheSeed(tools), times: 1 },
  ]
}

function complain({ say }: BenchContext, name: string): (error: Error) => null {
  return (error) => {
    say(`${name} failed: ${error.message}`)
    return null
  }
}

/** A component that runs, nearly all of it random bytes, on the seed's disk. */
async function makeComponent(root: string, lab: Lab): Promise<string> {
  const small = await readFile(join(root, 'components/light-alarm/build/light-alarm.wasm'))
  const file = join(lab.folder, 'bulk.wasm')
  await writeFile(file, withPadding(small, fileBytes))
  return file
}

function described({ lastMs, eachMs, overhead, busyShare }: RaceResult): string {
  const ratio = (lastMs / lowerBoundMs()).toFixed(2)
  const each = [...eachMs].sort((a, b) => a - b).map((ms) => (ms / 1_000).toFixed(1))
  return `last after ${(lastMs / 1_000).toFixed(2)} s (${ratio} × the bound); each ${each.join(' ')} s; frames ${overhead.toFixed(3)} × the bytes; processors ${Math.round(busyShare * 100)} % busy`
}

function sleep(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms))
}
