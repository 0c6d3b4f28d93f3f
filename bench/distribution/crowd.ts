/** How a message is spread among many nodes of one process, whatever carries it; each child of this benchmark answers so. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { DelayedLinks, type LineQuality } from './delayed-links.ts'

export interface CrowdQuestion {
  readonly nodes: number
  /** Pairs of nodes, by number. */
  readonly edges: readonly (readonly [number, number])[]
  readonly line: LineQuality
  readonly heads: number
  readonly headBytes: number
  readonly pauseMs: number
  /** For the last node to hear of the last head. */
  readonly limitMs: number
}

export interface CrowdAnswer {
  /** From publishing to each other node that heard of it, sorted. */
  readonly delaysMs: readonly number[]
  readonly missed: number
  /** Through the wires per head and node, ciphers and framing included. */
  readonly bytesPerHead: number
  readonly cpuMs: number
  /** How late this process ran its timers, p99: where that is as long as the wires, the figures are the machine's. */
  readonly lagMs: number
}

/** One node of a crowd. */
export interface Member {
  readonly port: number
  dial(port: number, peer: Member): Promise<void>
  /** Neighbours that would be told now. */
  neighbours(): number
  publish(name: string, bytes: Uint8Array): void
  stop(): Promise<void>
}

/** @param enter starts a node, which says what it heard of by its name */
export async function askCrowd(
  question: CrowdQuestion,
  enter: (index: number, onHeard: (name: string) => void) => Promise<Member>,
): Promise<CrowdAnswer> {
  const { nodes, edges, line, heads, headBytes, pauseMs, limitMs } = question
  const links = new DelayedLinks(line)
  const publishedMs = new Map<string, number>()
  const delaysMs: number[] = []
  const members: Member[] = []
  for (let index = 0; index < nodes; index++) {
    const heard = new Set<string>()
    const onHeard = (name: string): void => {
      const startMs = publishedMs.get(name)
      if (heard.has(name) || startMs === undefined) return
      heard.add(name)
      delaysMs.push(performance.now() - startMs)
    }
    members.push(await enter(index, onHeard))
  }
  const ports = await Promise.all(members.map(({ port }) => links.through(port)))
  const degrees = members.map(() => 0)
  for (const [a, b] of edges) {
    await (members[a] as Member).dial(ports[b] as number, members[b] as Member)
    degrees[a] = (degrees[a] ?? 0) + 1
    degrees[b] = (degrees[b] ?? 0) + 1
  }
  const isReady = (): boolean => members.every((member, at) => member.neighbours() >= (degrees[at] ?? 0))
  await until(isReady, 60_000)
  links.isOn = true
  await until(() => false, 3_000)
  const [bytesBefore, cpuBefore] = [links.bytes, process.cpuUsage()]
  const lag = monitorEventLoopDelay({ resolution: 10 })
  lag.enable()
  for (let at = 0; at < heads; at++) {
    const publisher = members[Math.floor(Math.random() * nodes)] as Member
    publishedMs.set(`app-${at}`, performance.now())
    publisher.publish(`app-${at}`, crypto.getRandomValues(new Uint8Array(headBytes)))
    await until(() => false, pauseMs)
  }
  const expected = heads * (nodes - 1)
  await until(() => delaysMs.length >= expected, limitMs)
  const { user, system } = process.cpuUsage(cpuBefore)
  const bytes = links.bytes - bytesBefore
  links.close()
  await Promise.allSettled(members.map((member) => member.stop()))
  return {
    delaysMs: delaysMs.sort((a, b) => a - b),
    missed: expected - delaysMs.length,
    bytesPerHead: bytes / heads / nodes,
    cpuMs: (user + system) / 1_000,
    lagMs: lag.percentile(99) / 1e6,
  }
}

/** Resolves when it is so, or the time is up. */
async function until(isSo: () => boolean, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs
  while (!isSo() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20))
}
