/**
 * What an idle node with one small app takes of the memory: its proportional set size, on a copy of Node.js of its own,
 * so that no other process of the machine carries a part of the program's pages.
 */
import { spawn } from 'node:child_process'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Stage } from '../../demo/stage.ts'
import { median, type BenchContext, type Finding } from '../benchmark.ts'
import { pssMb } from '../first-light/node.ts'
import { serviceEnvironment } from '../service-environment.ts'

const rounds = 5
const roundMs = 2_000
/** Until what a start needed has been given back. */
const settleMs = 45_000
const startMs = 60_000
const goalMb = 80

/** Its light never changes: the app reads it and has nothing to say. */
const config = `
[sensors.light]
driver = "simulated"
shape = "constant"
value = 400
unit = "lx"

[pins.led]
driver = "simulated"
`

export async function idle({ root, say }: BenchContext): Promise<Finding[]> {
  const stage = await Stage.open(root)
  try {
    const node = join(stage.folder, 'node')
    await copyFile(process.execPath, node)
    const daemon = await stage.up(
      { name: 'idle', group: 'bench', config, node, env: serviceEnvironment },
      AbortSignal.timeout(startMs),
    )
    await stage.mustRun([
      'publish',
      join(root, 'components/light-alarm'),
      '--no-build',
      '--data',
      daemon.data,
      '--wait',
    ])
    await sleep(settleMs)
    const own: number[] = []
    while (own.length < rounds) {
      own.push(await pssMb(daemon.pid))
      await sleep(roundMs)
    }
    daemon.kill('SIGTERM')
    await daemon.exited
    const bare = await bareMb(node)
    say(`PSS, MB: ${own.map((value) => value.toFixed(1)).join(' ')}; node that waits: ${bare.toFixed(1)}`)
    return [
      {
        bench: 'hosts',
        question: `PSS of an idle node with one small app, Node.js ${process.versions.node}`,
        metric: 'idle_pss',
        value: median(own),
        unit: 'MB',
        samples: rounds,
        rival: 'node that waits',
        rivalValue: bare,
        goalOf: 'value',
        op: '<=',
        goalValue: goalMb,
      },
    ]
  } finally {
    await stage.close()
  }
}

async function bareMb(node: string): Promise<number> {
  const child = spawn(node, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  try {
    await sleep(roundMs)
    return await pssMb(child.pid as number)
  } finally {
    child.kill('SIGKILL')
  }
}
