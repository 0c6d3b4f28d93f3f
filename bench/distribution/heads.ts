/**
 * What it takes to tell everybody what is newest: how soon a head is at each of a thousand nodes, and what two nodes
 * that differ in little say to each other.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { HeadSync } from '../../mesh/heads/head-sync.ts'
import { encodeMessage, messageLimits } from '../../mesh/heads/message.ts'
import { Company, makeHead } from '../../test/mesh/heads/harness.ts'
import { SeededRandom } from '../../test/sim/index.ts'
import { issueSpread, neighbourhood, percentile, spread, type Spread } from '../../test/sim/spread.ts'
import { median, type BenchContext, type Finding } from '../benchmark.ts'
import type { CrowdAnswer } from './crowd.ts'
import { askGossipsub } from './gossipsub.ts'

const bench = 'distribution'
const rivalNodes = 100
const seeds = [1, 2, 3]

/** A head to all of 1,000 simulated nodes, beside gossipsub's 100 real ones in one process. */
export async function headSpread(context: BenchContext): Promise<Finding[]> {
  const runs: Spread[] = []
  for (const seed of seeds) {
    const found = await spread(issueSpread, new SeededRandom(seed))
    context.say(`${issueSpread.nodes} simulated nodes, seed ${seed}: ${described(found)}`)
    runs.push(found)
  }
  const same = await spread({ ...issueSpread, nodes: rivalNodes }, new SeededRandom(seeds[0] ?? 1))
  context.say(`${rivalNodes} simulated nodes: ${described(same)}`)
  const { found, delays } = await gossipsubSpread(context)
  const common = { bench, samples: runs.length, rival: gossipsubName, op: '<=' } as const
  return [
    {
      ...common,
      question: 'a head to all of 1,000 simulated nodes, p99',
      metric: 'head_spread_p99',
      value: median(runs.map(p99)),
      unit: 'ms',
      rivalValue: delays === null ? null : p99(delays),
      goalOf: 'value',
      goalValue: 2_000,
    },
    {
      ...common,
      question: 'nodes that missed one of the heads',
      metric: 'head_spread_missed',
      value: runs.reduce((sum, { missed }) => sum + missed, 0),
      unit: 'nodes',
      rivalValue: delays?.missed ?? null,
      goalOf: 'value',
      goalValue: 0,
    },
    {
      ...common,
      question: `sent per node and head of ${issueSpread.headBytes} bytes, ${rivalNodes} nodes (ours without ciphers)`,
      metric: 'head_spread_bytes',
      value: same.bytesPerHead,
      unit: 'bytes',
      rivalValue: found?.bytesPerHead ?? null,
      goalOf: 'ratio',
      goalValue: 1,
      ...(found === null && { skipped: 'gossipsub is not here' }),
    },
  ]
}

const gossipsubName = `gossipsub, ${rivalNodes} real nodes in one process`

/** Pauses between heads, as multiples of ours: a machine that does not keep up with one is asked with a longer one. */
const longerPauses = [1, 2, 4]

interface RivalSpread {
  /** With our pause, which its heartbeats are counted over; late timers hardly change what is sent. Null where it is not here. */
  readonly found: CrowdAnswer | null
  /** Of the first run that the machine kept up with. */
  readonly delays: CrowdAnswer | null
}

/** As many heads over lines as slow, in real time. */
async function gossipsubSpread(context: BenchContext): Promise<RivalSpread> {
  const { minLatencyMs = 0 } = issueSpread.wire
  let found: CrowdAnswer | null = null
  for (const times of longerPauses) {
    const run = await oneRun(context, issueSpread.pauseMs * times)
    if (run === null) break
    found ??= run
    const late = `timers late by up to ${Math.round(run.lagMs)} ms (p99)`
    context.say(`${gossipsubName}, pauses × ${times}: ${described(run)}, ${late}`)
    if (run.lagMs <= minLatencyMs) return { found, delays: run }
  }
  if (found !== null) context.say('too late to say how soon gossipsub is: ask again on a machine at rest')
  return { found, delays: null }
}

/** @returns null where gossipsub is not here or does not run */
async function oneRun(context: BenchContext, pauseMs: number): Promise<CrowdAnswer | null> {
  const { wire, heads, headBytes } = issueSpread
  const { minLatencyMs = 0, resendChance = 0, resendMs = 0 } = wire
  const size = { ...issueSpread, nodes: rivalNodes }
  const edges = neighbourhood(size, new SeededRandom(seeds[0] ?? 1))
  const line = { delayMs: minLatencyMs, resendChance, resendMs }
  const question = { nodes: rivalNodes, edges, line, heads, headBytes, pauseMs, limitMs: 20_000 }
  return askGossipsub(context, question).catch((error: Error) => {
    context.say(`gossipsub does not run: ${error.message.slice(0, 300)}`)
    return null
  })
}

function p99({ delaysMs }: { delaysMs: readonly number[] }): number {
  return percentile(delaysMs, 99)
}

function described({
  delaysMs,
  missed,
  bytesPerHead,
}: Pick<Spread, 'delaysMs' | 'missed' | 'bytesPerHead'>): string {
  const [half, most, last] = [
    percentile(delaysMs, 50),
    percentile(delaysMs, 99),
    delaysMs.at(-1) ?? Number.NaN,
  ]
  return `p50 ${Math.round(half)} ms, p99 ${Math.round(most)} ms, last ${Math.round(last)} ms, ${missed} missed, ${Math.round(bytesPerHead)} bytes a node and head`
}

const apps = 10_000
const differences = 10

/** Two nodes with 10,000 apps that differ in ten, beside sending the list. */
export async function antiEntropy(context: BenchContext): Promise<Finding[]> {
  const heads = Array.from({ length: apps }, (_, at) => makeHead(`release/greenhouse-${at}.example`, [at, 0]))
  const bytes: number[] = []
  for (const seed of seeds) {
    const company = new Company(['a', 'b'], seed)
    for (const name of company.nodes.keys())
      for (const head of heads) company.feed(name, { type: 'changed', head })
    const random = new SeededRandom(seed)
    for (let at = 0; at < differences; at++) {
      const { key } = random.pick(heads)
      const name = at % 2 === 0 ? 'a' : 'b'
      company.feed(name, { type: 'changed', head: makeHead(key, [apps + at, 0], 'newer') })
    }
    company.link('a', 'b')
    company.settle()
    if (!company.isAgreed()) throw new Error('the two did not agree')
    context.say(`seed ${seed}: ${company.overheadBytes} bytes in ${company.messages} messages`)
    bytes.push(company.overheadBytes)
  }
  let listBytes = 0
  for (let at = 0; at < apps; at += messageLimits.idsPerMessage) {
    const ids = heads.slice(at, at + messageLimits.idsPerMessage)
    listBytes += encodeMessage({ t: 'have', ids }).length + 4
  }
  const common = { bench, samples: seeds.length, op: '<=' } as const
  return [
    {
      ...common,
      question: 'anti-entropy, 10,000 apps and 10 differences, besides the ten records',
      metric: 'anti_entropy_bytes',
      value: median(bytes),
      unit: 'bytes',
      rival: 'sending the list, one way',
      rivalValue: listBytes,
      goalOf: 'value',
      goalValue: 8 * 1024,
    },
    {
      ...common,
      samples: 1,
      question: 'memory for a head beside its bytes, 40,000 of them',
      metric: 'head_memory',
      value: memoryPerHead(40_000),
      unit: 'bytes',
      rival: 'none',
      rivalValue: null,
      goalOf: 'value',
      goalValue: 1_024,
    },
  ]
}

/** Growth of the heap when so many heads are held, without their bytes but with their keys and digests. */
function memoryPerHead(count: number): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage().heapUsed
  const sync = new HeadSync(new SeededRandom(1))
  for (let at = 0; at < count; at++) {
    sync.on({ type: 'changed', head: makeHead(`release/greenhouse-${at}.example`, [at, 0], '', 1_000) }, 0)
  }
  sync.summary()
  collect()
  return (process.memoryUsage().heapUsed - before) / sync.summary().count
}
