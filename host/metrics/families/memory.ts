/** The memory that the node and its apps may take, and what of it is promised. What is taken is in `process`. */
import type { MetricFamily } from '../contract.ts'
import { byName } from '../samples.ts'

export const memoryFamilies: readonly MetricFamily[] = [
  {
    name: 'selvedge_memory_budget_bytes',
    help: 'Memory that the node and its apps may take, by what it is for',
    type: 'gauge',
    labels: ['share'],
    read: ({ memory }) => byName(memory.shares, 'share'),
  },
  {
    name: 'selvedge_app_memory_promised_bytes',
    help: 'Memory that the instances of an app may take at any moment, with their threads or processes',
    type: 'gauge',
    labels: ['app'],
    read: ({ memory }) => memory.apps.map(({ app, bytes }) => ({ labels: { app }, value: bytes })),
  },
]
