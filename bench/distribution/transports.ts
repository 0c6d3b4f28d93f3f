/** What it costs a processor to receive and verify a megabyte, by what protects the connection. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { median, type BenchContext, type Finding } from '../benchmark.ts'
import { RivalTools } from './tools.ts'

const bench = 'distribution'
const rounds = 5
const bytes = 128 * 1024 * 1024
const runMs = 120_000
/** At 20 Mbit/s, a twentieth of a processor. */
const goalValue = 20

type Security = 'none' | 'noise' | 'tls'

const names: Readonly<Record<Security, string>> = {
  none: 'plain TCP',
  noise: 'TCP, noise, yamux',
  tls: 'TCP, TLS 1.3, yamux',
}

interface Cost {
  /** ms of all processors per 10^6 bytes. */
  readonly receiving: number
  readonly sending: number
}

/** `npm run bench -- distribution transports` */
export async function transports(context: BenchContext): Promise<Finding[]> {
  const tools = await RivalTools.open(context)
  const args = await tools.program(context.root, 'transport-cpu.mjs', '@libp2p/tls')
  const common = { bench, unit: 'ms/MB', op: '<=', goalOf: 'value', goalValue, samples: rounds } as const
  if (args === null) {
    const skipped = 'libp2p with TLS is not here'
    const question = 'CPU to receive and verify'
    return [
      {
        ...common,
        question,
        metric: 'receive_cpu',
        value: null,
        rival: names.tls,
        rivalValue: null,
        skipped,
      },
    ]
  }
  const costs: Record<Security, Cost[]> = { none: [], noise: [], tls: [] }
  for (let round = 0; round < rounds; round += 1) {
    for (const security of ['none', 'noise', 'tls'] as const)
      costs[security].push(await measure(args, security))
  }
  const of = (security: Security, side: keyof Cost): number =>
    median(costs[security].map((cost) => cost[side]))
  for (const security of ['none', 'noise', 'tls'] as const) {
    const [receiving, sending] = [of(security, 'receiving'), of(security, 'sending')]
    context.say(
      `transports: ${names[security]}: ${receiving.toFixed(2)} ms to receive and verify a MB, ${sending.toFixed(2)} to send it`,
    )
  }
  return (['tls', 'none'] as const).map((rival) => ({
    ...common,
    question: `CPU to receive and verify, ${names.noise}`,
    metric: 'receive_cpu',
    value: of('noise', 'receiving'),
    rival: names[rival],
    rivalValue: of(rival, 'receiving'),
  }))
}

async function measure(args: readonly string[], security: Security): Promise<Cost> {
  const sender = end(args, { end: 'sender', security, bytes })
  const receiver = end(args, { end: 'receiver', security, bytes, address: await sender.ready })
  const megabytes = bytes / 1_000_000
  const [receiving, sending] = await Promise.all([receiver.cpuMs, sender.cpuMs])
  return { receiving: receiving / megabytes, sending: sending / megabytes }
}

function end(args: readonly string[], order: object): { ready: Promise<string>; cpuMs: Promise<number> } {
  const child = spawn(process.execPath, [...args, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2_000)))
  const lines = createInterface({ input: child.stdout })
  const find = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL')
        reject(new Error(`no ${pattern} in time\n${complaint}`))
      }, runMs)
      lines.on('line', (line) => {
        const found = pattern.exec(line)
        if (found === null) return
        clearTimeout(timer)
        resolve(found[1] ?? '')
      })
      lines.once('close', () => {
        clearTimeout(timer)
        reject(new Error(`an end of the line ended early:\n${complaint}`))
      })
    })
  const ready = find(/^ready (.+)/)
  ready.catch(() => {})
  const cpuMs = find(/^cpu ([\d.]+)/).then(Number)
  return { ready, cpuMs }
}
