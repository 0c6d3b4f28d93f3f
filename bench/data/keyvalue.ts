/** Keys set and read from inside a sandbox, against SQLite's own calls at the same durability. */
import { execFile } from 'node:child_process'
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { median, type BenchContext, type Finding } from '../benchmark.ts'
import type { Order, Rates } from './keyvalue-subject.ts'

const bench = 'data'
const rounds = 3
/** Half of what the library does; what a call costs on its way is what this is about. */
const goalValue = 0.5

export async function keyvalue(context: BenchContext): Promise<Finding[]> {
  const ask = await subject(context)
  const findings: Finding[] = []
  for (const durability of ['full', 'normal'] as const) {
    const [guest, direct]: [Rates[], Rates[]] = [[], []]
    for (let round = 0; round < rounds; round += 1) {
      const amounts = { durability, sets: durability === 'full' ? 500 : 50_000, gets: 5_000 }
      guest.push(await ask({ who: 'guest', ...amounts }))
      direct.push(await ask({ who: 'direct', ...amounts }))
    }
    const sqlite = direct[0]?.sqlite ?? ''
    const compare = (what: string, own: keyof Rates, other: keyof Rates): Finding => ({
      bench,
      question: `keyvalue ${what} from a sandbox, durability ${durability}`,
      metric: `keyvalue_${what.replace(/\W+/g, '_')}_${durability}`,
      value: median(guest.map((rates) => rates[own] as number)),
      unit: '/s',
      samples: rounds,
      rival: `${sqlite} directly`,
      rivalValue: median(direct.map((rates) => rates[other] as number)),
      goalOf: 'ratio',
      op: '>=',
      goalValue,
    })
    findings.push(compare('set', 'setsPerSecond', 'setsPerSecond'))
    if (durability === 'normal') continue
    findings.push(compare('get', 'getsPerSecond', 'getsPerSecond'))
    findings.push(compare('get-many of 100', 'batchedGetsPerSecond', 'getsPerSecond'))
  }
  for (const { question, value } of findings) context.say(`${question}: ${Math.round(value ?? 0)}/s`)
  return findings
}

/** A program of its own, beside the storage thread's. */
async function subject({ root }: BenchContext): Promise<(order: Order) => Promise<Rates>> {
  const folder = join(root, 'build/run/data')
  await mkdir(folder, { recursive: true })
  const program = join(folder, 'keyvalue-subject.mjs')
  await build({
    entryPoints: [join(root, 'bench/data/keyvalue-subject.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    target: 'node18',
    format: 'esm',
    inject: [join(root, 'core/compat.ts')],
    packages: 'external',
    logLevel: 'warning',
  })
  for (const file of ['storage.mjs', 'node-sqlite3-wasm.wasm'])
    await copyFile(join(root, 'dist', file), join(folder, file))
  const run = promisify(execFile)
  return async (order) => {
    const args = ['--no-warnings', program, JSON.stringify(order)]
    const { stdout } = await run(process.execPath, args, { cwd: root, timeout: 120_000 })
    return JSON.parse(stdout) as Rates
  }
}
