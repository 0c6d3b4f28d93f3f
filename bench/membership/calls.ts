/**
 * What a call costs that stays on its node, and one that goes to another of the group; and what callers notice of the
 * death of an instance that serves them.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { labObstacle, makeLab, until, type Lab, type LabHost } from '../../test/lab/index.ts'
import type { BenchContext, Finding } from '../benchmark.ts'
import { atMost, percentileOf } from './finding.ts'
import { bareServer, load } from './load.ts'

const httpPort = 8080
const barePort = 8090
const app = 'hello-http'
const sampled = 1_000
const perSecond = 200
const loadMs = 10_000
const killAfterMs = 3_000

interface Costs {
  readonly bareMs: number
  readonly localMs: number
  readonly groupMs: number
}

interface Deaths {
  readonly failed: number
  readonly requests: number
  readonly p99Ms: number
}

export async function calls({ root, say, full }: BenchContext): Promise<Finding[]> {
  const obstacle = labObstacle()
  if (obstacle !== null) return findings(null, null, obstacle)
  const rounds = full ? 5 : 3
  const lab = await makeLab({ hosts: ['shop-1', 'shop-2', 'shop-3'], root })
  try {
    await lab.formMesh({ http: httpPort })
    const [first] = lab.hosts
    const folder = join(root, 'components/hello-http')
    await first?.mustRun(['publish', folder, '--no-build', '--replicas', '2', '--wait'])
    const costs = await measureCosts(lab)
    say(
      `p50, ms: node:http ${costs.bareMs.toFixed(2)}, local ${costs.localMs.toFixed(2)}, in the group ${costs.groupMs.toFixed(2)}`,
    )
    const all: Deaths[] = []
    for (let round = 0; round < rounds; round++) {
      const deaths = await killServing(lab, say)
      say(`killed: ${deaths.failed} of ${deaths.requests} failed, p99 ${deaths.p99Ms.toFixed(1)} ms`)
      all.push(deaths)
    }
    return findings(costs, all)
  } finally {
    lab.close()
  }
}

async function measureCosts(lab: Lab): Promise<Costs> {
  const { serving, other } = await placesOf(lab)
  const [local] = serving
  if (local === undefined) throw new Error('nobody serves the app')
  const server = await bareServer(local, barePort)
  const times: Record<'bare' | 'local' | 'group', number[]> = { bare: [], local: [], group: [] }
  const targets = { bare: [local, barePort], local: [local, httpPort], group: [other, httpPort] } as const
  // In turns, so that what else the machine does is in all of them alike; the first turn only warms up.
  for (let turn = 0; turn <= 5; turn++) {
    for (const kind of ['bare', 'local', 'group'] as const) {
      const [host, port] = targets[kind]
      const { times: found, failures } = await load(host, { url: urlOf(host, port), requests: sampled / 5 })
      if (failures.length > 0) throw new Error(`a call failed: ${failures[0]}`)
      if (turn > 0) times[kind].push(...found)
    }
  }
  server.kill('SIGKILL')
  return {
    bareMs: percentileOf(times.bare, 50),
    localMs: percentileOf(times.local, 50),
    groupMs: percentileOf(times.group, 50),
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

/** Which two run it, and which one does not. */
async function placesOf(lab: Lab): Promise<{ serving: LabHost[]; other: LabHost }> {
  let serving: LabHost[] = []
  await until('two of three serve the app', 60_000, async () => {
    const running = await Promise.all(
      lab.hosts.map(async (host) => ({ host, apps: await host.client.apps() })),
    )
    serving = running
      .filter(({ apps }) => apps.some((known) => known.app === app && known.state === 'running'))
      .map(({ host }) => host)
    return serving.length === 2
  })
  // Until the nodes know it of each other.
  await sleep(1_000)
  const other = lab.hosts.find((host) => !serving.includes(host))
  if (other === undefined) throw new Error('all serve the app')
  return { serving, other }
}

function urlOf({ address }: LabHost, port: number): string {
  return `http://${address}:${port}/${app}/`
}

function findings(costs: Costs | null, deaths: readonly Deaths[] | null, obstacle?: string): Finding[] {
  const skipped = obstacle === undefined ? {} : { skipped: obstacle }
  const kill = `SIGKILL of an instance that serves, ${perSecond} requests/s, GET`
  return [
    atMost({
      question:
        'a local call over HTTP, over what node:http alone takes (the component’s own time included), p50',
      metric: 'call_local',
      value: costs === null ? null : costs.localMs - costs.bareMs,
      unit: 'ms',
      samples: sampled,
      rival: 'node:http, whole',
      rivalValue: costs?.bareMs ?? null,
      goalValue: 0.1,
      ...skipped,
    }),
    atMost({
      question: 'a call in the group, over a local call, p50',
      metric: 'call_group',
      value: costs === null ? null : costs.groupMs - costs.localMs,
      unit: 'ms',
      samples: sampled,
      rival: 'local, whole',
      rivalValue: costs?.localMs ?? null,
      goalValue: 1.5,
      ...skipped,
    }),
    atMost({
      question: `${kill}: failed requests, of ${deaths?.reduce((sum, { requests }) => sum + requests, 0) ?? 0}`,
      metric: 'call_kill_failed',
      value: deaths === null ? null : deaths.reduce((sum, { failed }) => sum + failed, 0),
      unit: 'requests',
      samples: deaths?.length ?? 0,
      goalValue: 0,
      ...skipped,
    }),
    atMost({
      question: `${kill}: p99 around it`,
      metric: 'call_kill_p99',
      value:
        deaths === null
          ? null
          : percentileOf(
              deaths.map(({ p99Ms }) => p99Ms),
              100,
            ),
      unit: 'ms',
      samples: deaths?.length ?? 0,
      goalValue: 1_000,
      ...skipped,
    }),
  ]
}
