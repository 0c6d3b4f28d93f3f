/** Each member's own record: what it is, where it can be dialled, and what runs on it. */
import { RateLimit, type Head } from '../heads/index.ts'
import type { NodeId, NodeRecord } from '../identity/index.ts'
import { membershipProblems } from '../membership/index.ts'
import type { HeadKind, Holdings } from './kind.ts'

const prefix = 'node/'
/** Records of one node taken at once and per second; a node sends at most ten in a second, and few in a minute. */
const recordBurst = 200
const recordsPerSecond = 10

export function nodeKind({ identity, credentials, records, clock, onOwnRecord }: Holdings): HeadKind {
  /** One for each member that has ever had a record here. */
  const rates = new Map<NodeId, RateLimit>()
  const requireRate = (node: NodeId): void => {
    const now = clock.monotonicMs()
    const rate = rates.get(node) ?? new RateLimit(recordsPerSecond, recordBurst, now)
    rates.set(node, rate)
    if (rate.take(now)) return
    throw membershipProblems.error('ERR_NODE_RECORD_RATE', `${node} changes its record too often`)
  }
  return {
    prefix,
    // Every node makes them, again and again: passing each on at once would be most of what a mesh says.
    isUnhurried: true,
    heads() {
      return records
        .all()
        .flatMap(({ record }) => (credentials.isMember(record.node) ? [headOf(record)] : []))
    },
    head(node) {
      const held = records.get(node)
      return held === null || !credentials.isMember(node) ? null : headOf(held.record)
    },
    async accept(bytes) {
      const { record, outcome } = await records.offer(bytes, (node) => {
        if (credentials.isMember(node)) return requireRate(node)
        throw membershipProblems.error('ERR_NODE_RECORD_STRANGER', `${node} is no member of this mesh`)
      })
      if (record.node === identity.nodeId && outcome === 'accepted') await onOwnRecord(record.report.boot)
      return outcome
    },
  }
}

function headOf({ node, report, digest, bytes }: NodeRecord): Head {
  return { key: `${prefix}${node}`, order: [report.boot, report.number], digest, bytes }
}
