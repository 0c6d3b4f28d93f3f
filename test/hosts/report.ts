/** `npm run hosts [OPTIONS]`: proves the product on every host of hosts.ts, and prints and writes what it found. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hosts } from './hosts.ts'
import { parseOptions, parts, usage, type HostsOptions } from './options.ts'
import { goalText } from '../foreign/index.ts'
import { jsonOf, reportText, tableOf, type Found } from './presentation.ts'
import { prove } from './proof.ts'
import { faultsOf } from './row.ts'

const recordFile = 'docs/hosts-report.md'
const ownFile = 'build/hosts/report.md'

/** Of the whole run, with everything fetched. */
const goalSeconds = 600

export async function main({ root, args }: { root: string; args: string[] }): Promise<void> {
  if (args.includes('--help')) return console.log(usage)
  const options: HostsOptions = parseOptions(args)
  const stop = new AbortController()
  const interrupt = (): void => stop.abort(new Error('interrupted'))
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  const startedAt = performance.now()
  const say = (text: string): void =>
    console.error(`${((performance.now() - startedAt) / 1_000).toFixed(0).padStart(4)} s  ${text}`)
  const { rows, previous, fileCount, steps, hasFetched } = await prove({
    root,
    options,
    signal: stop.signal,
    say,
  })
  const seconds = (performance.now() - startedAt) / 1_000
  const isWhole =
    options.hosts.length === hosts.length && options.parts.length === parts.length && options.files === ''
  const goal = isWhole ? goalText(seconds, goalSeconds, hasFetched) : null
  const found: Found = { rows, previous, fileCount, steps, seconds, goal }
  const text = await reportText(root, found)
  for (const file of options.record ? [ownFile, recordFile] : [ownFile]) {
    await mkdir(dirname(join(root, file)), { recursive: true })
    await writeFile(join(root, file), text)
  }
  if (options.json) for (const row of rows) console.log(JSON.stringify(jsonOf(row)))
  else console.log(tableOf(found).join('\n'))
  const faults = rows.flatMap((row) => faultsOf(row).map((fault) => `${row.host.name}: ${fault}`))
  for (const fault of faults) say(fault)
  if (goal !== null) say(goal)
  say(`the report is in ${options.record ? recordFile : ownFile}`)
  if (faults.length > 0) process.exitCode = 1
}
