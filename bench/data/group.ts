/**
 * Two nodes of a group are cut off from each other; a thousand different keys are written on each side. How soon after
 * their first connection are both stores equal, and how many bytes does that take? The rival is a full copy both ways.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../demo/ports.ts'
import { Stage, type Daemon } from '../../demo/stage.ts'
import { median, type BenchContext, type Finding } from '../benchmark.ts'

const keysEach = 1_000
/** What is there before the cut: a full copy moves it again. */
const keysBefore = 3_000
const patienceMs = 90_000
const app = 'counter'

interface Site {
  readonly daemon: Daemon
  /** Where the app answers on it. */
  readonly url: string
}

interface Round {
  readonly equalMs: number
  readonly bytes: number
}

export async function group({ root, say, full }: BenchContext): Promise<Finding[]> {
  const rounds = full ? 9 : 3
  const measured: Round[] = []
  let changedBytes = 0
  const stage = await Stage.open(root)
  try {
    const [one, two] = await makePair(stage, root)
    for (let at = 0; at < keysBefore; at += keysEach) await put(one, linesOf(`before-${at}`))
    await untilEqual(one, two, keysBefore)
    for (let round = 0; round < rounds; round++) {
      await stage.mustRun(['network', 'off', '--data', two.daemon.data])
      const lines = [linesOf(`one-${round}`), linesOf(`two-${round}`)] as const
      await put(one, lines[0])
      await put(two, lines[1])
      changedBytes = lines.join('').replace(/[ \n]/g, '').length
      measured.push(await heal(stage, one, two, keysBefore + 2 * keysEach * (round + 1)))
      const read = await Promise.all([
        sample(one, `two-${round}/sensor-7`),
        sample(two, `one-${round}/sensor-7`),
      ])
      if (read.some((value) => value !== valueOf(7))) throw new Error(`they read ${read.join(' and ')}`)
    }
  } finally {
    await stage.close()
  }
  say(`equal after ms: ${measured.map(({ equalMs }) => Math.round(equalMs)).join(' ')}`)
  const shared = { bench: 'data', samples: rounds, goalOf: 'value', op: '<=' } as const
  const bytes = median(measured.map((round) => round.bytes))
  return [
    {
      ...shared,
      question: `${keysEach} keys on each side of a cut: equal after the first connection`,
      metric: 'group_equal',
      value: median(measured.map(({ equalMs }) => equalMs)),
      unit: 'ms',
      rival: '–',
      rivalValue: null,
      goalValue: 2_000,
    },
    {
      ...shared,
      question: `bytes of the exchange, in times of the ${changedBytes} bytes of keys and values that changed`,
      metric: 'group_bytes',
      value: bytes / changedBytes,
      unit: '×',
      rival: 'a full copy both ways',
      // Each would send the other all that was there and what it has written itself.
      rivalValue: (2 * (keysBefore + keysEach)) / (2 * keysEach),
      goalValue: 2,
    },
  ]
}

async function makePair(stage: Stage, root: string): Promise<[Site, Site]> {
  const one = await makeSite(stage, 'lobby-1')
  const token = await stage.mustRun(['invite', '--data', one.daemon.data, '--group', 'lobby'])
  const two = await makeSite(stage, 'lobby-2', token.trim())
  const folder = join(root, 'components', app)
  await stage.mustRun(['publish', folder, '--no-build', '--data', one.daemon.data, '--wait'])
  for (const { url } of [one, two]) await until(async () => (await fetch(`${url}x`)).status === 200)
  return [one, two]
}

async function makeSite(stage: Stage, name: string, token?: string): Promise<Site> {
  const port = await freePort()
  const config = `[http]\nlisten = "127.0.0.1:${port}"\n`
  const options = { name, group: 'lobby', config, ...(token !== undefined && { join: token }) }
  const daemon = await stage.up(options, AbortSignal.timeout(patienceMs))
  return { daemon, url: `http://127.0.0.1:${port}/${app}/` }
}

async function put({ url }: Site, lines: string): Promise<void> {
  const answer = await fetch(url, { method: 'PUT', body: lines })
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
}

/** What one side wrote and the other read. */
async function sample({ url }: Site, key: string): Promise<string> {
  return (await (await fetch(url + key)).text()).trim()
}

/** Names and numbers of a usual length, 25 bytes together. */
function linesOf(side: string): string {
  return Array.from({ length: keysEach }, (_, at) => `${side}/sensor-${at} ${1_700_000_000_000 + at}`).join(
    '\n',
  )
}

function valueOf(at: number): string {
  return String(1_700_000_000_000 + at)
}

async function heal(stage: Stage, one: Site, two: Site, keys: number): Promise<Round> {
  const before = await bytesOf(two)
  await stage.mustRun(['network', 'on', '--data', two.daemon.data])
  await until(async () => ((await numberOf(two, 'selvedge_group_store_peers')) ?? 0) > 0)
  const startedAt = performance.now()
  await untilEqual(one, two, keys)
  const equalMs = performance.now() - startedAt
  // What is said afterwards belongs to it.
  await sleep(1_000)
  return { equalMs, bytes: (await bytesOf(two)) - before }
}

async function untilEqual(one: Site, two: Site, keys: number): Promise<void> {
  await until(async () => {
    const [first, second] = await Promise.all(
      [one, two].map((site) => numberOf(site, 'selvedge_group_store_keys')),
    )
    return first === keys && second === keys
  })
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`it has not come about within ${patienceMs / 1_000} s`)
    await sleep(10)
  }
}

/** Sent and received, so that what crosses is counted once on one node. */
async function bytesOf(site: Site): Promise<number> {
  const samples = await metrics(site)
  return samples
    .filter((line) => line.startsWith('selvedge_mesh_bytes_total') && line.includes('/selvedge/replicas/1'))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

async function numberOf(site: Site, name: string): Promise<number | null> {
  const line = (await metrics(site)).find(
    (sample) => sample.startsWith(`${name}{`) && sample.includes(`"${app}"`),
  )
  return line === undefined ? null : Number(line.split(' ').at(-1))
}

async function metrics({ daemon }: Site): Promise<string[]> {
  return (await daemon.client.metricsText()).split('\n')
}
