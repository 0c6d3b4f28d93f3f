/**
 * Messages across an uplink that is down half of the time: two daemons of the built program, the line between them cut
 * and mended in turn, 10,000 messages sent meanwhile. What is handed over is counted by a client that listens on the
 * receiving node, which is one of its subscriptions.
 */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Stage, type Daemon } from '../../demo/stage.ts'
import type { BenchContext, Finding } from '../benchmark.ts'

const topic = 'bench/load'
const messages = 10_000
/** As long down as up each time: short enough that connections stay, and so long that they are given up. */
const turnsMs = [4_000, 16_000]
/** Publishers that wait for their message to be on the disk. */
const publishers = 8
const patienceMs = 600_000

const declared = `
[grants]
publish = ["${topic}"]

[topics."${topic}"]
scope = "mesh"
`

interface Outcome {
  /** How often each was handed over. */
  readonly handed: ReadonlyMap<string, number>
  /** Published while the line was cut. */
  readonly whileDown: number
  readonly publishMs: number
  readonly allMs: number
}

export async function messagesQuestion({ root, say }: BenchContext): Promise<Finding[]> {
  const stage = await Stage.open(root)
  try {
    const { handed, whileDown, publishMs, allMs } = await run(stage, root)
    const twice = [...handed.values()].filter((times) => times > 1).length
    say(
      `${messages} published in ${(publishMs / 1_000).toFixed(1)} s, ${whileDown} of them while the line was down; ` +
        `all there after ${(allMs / 1_000).toFixed(1)} s; the line was down and up for ${turnsMs.join(' and ')} ms in turn`,
    )
    const shared = {
      bench: 'data',
      unit: 'messages',
      samples: 1,
      goalOf: 'value',
      op: '<=',
      goalValue: 0,
    } as const
    return [
      {
        ...shared,
        question: `${messages} messages across a line that is down half of the time: lost`,
        metric: 'messages_lost',
        value: messages - handed.size,
        rival: 'sent once, without a journal',
        rivalValue: whileDown,
      },
      {
        ...shared,
        question: 'the same: handed over twice',
        metric: 'messages_handed_twice',
        value: twice,
        rival: '–',
        rivalValue: null,
      },
    ]
  } finally {
    await stage.close()
  }
}

async function run(stage: Stage, root: string): Promise<Outcome> {
  const signal = AbortSignal.timeout(patienceMs)
  const shop = await stage.up({ name: 'shop', group: 'shop', config: '' }, signal)
  const token = (await stage.mustRun(['invite', '--data', shop.data, '--group', 'cloud'])).trim()
  const cloud = await stage.up({ name: 'cloud', group: 'cloud', config: '', join: token }, signal)
  await publishDeclaration(stage, root, shop)

  const handed = new Map<string, number>()
  const ending = new AbortController()
  const listening = listen(cloud, handed, ending.signal)
  await until(signal, async () => {
    const { topics } = await shop.client.topics()
    return topics.some((one) => one.topic === topic && one.nodes.length === 1)
  })
  const line = breakLine(stage, cloud, shop)
  const startedAt = performance.now()
  const whileDown = await publishAll(shop, () => line.isDown)
  const publishMs = performance.now() - startedAt
  await until(signal, async () => handed.size >= messages)
  const allMs = performance.now() - startedAt
  await line.stop()
  // What comes a second time comes late.
  await sleep(3_000)
  ending.abort()
  await listening
  return { handed, whileDown, publishMs, allMs }
}

/** hello-http, with a topic that it declares. */
async function publishDeclaration(stage: Stage, root: string, daemon: Daemon): Promise<void> {
  const folder = join(stage.folder, 'app')
  await cp(join(root, 'components/hello-http'), folder, { recursive: true })
  const file = join(folder, 'selvedge.toml')
  await writeFile(file, `${await readFile(file, 'utf8')}\n${declared}`)
  await stage.mustRun(['publish', folder, '--no-build', '--data', daemon.data, '--wait'])
}

async function listen({ client }: Daemon, handed: Map<string, number>, signal: AbortSignal): Promise<void> {
  for await (const { body } of client.listen([topic], signal)) {
    const text = Buffer.from(body, 'base64').toString()
    handed.set(text, (handed.get(text) ?? 0) + 1)
  }
}

interface BrokenLine {
  readonly isDown: boolean
  /** Mends it for good. */
  stop(): Promise<void>
}

function breakLine(stage: Stage, cloud: Daemon, shop: Daemon): BrokenLine {
  const state = { isDown: false, isOver: false }
  const turns = (async () => {
    for (let turn = 0; !state.isOver; turn++) {
      const ms = turnsMs[turn % turnsMs.length]
      stage.lines.cutOff(['cloud'], (name) => (name === 'cloud' ? cloud : shop).pid)
      state.isDown = true
      await sleep(ms)
      stage.lines.heal()
      state.isDown = false
      if (!state.isOver) await sleep(ms)
    }
  })()
  return {
    get isDown() {
      return state.isDown
    },
    async stop() {
      state.isOver = true
      await turns
    },
  }
}

/** @returns how many were published while the line was down */
async function publishAll({ client }: Daemon, isDown: () => boolean): Promise<number> {
  let next = 0
  let whileDown = 0
  const publish = async (): Promise<void> => {
    for (let at = next++; at < messages; at = next++) {
      await client.send({ topic, body: Buffer.from(`${at}`).toString('base64') })
      if (isDown()) whileDown += 1
    }
  }
  await Promise.all(Array.from({ length: publishers }, publish))
  return whileDown
}

async function until(signal: AbortSignal, holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    signal.throwIfAborted()
    await sleep(100)
  }
}
