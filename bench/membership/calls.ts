/**
 * What a call costs that stays on its node, one that goes to another of the group, and one that a gateway carries; and
 * what callers notice of the death of an instance that serves them.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { labObstacle, makeLab, until, type Lab, type LabHost } from '../../test/lab/index.ts'
import type { BenchContext, Finding } from '../benchmark.ts'
import { atMost, percentileOf } from './finding.ts'
import { load, servedAlone } from './load.ts'

const httpPort = 8080
const servedPort = 8090
const app = 'hello-http'
const sampled = 1_000
const perSecond = 200
const loadMs = 10_000
const killAfterMs = 3_000

/** p50 of whole requests, ms. */
interface Costs {
  /** To `selvedge serve`, which has the same component and HTTP server, and no mesh: the component's own time. */
  readonly alone: number
  readonly local: number
  readonly other: number
}

interface Deaths {
  readonly failed: number
  readonly requests: number
  readonly p99Ms: number
}

export async function calls({ root, say, full }: BenchContext): Promise<Finding[]> {
  const obstacle = labObstacle()
  if (obstacle !== null) return findings(null, obstacle)
  const rounds = full ? 5 : 3
  const lab = await makeLab({ hosts: ['shop-1', 'shop-2', 'shop-3'], root })
  try {
    await lab.formMesh({ http: httpPort })
    const [first] = lab.hosts
    const folder = join(root, 'components/hello-http')
    await first?.mustRun(['publish', folder, '--no-build', '--replicas', '2', '--wait'])
    const costs = await measureCosts(root, await placesOf(lab))
    say(`p50, ms: ${shown(costs)}`)
    const all: Deaths[] = []
    for (let round = 0; round < rounds; round++) {
      const deaths = await killServing(lab, say)
      say(`killed: ${deaths.failed} of ${deaths.requests} failed, p99 ${deaths.p99Ms.toFixed(1)} ms`)
      all.push(deaths)
    }
    lab.close()
    const carried = await throughGateway(root)
    say(`through a gateway, p50, ms: ${shown(carried)}`)
    return findings({ costs, carried, deaths: all })
  } finally {
    lab.close()
  }
}

/** Two hosts that nobody can dial, and a gateway between them. */
async function throughGateway(root: string): Promise<Costs> {
  const sites = {
    hall: { hosts: ['hall-1'] },
    home: { hosts: ['home-1'], nat: true },
    office: { hosts: ['office-1'], nat: true },
  }
  const lab = await makeLab({ sites, root })
  try {
    await lab.formMesh({
      http: httpPort,
      groupOf: ({ name }) => (name === 'hall-1' ? 'hall' : 'shop'),
      configOf: ({ name }) => (name === 'hall-1' ? '[mesh]\ngateway = true\n' : ''),
    })
    const folder = join(root, 'components/hello-http')
    const placed = ['--group', 'shop', '--replicas', '1', '--wait']
    await lab.host('home-1').mustRun(['publish', folder, '--no-build', ...placed])
    const hidden = [lab.host('home-1'), lab.host('office-1')]
    return await measureCosts(root, await placesOf(lab, hidden, 1))
  } finally {
    lab.close()
  }
}

function shown({ alone, local, other }: Costs): string {
  return `alone ${alone.toFixed(2)}, on its node ${local.toFixed(2)}, from the other ${other.toFixed(2)}`
}

async function measureCosts(root: string, { serving, other }: Places): Promise<Costs> {
  const [local] = serving
  if (local === undefined) throw new Error('nobody serves the app')
  const server = await servedAlone(root, local, servedPort)
  const times: Record<keyof Costs, number[]> = { alone: [], local: [], other: [] }
  // Each on the host that answers or is asked, so that no line between hosts is in it but the mesh's own.
  const targets = { alone: [local, servedPort], local: [local, httpPort], other: [other, httpPort] } as const
  // In turns, so that what else the machine does is in all of them alike; the first turn only warms up.
  for (let turn = 0; turn <= 5; turn++) {
    for (const kind of ['alone', 'local', 'other'] as const) {
      const [host, port] = targets[kind]
      const { times: found, failures } = await load(host, { url: urlOf(host, port), requests: sampled / 5 })
      if (failures.length > 0) throw new Error(`a call failed: ${failures[0]}`)
      if (turn > 0) times[kind].push(...found)
    }
  }
  server.kill('SIGKILL')
  return {
    alone: percentileOf(times.alone, 50),
    local: percentileOf(times.local, 50),
    other: percentileOf(times.other, 50),
  }
}

async function killServing(lab: Lab, say: (text: string) => void): Promise<Deaths> {
  const { serving, other } = await placesOf(lab)
  const [victim] = serving
  if (victim === undefined) throw new Error('nobody serves the app')
  const requests = (loadMs / 1_000) * perSecond
  const answers = load(other, { url: urlOf(other, httpPort), requests, perSecond })
  await sleep(killAfterMs)
  const killedAt = Date.now()
  await victim.kill()
  const { times, begun, failures } = await answers
  if (failures.length > 0) say(`failures: ${[...new Set(failures)].join('; ')}`)
  // What callers notice of it: those that began in the second before and the two after.
  const during = times.filter((_, index) => Math.abs((begun[index] ?? 0) - killedAt - 500) <= 1_500)
  const slow = times
    .map((ms, index) => ({ ms, at: (begun[index] ?? 0) - killedAt }))
    .filter(({ ms }) => ms > 1_000)
  if (slow.length > 0) {
    const ats = slow.map(({ at }) => at)
    const longest = Math.max(...slow.map(({ ms }) => ms))
    say(
      `${slow.length} took over 1 s, of those begun ${Math.min(...ats)} to ${Math.max(...ats)} ms after the end: up to ${Math.round(longest)} ms`,
    )
  }
  await victim.up({ http: httpPort })
  await lab.untilAllAlive()
  return { failed: failures.length, requests, p99Ms: percentileOf(during, 99) }
}

interface Places {
  readonly serving: readonly LabHost[]
  readonly other: LabHost
}

/** Which of them run it, and one that does not. */
async function placesOf(lab: Lab, hosts: readonly LabHost[] = lab.hosts, replicas = 2): Promise<Places> {
  let serving: LabHost[] = []
  await until(`${replicas} of ${hosts.length} serve the app`, 60_000, async () => {
    const running = await Promise.all(hosts.map(async (host) => ({ host, apps: await host.client.apps() })))
    serving = running
      .filter(({ apps }) => apps.some((known) => known.app === app && known.state === 'running'))
      .map(({ host }) => host)
    return serving.length === replicas
  })
  // Until the nodes know it of each other.
  await sleep(1_000)
  const other = hosts.find((host) => !serving.includes(host))
  if (other === undefined) throw new Error('all serve the app')
  return { serving, other }
}

function urlOf({ address }: LabHost, port: number): string {
  return `http://${address}:${port}/${app}/`
}

interface Measured {
  readonly costs: Costs
  readonly carried: Costs
  readonly deaths: readonly Deaths[]
}

function findings(measured: Measured | null, obstacle?: string): Finding[] {
  const skipped = obstacle === undefined ? {} : { skipped: obstacle }
  const kill = `SIGKILL of an instance that serves, ${perSecond} requests/s, GET`
  const over = (
    which: string,
    metric: string,
    costs: Costs | undefined,
    kind: 'local' | 'other',
    goalValue: number,
  ) =>
    atMost({
      question: `${which}, over the same component alone (selvedge serve), p50`,
      metric,
      value: costs === undefined ? null : costs[kind] - costs.alone,
      unit: 'ms',
      samples: sampled,
      rival: 'alone, whole',
      rivalValue: costs?.alone ?? null,
      goalValue,
      ...skipped,
    })
  const deaths = measured?.deaths ?? []
  const failed = deaths.reduce((sum, death) => sum + death.failed, 0)
  const requests = deaths.reduce((sum, death) => sum + death.requests, 0)
  const worst = percentileOf(
    deaths.map(({ p99Ms }) => p99Ms),
    100,
  )
  const ofDeaths = { samples: deaths.length, ...skipped }
  return [
    over('a call to an app on this node', 'call_local', measured?.costs, 'local', 0.1),
    over('a call in the group', 'call_group', measured?.costs, 'other', 1.5),
    over('a call through a gateway', 'call_gateway', measured?.carried, 'other', 3),
    atMost({
      question: `${kill}: failed requests, of ${requests}`,
      metric: 'call_kill_failed',
      value: measured === null ? null : failed,
      unit: 'requests',
      goalValue: 0,
      ...ofDeaths,
    }),
    atMost({
      question: `${kill}: p99 around it`,
      metric: 'call_kill_p99',
      value: measured === null ? null : worst,
      unit: 'ms',
      goalValue: 1_000,
      ...ofDeaths,
    }),
  ]
}
