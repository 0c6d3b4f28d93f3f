/** What waits in the journals of messages: for whom, how much, and since when. */
import type { JournalReport, MessageReport, WaitingReport } from '../api/index.ts'
import type { DurableQueue, QueueItem, QueueLimits } from '../queue/index.ts'
import type { TopicDirectory } from './directory.ts'
import { openEnvelope } from './envelope.ts'
import type { Subscriptions } from './subscriptions.ts'

/** Messages that are looked at for one report; beyond, figures are told as least ones. */
const lookedAt = 5_000
const atOnce = 250

interface ReportNeeds {
  readonly out: DurableQueue
  readonly into: DurableQueue
  readonly subscriptions: Subscriptions
  readonly directory: TopicDirectory
  isAway(node: string): boolean
  isConnected(node: string): boolean
  isRead(name: string): boolean
  readonly figures: Pick<MessageReport, 'counts' | 'journals'>
}

/** @throws what the disk says */
export async function messageReport(needs: ReportNeeds): Promise<MessageReport> {
  const { out, into, subscriptions, directory } = needs
  const [leaving, arrived] = [await lanesOf(out), await lanesOf(into)]
  const topics = new Set([...directory.declared(), ...subscriptions.topics, ...leaving.topics.keys()])
  const nodeState = (node: string): WaitingReport['state'] =>
    needs.isConnected(node) ? 'connected' : needs.isAway(node) ? 'away' : 'idle'
  return {
    topics: [...topics].sort().map((topic) => ({
      topic,
      ...directory.facts(topic),
      heardBy: subscriptions.hearing(topic),
      nodes: directory
        .nodesFor(topic)
        .map((node) => directory.nameOf(node))
        .sort(),
      leaving: leaving.topics.get(topic) ?? 0,
      arrived: arrived.topics.get(topic) ?? 0,
    })),
    waiting: [
      ...[...leaving.lanes].map(([node, lane]) =>
        waitingOf(directory.nameOf(node), 'node', nodeState(node), lane),
      ),
      ...subscriptions.names.map((name) =>
        waitingOf(name, 'subscription', needs.isRead(name) ? 'read' : 'waiting', arrived.lanes.get(name)),
      ),
    ],
    ...needs.figures,
    isPartial: leaving.isPartial || arrived.isPartial,
  }
}

interface Lane {
  waiting: number
  oldest: QueueItem
  readonly topics: Map<string, number>
}

interface Lanes {
  readonly lanes: ReadonlyMap<string, Lane>
  readonly topics: ReadonlyMap<string, number>
  readonly isPartial: boolean
}

async function lanesOf(queue: DurableQueue): Promise<Lanes> {
  const lanes = new Map<string, Lane>()
  const topics = new Map<string, number>()
  let after = 0
  for (let seen = 0; seen < lookedAt;) {
    const items = await queue.peek(after, atOnce)
    for (const item of items) {
      const topic = topicOf(item)
      const lane = lanes.get(item.lane) ?? { waiting: 0, oldest: item, topics: new Map() }
      lane.waiting += 1
      for (const counted of [lane.topics, topics]) counted.set(topic, (counted.get(topic) ?? 0) + 1)
      lanes.set(item.lane, lane)
      after = item.id
    }
    seen += items.length
    if (items.length < atOnce) return { lanes, topics, isPartial: false }
  }
  return { lanes, topics, isPartial: true }
}

function topicOf(item: QueueItem): string {
  try {
    return openEnvelope(item.body).message.topic
  } catch {
    return '?'
  }
}

function waitingOf(
  name: string,
  kind: WaitingReport['kind'],
  state: WaitingReport['state'],
  lane: Lane | undefined,
): WaitingReport {
  return {
    for: name,
    kind,
    state,
    waiting: lane?.waiting ?? 0,
    oldestMs: lane?.oldest.addedMs ?? null,
    lastError: lane?.oldest.lastError ?? null,
    topics: Object.fromEntries(lane?.topics ?? []),
  }
}

export function journalOf(
  queue: DurableQueue,
  limits: QueueLimits,
  problem: string | null = null,
): JournalReport {
  const { waiting, taken, bytes, dropped, duplicates } = queue.counts()
  return {
    items: waiting + taken,
    bytes,
    mostItems: limits.items,
    mostBytes: limits.bytes,
    ...(problem !== null && { problem }),
    whenFull: limits.whenFull,
    dropped,
    duplicates,
  }
}
