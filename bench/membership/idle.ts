/**
 * What a node takes of its machine in a mesh at rest. The measured daemon is alone on its side; the others are nodes of
 * ours in one process, with real transports over loopback.
 */
// oxlint-disable-next-line no-unassigned-import -- it gives older Node.js what it lacks
import '../../core/compat.ts'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Harbor } from '../../test/mesh/harbor.ts'
import { pssMb } from '../first-light/node.ts'
import type { BenchContext, Finding } from '../benchmark.ts'
import { atMost } from './finding.ts'
import { serfVersion } from './serf.ts'

const countedMs = 30_000
/** `CLK_TCK` of Linux on all its platforms that Node knows. */
const ticksPerSecond = 100

interface Weight {
  readonly pssMb: number
  readonly cpuPercent: number
}

export async function idle({ root, say }: BenchContext): Promise<Finding[]> {
  const serf = serfVersion() === null ? null : await serfWeight()
  if (serf !== null) say(`serf: ${serf.pssMb.toFixed(1)} MB, ${serf.cpuPercent.toFixed(2)} %`)
  const found: Finding[] = []
  for (const nodes of [8, 100]) {
    const { pssMb: weight, cpuPercent } = await weigh(root, nodes)
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

async function weigh(root: string, nodes: number): Promise<Weight> {
  const harbor = await Harbor.open()
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-bench-'))
  let daemon: ReturnType<typeof spawn> | null = null
  try {
    const first = await harbor.found('n1')
    for (let number = 2; number < nodes; number++) await harbor.join(`n${number}`, first)
    const token = await harbor.invite(first)
    const place = [
      '--data',
      join(folder, 'data'),
      '--name',
      'measured',
      '--group',
      'lobby',
      '--no-mdns',
      '--json',
    ]
    const line = ['--listen', '/ip4/127.0.0.1/tcp/0', '--join', token]
    const env = {
      PATH: process.env['PATH'],
      HOME: folder,
      SELVEDGE_KEYS: join(folder, 'keys'),
      NO_COLOR: '1',
    }
    const child = spawn(process.execPath, [join(root, 'dist/selvedge.mjs'), 'up', ...place, ...line], {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    daemon = child
    await once(child.stdout, 'data', { signal: AbortSignal.timeout(60_000) })
    child.stdout.resume()
    await sleep(20_000)
    return await weightOf(child.pid as number)
  } finally {
    daemon?.kill('SIGKILL')
    await harbor.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
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
