/**
 * From a reading on a serial line to a pin in sysfs through a component, against the script that somebody would write
 * for it; and a thousand readings a second, as long as it takes to see memory that grows.
 */
import { execFile, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { percentile } from '../../test/sim/spread.ts'
import type { BenchContext, Finding } from '../benchmark.ts'
import type { EventsOrder, EventsResult } from './events-subject.ts'

const edges = 2_000
const rival = 'a script that reads the line and writes the file'

export async function events(context: BenchContext): Promise<Finding[]> {
  const why = whyNot()
  if (why !== null)
    return [{ ...figure('edge_p50', 'a reading to a pin', 'ms', 2), value: null, skipped: why }]
  const ask = await subject(context)
  const floodMs = context.full ? 600_000 : 30_000
  const script = await ask({ who: 'script', edges, floodMs: 0, delivery: 'at-most-once' })
  const node = await ask({ who: 'selvedge', edges, floodMs, delivery: 'at-least-once' })
  const quick = await ask({ who: 'selvedge', edges, floodMs: 0, delivery: 'at-most-once' })
  const findings: Finding[] = []
  for (const [percent, goalValue] of [
    [50, 2],
    [99, 10],
  ] as const) {
    findings.push({
      ...figure(`edge_p${percent}`, `a reading to a pin, p${percent}`, 'ms', goalValue),
      value: at(quick.edgeMs, percent),
      samples: quick.edgeMs.length,
      rival,
      rivalValue: at(script.edgeMs, percent),
    })
  }
  // Each waits for the disk before it counts; that is what the promise costs, and no goal is about it.
  context.say(
    `at least once: p50 ${at(node.edgeMs, 50).toFixed(2)}, p99 ${at(node.edgeMs, 99).toFixed(2)} ms`,
  )
  const { flood } = node
  if (flood !== null) {
    const rate = `${flood.sent} readings in ${floodMs / 1_000} s, at least once`
    const [first = Number.NaN, last = Number.NaN] = [flood.pssMb[1], flood.pssMb.at(-1)]
    context.say(`${rate}: ${JSON.stringify(flood)}`)
    findings.push(
      { ...figure('flood_lost', `${rate}: not handled`, 'readings', 0), value: flood.sent - flood.handled },
      {
        ...figure('flood_growth', `${rate}: memory at the end over that at 15 %`, '×', 1.1),
        value: last / first,
      },
    )
  }
  for (const { question, value, unit } of findings) context.say(`${question}: ${value?.toFixed(2)} ${unit}`)
  return findings
}

function figure(metric: string, question: string, unit: string, goalValue: number): Omit<Finding, 'value'> {
  return {
    bench: 'data',
    question,
    metric,
    unit,
    samples: 1,
    rival: '–',
    rivalValue: null,
    goalOf: 'value',
    op: '<=',
    goalValue,
  }
}

function at(values: readonly number[], percent: number): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    percent,
  )
}

/** @returns why it cannot be measured here; null where it can */
function whyNot(): string | null {
  if (process.getuid?.() !== 0) return 'needs root, for a /sys/class of its own'
  if (spawnSync('socat', ['-V']).error !== undefined) return 'needs socat: run `apt-get install socat`'
  if (spawnSync('unshare', ['-m', 'true']).status !== 0) return 'needs mount namespaces'
  return null
}

async function subject({
  root,
}: BenchContext): Promise<(order: Omit<EventsOrder, 'root'>) => Promise<EventsResult>> {
  const folder = join(root, 'build/run/data')
  await mkdir(folder, { recursive: true })
  const program = join(folder, 'events-subject.mjs')
  await build({
    entryPoints: [join(root, 'bench/data/events-subject.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    target: 'node18',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  })
  const run = promisify(execFile)
  return async (order) => {
    const classes = await mkdtemp(join(tmpdir(), 'selvedge-class-'))
    try {
      const script = 'mount --bind "$0" /sys/class && exec "$@"'
      const node = [process.execPath, '--no-warnings', program, JSON.stringify({ root, ...order })]
      const { stdout } = await run('unshare', ['-m', 'sh', '-c', script, classes, ...node], {
        cwd: root,
        timeout: order.floodMs + 300_000,
        maxBuffer: 16 << 20,
      })
      return JSON.parse(stdout) as EventsResult
    } finally {
      await rm(classes, { recursive: true, force: true })
    }
  }
}
