/**
 * How a head spreads: many nodes with a few neighbours each run the daemon's own exchange over wires that resend now
 * and then, heads appear at one of them after the other, and it is noted when each node has each of them.
 */
import { decodeCbor, digestOf, encodeCbor, silentLog } from '../../core/index.ts'
import { createHeadExchange, type Head, type HeadExchange } from '../../mesh/heads/index.ts'
import type { SeededRandom } from './random.ts'
import type { WireQuality } from './sim-connection.ts'
import { SimNetwork } from './sim-network.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface SpreadOptions {
  readonly nodes: number
  readonly minNeighbours: number
  readonly maxNeighbours: number
  readonly wire: Partial<WireQuality>
  readonly heads: number
  /** Between two heads. */
  readonly pauseMs: number
  /** Of the record that a head is. */
  readonly headBytes: number
  /** The longest that is waited for the last node. */
  readonly limitMs: number
}

/** As the goal says it: a link takes 50 ms one way, and one message in ten is resent. */
export const issueSpread: SpreadOptions = {
  nodes: 1_000,
  minNeighbours: 6,
  maxNeighbours: 8,
  wire: { minLatencyMs: 50, maxLatencyMs: 50, resendChance: 0.1, resendMs: 200 },
  heads: 10,
  pauseMs: 700,
  headBytes: 1_000,
  limitMs: 60_000,
}

export interface Spread {
  /** From the publication to the node, for each head and each other node that had it in time; sorted. */
  readonly delaysMs: readonly number[]
  /** Nodes that lacked a head at the end, head by head. */
  readonly missed: number
  /** On the wire per node and head, framing counted, what the same nodes send without any head taken off. */
  readonly bytesPerHead: number
}

export async function spread(options: SpreadOptions, random: SeededRandom): Promise<Spread> {
  const clock = new VirtualClock()
  const network = new SimNetwork(clock, random, { wire: options.wire })
  const names = Array.from({ length: options.nodes }, (_, at) => `n${String(at).padStart(4, '0')}`)
  const published = new Map<string, number>()
  const delaysMs: number[] = []
  const exchanges = names.map((name) => {
    const transport = network.transport(name)
    transport.start()
    const exchange: HeadExchange = createHeadExchange({
      transport,
      clock,
      random,
      log: silentLog,
      async accept(key, bytes) {
        const before = exchange.get(key)
        exchange.changed(headOf(bytes))
        if (exchange.get(key) === before) return 'known'
        delaysMs.push(clock.monotonicMs() - (published.get(key) ?? Number.NaN))
        return 'accepted'
      },
    })
    exchange.start()
    return exchange
  })
  for (const [a, b] of neighbourhood(options, random)) network.connect(names[a] as string, names[b] as string)
  await clock.run(2_000)
  const sentBytes = (): number => names.reduce((sum, name) => sum + (network.find(name)?.sentBytes() ?? 0), 0)
  const quietFrom = sentBytes()
  await clock.run(2_000)
  const quietBytesPerMs = (sentBytes() - quietFrom) / 2_000
  const [startMs, startBytes] = [clock.monotonicMs(), sentBytes()]
  for (let at = 0; at < options.heads; at++) {
    const key = `release/app-${at}`
    published.set(key, clock.monotonicMs())
    random.pick(exchanges).changed(headOf(encodeCbor({ key, seq: 1, body: random.bytes(options.headBytes) })))
    await clock.run(options.pauseMs)
  }
  const isEverywhere = (): boolean => delaysMs.length === options.heads * (options.nodes - 1)
  await clock.runUntil(isEverywhere, options.limitMs).catch(() => {})
  const extraBytes = sentBytes() - startBytes - quietBytesPerMs * (clock.monotonicMs() - startMs)
  for (const exchange of exchanges) exchange.stop()
  return {
    delaysMs: delaysMs.sort((a, b) => a - b),
    missed: exchanges.reduce((sum, exchange) => sum + options.heads - exchange.summary().count, 0),
    bytesPerHead: extraBytes / options.heads / options.nodes,
  }
}

/** The value below which so many of a hundred are. @param sorted ascending, not empty */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN
}

/** Random edges, so many at each node; connected with all but no chance of the contrary. */
export function neighbourhood(
  { nodes, minNeighbours, maxNeighbours }: Pick<SpreadOptions, 'nodes' | 'minNeighbours' | 'maxNeighbours'>,
  random: SeededRandom,
): [number, number][] {
  const edges = new Map<string, [number, number]>()
  const degrees = Array.from({ length: nodes }, () => 0)
  const link = (a: number, b: number): void => {
    const key = a < b ? `${a} ${b}` : `${b} ${a}`
    if (a === b || edges.has(key)) return
    edges.set(key, [a, b])
    degrees[a] = (degrees[a] as number) + 1
    degrees[b] = (degrees[b] as number) + 1
  }
  for (const [at, degree] of degrees.entries()) {
    for (let tries = 0; (degrees[at] ?? degree) < minNeighbours && tries < 1_000; tries++) {
      const other = random.below(nodes)
      if ((degrees[other] as number) < maxNeighbours || tries > 900) link(at, other)
    }
  }
  return [...edges.values()]
}

function headOf(bytes: Uint8Array): Head {
  const limits = { maxBytes: 1024 * 1024, maxDepth: 2, maxItems: 16 }
  const { key, seq } = decodeCbor(bytes, limits) as { key: string; seq: number }
  return { key, order: [seq, 0], digest: digestOf(bytes), bytes }
}
