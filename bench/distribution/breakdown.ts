/** What came to a node by protocol, as its own metrics count it, and what carrying that takes at most. */
import { median } from '../benchmark.ts'
import type { LabHost } from '../../test/lab/index.ts'

/** Bytes and messages by a name: a protocol, or `heads: release` for a kind of head. */
export type Reading = ReadonlyMap<string, { readonly received: number; readonly sent: number }>

const protocolBytes = 'selvedge_mesh_bytes_total'
const protocolMessages = 'selvedge_mesh_messages_total'
const headBytes = 'selvedge_mesh_head_bytes_total'

/** What each node has counted since it started. */
export function readAll(hosts: readonly LabHost[]): Promise<Reading[]> {
  return Promise.all(hosts.map((host) => read(host)))
}

async function read({ client }: LabHost): Promise<Reading> {
  const rows = new Map<string, { received: number; sent: number }>()
  for (const { name, values } of await client.metrics()) {
    for (const { labels, value } of values) {
      const row = rowOf(name, labels)
      if (row === null) continue
      const counted = rows.get(row) ?? { received: 0, sent: 0 }
      rows.set(row, counted)
      counted[labels['direction'] === 'sent' ? 'sent' : 'received'] += value
    }
  }
  return rows
}

function rowOf(metric: string, labels: Readonly<Record<string, string | number>>): string | null {
  const protocol = String(labels['protocol']).replace(/^\/selvedge\//, '')
  if (metric === protocolBytes) return protocol
  if (metric === protocolMessages) return `${protocol}, messages`
  return metric === headBytes ? `heads: ${labels['kind']}` : null
}

/** Of each row that anything was received under: the median over the nodes of what came between two readings. */
export function received(
  before: readonly Reading[],
  after: readonly Reading[],
): { readonly row: string; readonly value: number }[] {
  const rows = new Set(after.flatMap((reading) => [...reading.keys()]))
  return [...rows]
    .map((row) => {
      const each = after.map(
        (reading, index) => (reading.get(row)?.received ?? 0) - (before[index]?.get(row)?.received ?? 0),
      )
      return { row, value: median(each) }
    })
    .filter(({ value }) => value > 0)
    .sort((a, b) => b.value - a.value)
}
