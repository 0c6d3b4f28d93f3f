/** One changed line in a component that each node has: what comes to a node, with all that it takes to say so. */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cp, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { labObstacle, makeLab, type Lab, type LabHost } from '../../test/lab/index.ts'
import { median, type BenchContext, type Finding } from '../benchmark.ts'
import { readAll, received, type Reading } from './breakdown.ts'
import { nodeConfig } from './contestants.ts'
import { RivalTools } from './tools.ts'

const bench = 'distribution'
const question = 'one changed line in a TypeScript component: received per node, median over 8'
const metric = 'update_bytes'
const app = 'light-alarm-ts'
const receivers = 8
const goalBytes = 10_000
const updateMs = 120_000
/** How long what the mesh says anyway is counted, before and after. */
const idleMs = 10_000
/** Between one thing and the next, so that what the first leaves behind is not counted as the other's. */
const settleMs = 5_000
/** After the last node has it: what was on its way. */
const lastFramesMs = 500

/** `npm run bench -- distribution update` */
export async function update(context: BenchContext): Promise<Finding[]> {
  const common = {
    bench,
    question,
    metric,
    unit: 'bytes',
    op: '<=',
    goalOf: 'value',
    goalValue: goalBytes,
  } as const
  const obstacle = labObstacle()
  if (obstacle !== null) {
    return [{ ...common, value: null, samples: 0, rival: 'whole', rivalValue: null, skipped: obstacle }]
  }
  const names = Array.from({ length: receivers }, (_, index) => `node-${index + 1}`)
  const lab = await makeLab({ hosts: ['seed', ...names], root: context.root })
  try {
    const { before, after } = await makeVersions(context, lab)
    const bytes = await measure(context, lab, before, after)
    const rivals = await otherWays(context, lab, componentOf(before), componentOf(after))
    const value = median(bytes)
    return rivals.map(({ name, sizeBytes }) => ({
      ...common,
      value,
      samples: receivers,
      rival: name,
      rivalValue: sizeBytes,
    }))
  } finally {
    lab.close()
  }
}

/** App folders, built: as it is in the checkout, and with one line changed. */
async function makeVersions(
  { root, say }: BenchContext,
  lab: Lab,
): Promise<{ before: string; after: string }> {
  const folders = { before: join(lab.folder, 'before'), after: join(lab.folder, 'after') }
  for (const folder of Object.values(folders))
    await cp(join(root, 'components', app), folder, { recursive: true })
  const changed = join(folders.after, 'src/handler.ts')
  const source = await readFile(changed, 'utf8')
  const edited = source.replace('led ${lit', 'the led is ${lit')
  if (edited === source) throw new Error(`${app} has no such line to change`)
  await writeFile(changed, edited)
  // Both anew, by the same build: what lies in the checkout may be of another one.
  for (const folder of Object.values(folders)) {
    const built = spawnSync(process.execPath, [join(root, 'dist/selvedge.mjs'), 'build', folder], {
      encoding: 'utf8',
    })
    if (built.status !== 0) throw new Error(`the build of ${app} failed:\n${built.stderr}`)
  }
  const sizes = [await stat(componentOf(folders.before)), await stat(componentOf(folders.after))]
  say(`update: components of ${sizes.map(({ size }) => size).join(' and ')} bytes`)
  return folders
}

function componentOf(folder: string): string {
  return join(folder, 'build', `${app}.wasm`)
}

/** @returns of each receiver: frames with the update, less what the mesh says anyway in that time */
async function measure({ say }: BenchContext, lab: Lab, before: string, after: string): Promise<number[]> {
  const [seed, ...others] = lab.hosts as [LabHost, ...LabHost[]]
  await lab.formMesh({ config: nodeConfig })
  const publish = async (folder: string, version: string, until: string): Promise<void> => {
    const arrivals = others.map((host) =>
      host.until(
        `${app} ${version}`,
        ({ event, fields }) => event === until && fields['version'] === version,
        updateMs,
      ),
    )
    await seed.mustRun(['publish', folder, '--no-build', '--version', version])
    await Promise.all(arrivals)
  }
  await publish(before, '1.0.0', 'app:running')
  await sleep(settleMs)
  const idleBefore = await countFor(others, () => sleep(idleMs))
  const counted = [await readAll(others)]
  const startedAt = performance.now()
  const total = await countFor(others, async () => {
    await publish(after, '1.0.1', 'app:fetched')
    await sleep(lastFramesMs)
  })
  const tookMs = performance.now() - startedAt
  counted.push(await readAll(others))
  await sleep(settleMs)
  const idleAfter = await countFor(others, () => sleep(idleMs))
  const bytes = total.map((sum, index) => {
    const idle = ((idleBefore[index] ?? 0) + (idleAfter[index] ?? 0)) / 2
    return sum - (idle / idleMs) * tookMs
  })
  const idlePerSecond = median([...idleBefore, ...idleAfter]) / (idleMs / 1_000)
  say(
    `update: each ${bytes.map(Math.round).join(' ')} bytes; beside it ${Math.round(idlePerSecond)} bytes/s of membership`,
  )
  sayBreakdown(say, `until the last had it, ${(tookMs / 1_000).toFixed(1)} s`, counted)
  say(`update: everybody had it after ${(tookMs / 1_000).toFixed(1)} s`)
  for (const host of others.slice(0, 2)) {
    const fetched = host.events.filter(
      ({ event, fields }) => event === 'app:fetched' && fields['version'] === '1.0.1',
    )
    say(
      `update: ${host.name} took ${String(fetched[0]?.fields['fetchedBytes'])} bytes of the component from peers`,
    )
  }
  return bytes
}

/** By protocol, as the nodes count what they are told: without what packets, ciphers and acknowledgements add. */
function sayBreakdown(say: BenchContext['say'], when: string, [before = [], after = []]: Reading[][]): void {
  const rows = received(before, after).map(({ row, value }) => `${row} ${Math.round(value)}`)
  say(`update: received ${when}: ${rows.join(', ')}`)
}

async function countFor(hosts: readonly LabHost[], during: () => Promise<void>): Promise<number[]> {
  const before = hosts.map(({ traffic }) => traffic.receivedBytes)
  await during()
  return hosts.map(({ traffic }, index) => traffic.receivedBytes - (before[index] ?? 0))
}

/** What others would move for the same change: of files alone, without a network around them. */
async function otherWays(
  context: BenchContext,
  lab: Lab,
  before: string,
  after: string,
): Promise<{ name: string; sizeBytes: number | null }[]> {
  const tools = await RivalTools.open(context)
  const run = (name: string, args: readonly string[]): boolean => {
    const tool = tools.find(name)
    if (tool === null) return false
    const env = { ...process.env, ...tool.env }
    return spawnSync(tool.program, args, { env, cwd: lab.folder, timeout: updateMs }).status === 0
  }
  const sized = async (
    name: string,
    done: boolean,
    file: string,
  ): Promise<{ name: string; sizeBytes: number | null }> => {
    return { name, sizeBytes: done ? (await stat(join(lab.folder, file))).size : null }
  }
  const tag = randomBytes(4).toString('hex')
  const file = (suffix: string): string => `${tag}.${suffix}`
  const zchunk = (from: string, to: string): boolean => run('zck', ['-o', to, from])
  const isCut = zchunk(before, file('old.zck')) && zchunk(after, file('new.zck'))
  return [
    await sized('whole, zstd -19', run('zstd', ['-19', '-q', after, '-o', file('zst')]), file('zst')),
    await sized('bsdiff', run('bsdiff', [before, after, file('bsdiff')]), file('bsdiff')),
    await sized(
      'zstd -19 --patch-from',
      run('zstd', ['-19', '-q', `--patch-from=${before}`, after, '-o', file('patch')]),
      file('patch'),
    ),
    {
      name: 'zchunk',
      sizeBytes: isCut ? downloadOfZchunk(tools, lab, file('old.zck'), file('new.zck')) : null,
    },
    { name: 'casync', sizeBytes: await missingOfCasync(run, lab, before, after, tag) },
  ]
}

/** Header and the chunks that the old file does not have, as `zck_delta_size` counts them. */
function downloadOfZchunk(tools: RivalTools, lab: Lab, before: string, after: string): number | null {
  const tool = tools.find('zck_delta_size')
  if (tool === null) return null
  const env = { ...process.env, ...tool.env }
  const { stdout } = spawnSync(tool.program, [before, after], { env, cwd: lab.folder, encoding: 'utf8' })
  const found = /Would download (\d+) of/.exec(stdout)
  return found === null ? null : Number(found[1])
}

/** The index of the new file and those of its chunks that are not in the store of the old one. */
async function missingOfCasync(
  run: (name: string, args: readonly string[]) => boolean,
  lab: Lab,
  before: string,
  after: string,
  tag: string,
): Promise<number | null> {
  const store = `--store=${join(lab.folder, `${tag}.castr`)}`
  if (!run('casync', ['make', store, `${tag}.old.caibx`, before])) return null
  const old = await sizeOfFolder(join(lab.folder, `${tag}.castr`))
  if (!run('casync', ['make', store, `${tag}.new.caibx`, after])) return null
  const index = (await stat(join(lab.folder, `${tag}.new.caibx`))).size
  return (await sizeOfFolder(join(lab.folder, `${tag}.castr`))) - old + index
}

async function sizeOfFolder(folder: string): Promise<number> {
  let sum = 0
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    sum += entry.isDirectory() ? await sizeOfFolder(path) : (await stat(path)).size
  }
  return sum
}

function sleep(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms))
}
