/**
 * Power comes back and nobody else is there: how long from the start of the process until an app has handled an event of
 * its sensor? The node was killed before, so it starts as after a power cut; its program and data are dropped from the
 * page cache where `dd` can. The rival is a bare Node.js that starts and ends: nothing of ours can take less.
 */
import { spawn, spawnSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Stage, type Daemon } from '../../demo/stage.ts'
import { median, type BenchContext, type Finding } from '../benchmark.ts'

const patienceMs = 60_000
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
  const bare: number[] = []
  try {
    let node = await start(stage, false)
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
        if (times === cold) for (const folder of [join(root, 'dist'), node.data]) await dropFromCache(folder)
        const startedMs = Date.now()
        node = await start(stage, true)
        times.push((await firstEvent(node)) - startedMs)
      }
      bare.push(await bareStart())
    }
  } finally {
    await stage.close()
  }
  say(`cold ms: ${cold.join(' ')}; warm ms: ${warm.join(' ')}; bare ms: ${bare.map(Math.round).join(' ')}`)
  const shared = {
    bench: 'data',
    unit: 'ms',
    samples: rounds,
    rival: 'Node.js that does nothing',
    rivalValue: median(bare),
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
    },
    { ...shared, question: 'the same, files in the page cache', metric: 'boot_warm', value: median(warm) },
  ]
}

function start(stage: Stage, offline: boolean): Promise<Daemon> {
  return stage.up({ name: 'lobby-1', group: 'lobby', config, offline }, AbortSignal.timeout(patienceMs))
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

/** As after a start of the machine; what runs at this moment, such as Node.js itself, stays. */
async function dropFromCache(folder: string): Promise<void> {
  spawnSync('sync', ['-f', folder])
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await dropFromCache(path)
    else if (entry.isFile()) spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' })
  }
}

async function bareStart(): Promise<number> {
  const startedMs = performance.now()
  const child = spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' })
  await new Promise((resolve) => child.once('exit', resolve))
  return performance.now() - startedMs
}
