/** Messages between apps: what became of them on this node, and what waits in its journals. */
import type { MetricFamily, Snapshot } from '../contract.ts'
import { byName } from '../samples.ts'

type Journals = Snapshot['messages']['journals']

function ofJournals(
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  valueOf: (journal: Journals['out']) => number,
): MetricFamily {
  return {
    name,
    help,
    type,
    labels: ['direction'],
    read: ({ messages: { journals } }) =>
      (['out', 'in'] as const).map((direction) => ({
        labels: { direction },
        value: valueOf(journals[direction]),
      })),
  }
}

export const messageFamilies: readonly MetricFamily[] = [
  {
    name: 'selvedge_messages_total',
    help: 'Messages of topics by what became of them on this node; failed are tries of handlers',
    type: 'counter',
    labels: ['outcome'],
    read: ({ messages }) => byName({ ...messages.counts }, 'outcome'),
  },
  ofJournals(
    'selvedge_messages_waiting',
    'gauge',
    'Messages in the journal: out for other nodes, in for apps of this one',
    ({ items }) => items,
  ),
  ofJournals(
    'selvedge_messages_waiting_bytes',
    'gauge',
    'Bytes in the journal of messages: out for other nodes, in for apps of this one',
    ({ bytes }) => bytes,
  ),
  ofJournals(
    'selvedge_messages_dropped_total',
    'counter',
    'Messages that made room in a full journal for others, where the node’s owner wants that',
    ({ dropped }) => dropped,
  ),
]
