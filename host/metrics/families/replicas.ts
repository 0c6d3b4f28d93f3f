/** Stores that are one for the nodes of a group, by app. */
import type { MetricFamily, Snapshot } from '../contract.ts'

type Reading = Snapshot['sharedStores'][number]

function row(
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  valueOf: (reading: Reading) => number,
): MetricFamily {
  return {
    name,
    help,
    type,
    labels: ['app'],
    read: ({ sharedStores }) =>
      sharedStores.map((reading) => ({ labels: { app: reading.app }, value: valueOf(reading) })),
  }
}

export const replicaFamilies: readonly MetricFamily[] = [
  row(
    'selvedge_group_store_members',
    'gauge',
    'Nodes that share the store, this one included',
    (one) => one.members,
  ),
  row(
    'selvedge_group_store_peers',
    'gauge',
    'Of those the ones that it is exchanged with now',
    (one) => one.peers,
  ),
  row(
    'selvedge_group_store_equal_peers',
    'gauge',
    'Of those the ones that are known to have all that is here',
    (one) => one.equal,
  ),
  row('selvedge_group_store_keys', 'gauge', 'Keys that it holds here', ({ held }) => held?.items ?? 0),
  row(
    'selvedge_group_store_clamped_total',
    'counter',
    'Writes of others whose time was too far ahead of the group’s',
    (one) => one.clamped,
  ),
  row(
    'selvedge_group_store_differed_total',
    'counter',
    'Times that two nodes which knew the same did not hold the same',
    (one) => one.differed,
  ),
]
