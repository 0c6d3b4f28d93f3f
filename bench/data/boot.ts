/**
 * Power comes back and nobody else is there: how long from the start of the process until an app has handled an event of
 * its sensor? The node was killed before, and the marks of the apps that ran in it are made those of another run of the
 * machine, so it starts as after a power cut: an app that was there when a node died on a machine that went on would be
 * suspected, and wait. Program, data and Node.js itself are dropped from the page cache where `dd` can. The rival is a
 * bare Node.js that starts and ends, as cold: nothing of ours can take less.
 */
import { spawn, spawnSync } from 'node:child_process'
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Stage, type Daemon } from '../../demo/stage.ts'
import { median, type BenchContext, type Finding } from '../benchmark.ts'

const patienceMs = 60_000
/** Until what a start leaves for later is done, as keeping compiled code. */
const settleMs = 8_000
const app = 'light-alarm'
const config = `
[sensors.light]
driver = "simulated"
shape = "steps"
values = [10, 900]
unit = "lx"
period = "1s"

[pins.led]
driver = "simulated"
`

export async function boot({ root, say, full }: BenchContext): Promise<Finding[]> {
  const rounds = full ? 21 : 7
  const stage = await Stage.open(root)
  const cold: number[] = []
  const warm: number[] = []
  const bareCold: number[] = []
  const bareWarm: number[] = []
  // Of its own, so that no other process keeps its pages.
  const runtime = join(stage.folder, 'runtime', 'node')
  try {
    await mkdir(dirname(runtime))
    await copyFile(process.execPath, runtime)
    let node = await start(stage, runtime, false)
    await stage.mustRun([
      'publish',
      join(root, 'components', app),
      '--no-build',
      '--data',
      node.data,
      '--wait',
    ])
    await firstEvent(node)
    for (let round = 0; round < rounds; round++) {
      for (const times of [cold, warm]) {
        node.kill('SIGKILL')
        await node.exited
        await bootAnew(node.data)
        if (times === cold) await dropFromCache(dirname(runtime))
        const bare = times === cold ? bareCold : bareWarm
        bare.push(await bareStart(runtime))
        if (times === cold)
          for (const folder of [dirname(runtime), join(root, 'dist'), stage.folder])
            await dropFromCache(folder)
        const startedMs = Date.now()
        node = await start(stage, runtime, true)
        times.push((await firstEvent(node)) - startedMs)
        await sleep(settleMs)
      }
    }
  } finally {
    await stage.close()
  }
  say(`cold ms: ${list(cold)}; warm ms: ${list(warm)}; bare: ${list(bareCold)}; ${list(bareWarm)}`)
  const shared = {
    bench: 'data',
    unit: 'ms',
    samples: rounds,
    rival: 'Node.js that does nothing',
    goalOf: 'value',
    op: '<=',
    goalValue: 2_000,
  } as const
  return [
    {
      ...shared,
      question: 'cold boot to the first handled sensor event, no network',
      metric: 'boot_cold',
      value: median(cold),
      rivalValue: median(bareCold),
    },
    {
      ...shared,
      question: 'the same, files in the page cache',
      metric: 'boot_warm',
      value: median(warm),
      rivalValue: median(bareWarm),
    },
  ]
}

function list(times: readonly number[]): string {
  return times.map(Math.round).join(' ')
}

function start(stage: Stage, node: string, offline: boolean): Promise<Daemon> {
  return stage.up({ name: 'lobby-1', group: 'lobby', config, offline, node }, AbortSignal.timeout(patienceMs))
}

/** What ran is known to have run before the machine was switched on, and not to have ended the node. */
async function bootAnew(data: string): Promise<void> {
  const folder = join(data, 'apps')
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.alive.json')) continue
    const mark = JSON.parse(await readFile(join(folder, name), 'utf8')) as object
    await writeFile(join(folder, name), JSON.stringify({ ...mark, boot: 'an earlier one' }))
  }
}

/** @returns when it was handled in this life of the daemon, by the clock of this machine, ms */
async function firstEvent({ client }: Daemon): Promise<number> {
  const untilMs = Date.now() + patienceMs
  while (Date.now() < untilMs) {
    const handled = (await client.logs({ app })).find(({ message }) => /^event \d+: /.test(message))
    if (handled !== undefined) return handled.time
    await sleep(20)
  }
  throw new Error(`no event was handled in ${patienceMs} ms`)
}

/** As after a start of the machine. */
async function dropFromCache(folder: string): Promise<void> {
  spawnSync('sync', ['-f', folder])
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await dropFromCache(path)
    else if (entry.isFile()) spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' })
  }
}

async function bareStart(runtime: string): Promise<number> {
  const startedMs = performance.now()
  const child = spawn(runtime, ['-e', '0'], { stdio: 'ignore' })
  await new Promise((resolve) => child.once('exit', resolve))
  return performance.now() - startedMs
}
