/** From `publish` to running on eight nodes of one machine: how long, and what it takes of the processors. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Stage, type Daemon } from '../../demo/stage.ts'
import { median, type BenchContext, type Finding } from '../benchmark.ts'
import { withPadding } from './bulk.ts'
import { nodeConfig } from './contestants.ts'

const bench = 'distribution'
const app = 'light-alarm'
const nodes = 8
const componentBytes = 12_000
const rounds = 5
const patienceMs = 120_000
/** What the nodes do anyway is told from what a release makes them do. */
const idleMs = 4_000

/** `npm run bench -- distribution rollout` */
export async function rollout(context: BenchContext): Promise<Finding[]> {
  const stage = await Stage.open(context.root)
  try {
    const daemons = await formMesh(stage)
    const took: number[] = []
    const spent: number[] = []
    const resting: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      await sleep(1_000)
      const atRest = await processorMs(daemons)
      await sleep(idleMs)
      const before = await processorMs(daemons)
      const { ms, elapsedMs } = await publish(context, stage, daemons, `1.${round}.0`)
      const after = await processorMs(daemons)
      const each = daemons.map((_, index) => between(before[index], after[index]))
      const perNode = each.map(({ own, started }) => own + started)
      const rest = daemons.map((_, index) => between(atRest[index], before[index]).own / idleMs)
      took.push(ms)
      spent.push(...perNode)
      resting.push(...rest)
      const started = median(each.map((spent) => spent.started))
      context.say(
        `rollout: last running after ${Math.round(ms)} ms; CPU per node ${perNode.map(Math.round).join(' ')} ms in ${Math.round(elapsedMs)} ms, median ${Math.round(started)} of it by processes that prepare; at rest ${(median(rest) * 1_000).toFixed(0)} ms/s`,
      )
    }
    const common = { bench, samples: rounds, op: '<=', goalOf: 'value' } as const
    return [
      {
        ...common,
        question: `publish to running, 12 KB, ${nodes} processes on loopback`,
        metric: 'publish_to_running',
        value: median(took),
        unit: 'ms',
        rival: 'none',
        rivalValue: null,
        goalValue: 3_000,
      },
      {
        ...common,
        question: 'the same, CPU per node, what it does anyway included',
        metric: 'publish_cpu',
        value: median(spent),
        unit: 'ms',
        rival: 'at rest, per second',
        rivalValue: median(resting) * 1_000,
        goalValue: 400,
      },
    ]
  } finally {
    await stage.close()
  }
}

async function formMesh(stage: Stage): Promise<Daemon[]> {
  const up = (name: string, join?: string): Promise<Daemon> => {
    const options = { name, group: 'bench', config: nodeConfig, ...(join === undefined ? {} : { join }) }
    return stage.up(options, AbortSignal.timeout(patienceMs))
  }
  const first = await up('node-1')
  const daemons = [first]
  for (let number = 2; number <= nodes; number += 1) {
    const token = await stage.mustRun(['invite', '--data', first.data, '--group', 'bench'])
    daemons.push(await up(`node-${number}`, token.trim()))
  }
  await until(async () => {
    for (const { client } of daemons) {
      const { nodes: seen } = await client.status()
      if (seen.length < nodes || seen.some(({ state }) => state !== 'alive')) return false
    }
    return true
  })
  return daemons
}

/** @returns `ms` from the start of the command until the last node ran it, by what each node says of itself */
async function publish(
  { root }: BenchContext,
  stage: Stage,
  daemons: readonly Daemon[],
  version: string,
): Promise<{ ms: number; elapsedMs: number }> {
  const folder = await makeRelease(root, stage, version)
  const startedAt = Date.now()
  const first = daemons[0] as Daemon
  await stage.mustRun(['publish', folder, '--no-build', '--version', version, '--data', first.data])
  const waiting = new Set(daemons)
  let last = 0
  await until(async () => {
    for (const daemon of waiting) {
      const found = (await daemon.client.apps()).find((candidate) => candidate.app === app)
      if (found?.version !== version || found.state !== 'running') return false
      last = Math.max(last, found.since)
      waiting.delete(daemon)
    }
    return true
  })
  return { ms: last - startedAt, elapsedMs: Date.now() - startedAt }
}

/** The app with a component of its own, so that nobody has prepared it before. @returns its folder */
async function makeRelease(root: string, stage: Stage, version: string): Promise<string> {
  const folder = join(stage.folder, `${app}-${version}`)
  await cp(join(root, 'components', app), folder, { recursive: true })
  const file = join(folder, 'build', `${app}.wasm`)
  await writeFile(file, withPadding(await readFile(file), componentBytes))
  return folder
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${patienceMs} ms`)
    // Asking costs the nodes something too: rarely, one node at a time.
    await sleep(100)
  }
}

interface Spent {
  /** ms of the processors by the daemon itself, with all its threads. */
  readonly own: number
  /** By processes it started: those that prepare components, and sandboxes. */
  readonly started: number
}

function processorMs(daemons: readonly Daemon[]): Promise<Spent[]> {
  return Promise.all(daemons.map(({ pid }) => spentBy(pid)))
}

function between(before: Spent | undefined, after: Spent | undefined): Spent {
  const zero = { own: 0, started: 0 }
  const [from, to] = [before ?? zero, after ?? zero]
  return { own: to.own - from.own, started: to.started - from.started }
}

const ticksPerSecond = 100

/** User and kernel time from /proc: of the process, of its children that live, and of those that it has waited for. */
async function spentBy(pid: number): Promise<Spent> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  if (stat === null) return { own: 0, started: 0 }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user = 0, kernel = 0, childUser = 0, childKernel = 0] = fields.slice(11, 15).map(Number)
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  const alive = await Promise.all(children.trim().split(' ').filter(Boolean).map(Number).map(spentBy))
  const ms = 1_000 / ticksPerSecond
  return {
    own: (user + kernel) * ms,
    started: alive.reduce((sum, { own, started }) => sum + own + started, (childUser + childKernel) * ms),
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms))
}
