/**
 * First light, in figures: how fast a node is there, what it weighs, what a swap costs, how fast it is back.
 *
 * Each daemon is the built program in a process of its own, alone on the machine while it is measured. The
 * rival is the bare minimum of the same run: a Node process that does nothing, or the same events without a swap.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, type BenchContext, type Benchmark, type Finding } from '../benchmark.ts'
import { bareNodeStartMs, bareNodePssMb, Bench, pssMb } from './node.ts'

const rounds = 7
/** Short ones, so that more of them are had. */
const commandRounds = 21
const name = 'first-light'

export const firstLight: Benchmark = {
  name,
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), 'selvedge-bench-'))
    const bench = new Bench(context.root, folder)
    try {
      return [
        ...(await startToReady(bench, context)),
        ...(await restartToRunning(bench, context)),
        ...(await commandStart(bench, context)),
        ...(await weight(bench, context)),
        ...(await swapGap(bench, context)),
      ]
    } finally {
      await bench.close()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

async function startToReady(bench: Bench, { say }: BenchContext): Promise<Finding[]> {
  const own: number[] = []
  const bare: number[] = []
  await bench.prepareData('empty')
  for (let round = 0; round < rounds; round += 1) {
    const node = await bench.up('empty')
    own.push(node.readyMs)
    await node.stop()
    bare.push(await bareNodeStartMs())
  }
  say(`start to ready, ms: ${own.map(Math.round).join(' ')}`)
  const isTier1 = Number(process.versions.node.split('.')[0]) >= 24
  return [startFinding('program start to ready', 'start_to_ready', own, bare, isTier1 ? 500 : 1_000)]
}

async function restartToRunning(bench: Bench, { say }: BenchContext): Promise<Finding[]> {
  const own: number[] = []
  const bare: number[] = []
  const first = await bench.up('full')
  await bench.publish(first, '1.0.0')
  await first.stop()
  for (let round = 0; round < rounds; round += 1) {
    const startedAt = performance.now()
    const node = await bench.up('full')
    await node.untilRunning()
    own.push(performance.now() - startedAt)
    await node.stop()
    bare.push(await bareNodeStartMs())
  }
  say(`restart to running, ms: ${own.map(Math.round).join(' ')}`)
  return [startFinding('restart to running from disk', 'restart_to_running', own, bare, 1_000)]
}

async function commandStart(bench: Bench, { say }: BenchContext): Promise<Finding[]> {
  const own: number[] = []
  const bare: number[] = []
  const node = await bench.up('full')
  try {
    await node.untilRunning()
    for (let round = 0; round < commandRounds; round += 1) {
      own.push(await bench.statusMs(node))
      bare.push(await bareNodeStartMs())
    }
  } finally {
    await node.stop()
  }
  say(`status, spawn to exit, ms: ${own.map(Math.round).join(' ')}`)
  const finding = startFinding('`status`, from spawn to exit', 'status_start', own, bare, 100)
  return [{ ...finding, samples: commandRounds }]
}

function startFinding(
  question: string,
  metric: string,
  own: number[],
  bare: number[],
  goalValue: number,
): Finding {
  return {
    bench: name,
    question,
    metric,
    value: median(own),
    unit: 'ms',
    samples: rounds,
    rival: 'node -e 0',
    rivalValue: median(bare),
    goalOf: 'value',
    op: '<=',
    goalValue,
  }
}

async function weight(bench: Bench, { say }: BenchContext): Promise<Finding[]> {
  const node = await bench.up('full')
  const own: number[] = []
  const bare: number[] = []
  try {
    await node.untilRunning()
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    for (let round = 0; round < rounds; round += 1) {
      own.push(await pssMb(node.pid))
      bare.push(await bareNodePssMb())
    }
  } finally {
    await node.stop()
  }
  say(`PSS, MB: ${own.map(Math.round).join(' ')}`)
  return [
    {
      bench: name,
      question: 'PSS of a node running one small app',
      metric: 'pss',
      value: median(own),
      unit: 'MB',
      samples: rounds,
      rival: 'node that idles',
      rivalValue: median(bare),
      goalOf: 'value',
      op: '<=',
      goalValue: 100,
    },
  ]
}

async function swapGap(bench: Bench, { say }: BenchContext): Promise<Finding[]> {
  const node = await bench.up('full')
  const swapping: number[] = []
  const steady: number[] = []
  try {
    await node.untilRunning()
    for (let round = 0; round < rounds; round += 1) {
      steady.push(await node.longestGapMs(() => new Promise((resolve) => setTimeout(resolve, 2_000))))
      swapping.push(await node.longestGapMs(() => bench.publish(node, `1.${round + 1}.0`)))
    }
  } finally {
    await node.stop()
  }
  say(`longest gap while swapping, ms: ${swapping.join(' ')}; without: ${steady.join(' ')}`)
  return [
    {
      bench: name,
      question: 'longest gap between events (every 200 ms) during a swap',
      metric: 'swap_gap',
      value: median(swapping),
      unit: 'ms',
      samples: rounds,
      rival: 'no swap',
      rivalValue: median(steady),
      // One sampling period, as timers keep it: without a swap the gap is a few ms over the 200 as well.
      goalOf: 'ratio',
      op: '<=',
      goalValue: 1.1,
    },
  ]
}
