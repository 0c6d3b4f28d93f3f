/**
 * What a node takes of its machine in a mesh at rest. The measured daemon is alone on its side; the others are nodes of
 * ours in one process, with real transports over loopback.
 */
// oxlint-disable-next-line no-unassigned-import -- it gives older Node.js what it lacks
import '../../core/compat.ts'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../../host/api/index.ts'
import { until } from '../../test/lab/index.ts'
import { Harbor, type Berth } from '../../test/mesh/harbor.ts'
import { pssMb } from '../first-light/node.ts'
import type { BenchContext, Finding } from '../benchmark.ts'
import { serviceEnvironment } from '../service-environment.ts'
import { atMost } from './finding.ts'
import { serfVersion } from './serf.ts'

const countedMs = 30_000
/** A hundred nodes in one process take minutes to find each other, and longer on a busy machine. */
const patienceMs = 1_200_000
const restMs = 20_000
/** `CLK_TCK` of Linux on all its platforms that Node knows. */
const ticksPerSecond = 100

interface Weight {
  readonly pssMb: number
  readonly cpuPercent: number
}

/** `NODES`: only in a mesh of so many. */
export async function idle({ root, say }: BenchContext): Promise<Finding[]> {
  const serf = serfVersion() === null ? null : await serfWeight()
  if (serf !== null) say(`serf: ${serf.pssMb.toFixed(1)} MB, ${serf.cpuPercent.toFixed(2)} %`)
  const found: Finding[] = []
  const sizes = process.env['NODES'] === undefined ? [8, 100] : [Number(process.env['NODES'])]
  for (const nodes of sizes) {
    const { pssMb: weight, cpuPercent } = await weigh(root, nodes, say)
    say(`${nodes} nodes: ${weight.toFixed(1)} MB, ${cpuPercent.toFixed(2)} % of a core`)
    const rival = serf === null ? 'serf (not here)' : 'serf, one agent of 8'
    const shared = { samples: 1, rival }
    const question = `idle node in a mesh of ${nodes}`
    found.push(
      atMost({
        ...shared,
        question: `${question}: PSS`,
        metric: `idle_pss_${nodes}`,
        value: weight,
        unit: 'MB',
        rivalValue: serf?.pssMb ?? null,
        goalValue: 80,
      }),
      atMost({
        ...shared,
        question: `${question}: CPU over ${countedMs / 1_000} s`,
        metric: `idle_cpu_${nodes}`,
        value: cpuPercent,
        unit: '% of a core',
        rivalValue: serf?.cpuPercent ?? null,
        goalValue: 1,
      }),
    )
  }
  return found
}

async function weigh(root: string, nodes: number, say: (text: string) => void): Promise<Weight> {
  const harbor = await Harbor.open()
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-bench-'))
  let daemon: ChildProcess | null = null
  try {
    const first = await harbor.found('n1')
    // All are let in before any of them runs: each that runs has to hear of each that comes, and they share a process.
    const berths: Berth[] = []
    for (let number = 2; number < nodes; number++) {
      berths.push(await harbor.enter(`n${number}`, await harbor.invite(first)))
    }
    const startedAt = performance.now()
    const child = await startDaemon(root, folder, await harbor.invite(first))
    daemon = child
    for (const berth of berths) await harbor.run(berth)
    say(`${nodes - 1} nodes run beside it after ${Math.round((performance.now() - startedAt) / 1_000)} s`)
    const client = connect({ data: join(folder, 'data') })
    await until(`it holds all ${nodes} for alive`, patienceMs, async () => {
      const status = await client.status()
      return status.nodes.filter(({ state }) => state === 'alive').length === nodes
    })
    say(`${nodes} nodes are alive to it after ${Math.round((performance.now() - startedAt) / 1_000)} s`)
    await sleep(restMs)
    return await weightOf(child.pid as number)
  } finally {
    daemon?.kill('SIGKILL')
    await harbor.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** @returns the daemon to be measured, when it is up. @throws what it said where it ended instead */
async function startDaemon(root: string, folder: string, token: string): Promise<ChildProcess> {
  const place = ['--data', join(folder, 'data'), '--name', 'measured', '--group', 'lobby']
  const line = ['--listen', '/ip4/127.0.0.1/tcp/0', '--no-mdns', '--json', '--join', token]
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    SELVEDGE_KEYS: join(folder, 'keys'),
    NO_COLOR: '1',
    ...serviceEnvironment,
  }
  const child = spawn(process.execPath, [join(root, 'dist/selvedge.mjs'), 'up', ...place, ...line], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => (complaints = `${complaints}${chunk.toString()}`.slice(-2_000)))
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the daemon ended: ${complaints}`)
  })
  ended.catch(() => {})
  await Promise.race([once(child.stdout, 'data', { signal: AbortSignal.timeout(patienceMs) }), ended])
  child.stdout.resume()
  return child
}

/** One of eight agents on loopback; its memory when the others are gone, as pages that they share count in parts. */
async function serfWeight(): Promise<Weight> {
  const agents = Array.from({ length: 8 }, (_, index) => {
    const bind = `127.0.0.1:${17_946 + index}`
    const join = index === 0 ? [] : ['-join', '127.0.0.1:17946']
    const rpc = ['-rpc-addr', `127.0.0.1:${17_373 + index}`]
    return spawn('serf', ['agent', '-node', `s${index}`, '-bind', bind, ...rpc, ...join], { stdio: 'ignore' })
  })
  try {
    await sleep(10_000)
    const measured = agents[0]?.pid as number
    const { cpuPercent } = await weightOf(measured)
    for (const agent of agents.slice(1)) agent.kill('SIGKILL')
    await sleep(500)
    return { cpuPercent, pssMb: await pssMb(measured) }
  } finally {
    for (const agent of agents) agent.kill('SIGKILL')
  }
}

async function weightOf(pid: number): Promise<Weight> {
  const before = await cpuSeconds(pid)
  await sleep(countedMs)
  const used = (await cpuSeconds(pid)) - before
  return { pssMb: await pssMb(pid), cpuPercent: (100 * used) / (countedMs / 1_000) }
}

async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // What stands behind the bracket of the name: user and system time are the 12th and 13th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}
