/** Calls that this node made of apps, wherever they were answered. */
import type { MetricFamily } from '../contract.ts'

export const callFamilies: readonly MetricFamily[] = [
  {
    name: 'selvedge_calls_total',
    help: 'Calls of apps, requests over HTTP among them, by how far they went and what became of them',
    type: 'counter',
    labels: ['app', 'scope', 'outcome'],
    read: ({ calls }) =>
      calls.counts.map(({ app, scope, outcome, calls: value }) => ({
        labels: { app, scope, outcome },
        value,
      })),
  },
  {
    name: 'selvedge_call_duration_seconds',
    help: 'From a call to its answer, to the head of a response over HTTP, by how far it went',
    type: 'histogram',
    labels: ['scope'],
    read: ({ calls }) =>
      calls.durations.map(({ scope, durations }) => ({ labels: { scope }, tally: durations })),
  },
  {
    name: 'selvedge_call_retries_total',
    help: 'Attempts that were made again, on the same node or another',
    type: 'counter',
    labels: ['app'],
    read: ({ calls }) => calls.retries.map(({ app, retries }) => ({ labels: { app }, value: retries })),
  },
  {
    name: 'selvedge_call_breakers',
    help: 'Pairs of an app and another node, by whether calls go there: closed, open, or half-open while one tries',
    type: 'gauge',
    labels: ['state'],
    read: ({ calls }) =>
      Object.entries(calls.breakers).map(([state, value]) => ({ labels: { state }, value })),
  },
  {
    name: 'selvedge_calls_served',
    help: 'Calls of other nodes that this one has and that are not over',
    type: 'gauge',
    read: ({ calls }) => [{ value: calls.served }],
  },
]
