/**
 * What a component of 12 KB costs an emulated MIPS board: the first time, when a child turns it into what runs, and from
 * the cache. An empty program of the same Node.js stands beside it, as under emulation most of it is Node.js itself.
 */
import { dirname, join } from 'node:path'
import { rm } from 'node:fs/promises'
import { foreignNode } from '../../test/foreign/index.ts'
import { emptyProgramMs, figuresOf } from '../../test/hosts/figures-run.ts'
import { hosts } from '../../test/hosts/hosts.ts'
import { bundleSuite } from '../../test/hosts/suite-bundle.ts'
import { median, type BenchContext, type Finding } from '../benchmark.ts'

const rounds = 3
const [goalFirstMs, goalCachedMs] = [5_000, 1_000]

export async function prepare({ root, say }: BenchContext): Promise<Finding[]> {
  const host = hosts.find(({ name }) => name === 'mips64el')
  if (host === undefined || host.emulator === null) throw new Error('there is no host mips64el any more')
  const { emulator, ...rest } = host
  const { program, version } = await foreignNode({
    ...rest,
    emulator,
    cache: join(root, 'build/hosts'),
    say,
  })
  const suite = await bundleSuite(root, [])
  try {
    const emptyMs = await emptyProgramMs(program)
    const figures = []
    for (let round = 0; round < rounds; round += 1) figures.push(await figuresOf(root, program, suite))
    const first = figures.map(({ transpileMs }) => transpileMs)
    const cached = figures.map(({ fromCacheMs }) => fromCacheMs)
    say(`Node.js ${version}, ms: first ${list(first)}; cached ${list(cached)}; empty ${emptyMs.toFixed(0)}`)
    const finding = (question: string, metric: string, times: readonly number[], goal: number): Finding => ({
      bench: 'hosts',
      question: `light-alarm on emulated mips64el, ${question}`,
      metric,
      value: median(times),
      unit: 'ms',
      samples: rounds,
      rival: '`node -e 0` there',
      rivalValue: emptyMs,
      goalOf: 'value',
      op: '<=',
      goalValue: goal,
    })
    return [
      finding('transpiled', 'prepare_first', first, goalFirstMs),
      finding('from the cache', 'prepare_cached', cached, goalCachedMs),
    ]
  } finally {
    await rm(dirname(suite), { recursive: true, force: true })
  }
}

function list(times: readonly number[]): string {
  return times.map((ms) => ms.toFixed(0)).join(' ')
}
