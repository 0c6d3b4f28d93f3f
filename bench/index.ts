/** `npm run bench -- [NAME [QUESTION]] [--json] [--full] [--rivals=DIR]`: exit 1 when a goal is missed, 2 for an unknown name. */
import { spawnSync } from 'node:child_process'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { formatTable, meetsGoal, type Benchmark, type Finding } from './benchmark.ts'
import { data } from './data/index.ts'
import { distribution } from './distribution/index.ts'
import { engine } from './engine/index.ts'
import { firstLight } from './first-light/index.ts'
import { guests } from './guests/index.ts'
import { hosts } from './hosts/index.ts'
import { membership } from './membership/index.ts'

/** A benchmark is one folder and one line here. */
const benchmarks: readonly Benchmark[] = [firstLight, engine, guests, distribution, membership, data, hosts]

export async function main({ root, args }: { root: string; args: string[] }): Promise<void> {
  const json = args.includes('--json')
  const [name, question = null] = args.filter((arg) => !arg.startsWith('-'))
  const rivalsOption = args.find((arg) => arg.startsWith('--rivals='))?.slice('--rivals='.length)
  const rivals = rivalsOption ?? process.env['SELVEDGE_BENCH_RIVALS'] ?? null
  const full = args.includes('--full')
  const chosen = benchmarks.filter((bench) => name === undefined || bench.name === name)
  if (chosen.length === 0) {
    console.error(`error: no benchmark is named ${name}`)
    console.error(`hint: there is ${benchmarks.map((bench) => bench.name).join(', ')}`)
    process.exitCode = 2
    return
  }
  build(root)
  const findings: Finding[] = []
  for (const bench of chosen) {
    const say = (text: string): void => console.error(`${bench.name}: ${text}`)
    const found = await bench.run({ root, say, question, rivals, full })
    if (json) for (const finding of found) console.log(JSON.stringify(finding))
    findings.push(...found)
  }
  if (!json) {
    const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: root,
      encoding: 'utf8',
    }).stdout?.trim()
    console.log(formatTable(findings))
    console.log(
      `\n${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, Linux ${release()}, Node ${process.version}, commit ${commit}`,
    )
  }
  if (!findings.every(meetsGoal)) process.exitCode = 1
}

function build(root: string): void {
  for (const script of ['ensure-bundle.mjs', 'build-components.mjs']) {
    const result = spawnSync(process.execPath, [join(root, 'scripts', script)], {
      cwd: root,
      stdio: ['ignore', 2, 2],
    })
    if (result.status !== 0) throw new Error(`scripts/${script} failed`)
  }
}
