/** Requests to the apps of this node over HTTP; nothing where it listens for none. */
import type { MetricFamily } from '../contract.ts'
import { statusClasses } from '../http-tally.ts'
import { byName } from '../samples.ts'

export const httpFamilies: readonly MetricFamily[] = [
  {
    name: 'selvedge_http_requests_total',
    help: 'Requests that apps were given, by class of status; none where the client left before its answer was out',
    type: 'counter',
    labels: ['app', 'code'],
    read: ({ http }) =>
      (http?.apps ?? []).flatMap(({ app, counts }) =>
        statusClasses.map((code, index) => ({ labels: { app, code }, value: counts[index] ?? 0 })),
      ),
  },
  {
    name: 'selvedge_http_request_duration_seconds',
    help: 'From the head of a request to the end of its response',
    type: 'histogram',
    labels: ['app'],
    read: ({ http }) =>
      (http?.apps ?? []).map(({ app, durations }) => ({ labels: { app }, tally: durations })),
  },
  {
    name: 'selvedge_http_refusals_total',
    help: 'Requests that the node answered with a problem in the place of an app, by its code',
    type: 'counter',
    labels: ['reason'],
    read: ({ http }) => byName(http?.refusals ?? {}, 'reason'),
  },
  {
    name: 'selvedge_http_requests_under_way',
    help: 'Requests that apps have and have not answered yet',
    type: 'gauge',
    read: ({ http }) => [{ value: http?.underWay ?? 0 }],
  },
]
