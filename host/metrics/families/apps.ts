/** What each app does and uses on this node since it was placed here. */
import type { AppState, AppUsage, Holding, LocalApp } from '../../api/index.ts'
import type { MetricFamily, Sample, Snapshot } from '../contract.ts'

/** Of the control API's contract; a test holds it complete. */
const appStates: readonly AppState[] = [
  'announced',
  'fetching',
  'preparing',
  'waiting',
  'starting',
  'running',
  'backoff',
  'failed',
  'stopped',
]

/** One sample for each app. */
function ofUsage(value: (usage: AppUsage) => number) {
  return ({ apps }: Snapshot): Sample[] =>
    apps.map(({ app, usage }) => ({ labels: { app }, value: value(usage) }))
}

/** Several samples for each app, told apart by one more label. */
function ofEach(label: string, values: (app: LocalApp) => Readonly<Record<string, number>>) {
  return ({ apps }: Snapshot): Sample[] =>
    apps.flatMap((local) =>
      Object.entries(values(local)).map(([name, value]) => ({
        labels: { app: local.app, [label]: name },
        value,
      })),
    )
}

/** Of each store and writable folder of each app; what is not known yet is left out. */
function ofHoldings(value: (holding: Holding) => number | null) {
  return ofEach('store', ({ storage }) => {
    const { keyvalue, blobstore, folders = {} } = storage ?? {}
    const named: [string, Holding | undefined][] = [
      ['keyvalue', keyvalue],
      ['blobstore', blobstore],
      ...Object.entries(folders).map(([name, holding]): [string, Holding] => [`folder:${name}`, holding]),
    ]
    return Object.fromEntries(
      named.flatMap(([name, holding]) => {
        const known = holding === undefined ? null : value(holding)
        return known === null ? [] : [[name, known]]
      }),
    )
  })
}

const labels = ['app'] as const

export const appFamilies: readonly MetricFamily[] = [
  {
    name: 'selvedge_app_state',
    help: '1 for the state that the app is in, 0 for every other',
    type: 'gauge',
    labels: ['app', 'state'],
    read: ofEach('state', ({ state }) =>
      Object.fromEntries(appStates.map((name) => [name, name === state ? 1 : 0])),
    ),
  },
  {
    name: 'selvedge_app_instances',
    help: 'Instances that run',
    type: 'gauge',
    labels,
    read: ofUsage(({ instances }) => instances),
  },
  {
    name: 'selvedge_app_waiting_calls',
    help: 'Calls that wait for an instance',
    type: 'gauge',
    labels,
    read: ofUsage(({ waiting }) => waiting),
  },
  {
    name: 'selvedge_app_invocations_total',
    help: 'Calls of the app that ended',
    type: 'counter',
    labels,
    read: ofUsage(({ invocations }) => invocations),
  },
  {
    name: 'selvedge_app_errors_total',
    help: 'Calls of the app that ended with its own error, or with their instance',
    type: 'counter',
    labels,
    read: ofUsage(({ errors }) => errors),
  },
  {
    name: 'selvedge_app_incidents_total',
    help: 'Instances that ended by themselves, by reason',
    type: 'counter',
    labels: ['app', 'reason'],
    read: ofEach('reason', ({ usage }) => usage.incidents),
  },
  {
    name: 'selvedge_app_restarts_total',
    help: 'Times that the app was started again after its instances had ended',
    type: 'counter',
    labels,
    read: ofUsage(({ restarts }) => restarts),
  },
  {
    name: 'selvedge_app_call_starts_total',
    help: 'Calls by how they came by their instance: warm, it ran before they came; new, it was started for them',
    type: 'counter',
    labels: ['app', 'kind'],
    read: ofEach('kind', ({ usage }) => ({ warm: usage.warmStarts, new: usage.newStarts })),
  },
  {
    name: 'selvedge_app_events_total',
    help: 'Events of the triggers by what became of them: handled, failed with an error of the app, or dropped',
    type: 'counter',
    labels: ['app', 'outcome'],
    read: ofEach('outcome', ({ events: { handled, failed, dropped } }) => ({ handled, failed, dropped })),
  },
  {
    name: 'selvedge_app_events_held',
    help: 'Events of the triggers that wait to be handed to the app, and dead letters: those given up after their last attempt',
    type: 'gauge',
    labels: ['app', 'state'],
    read: ofEach('state', ({ events: { waiting = 0, dead = 0 } }) => ({ waiting, dead })),
  },
  {
    name: 'selvedge_app_cpu_seconds_total',
    help: 'Time that threads were busy with calls of the app',
    type: 'counter',
    labels,
    read: ofUsage(({ cpuMs }) => cpuMs / 1_000),
  },
  {
    name: 'selvedge_app_memory_bytes',
    help: 'Linear memory of the instances',
    type: 'gauge',
    labels,
    read: ofUsage(({ memoryBytes }) => memoryBytes),
  },
  {
    name: 'selvedge_app_memory_byte_seconds_total',
    help: 'Linear memory of the instances times how long they held it',
    type: 'counter',
    labels,
    read: ofUsage(({ memoryByteSeconds }) => memoryByteSeconds),
  },
  {
    name: 'selvedge_app_storage_bytes',
    help: 'Bytes in the stores of the app, and in each folder that it may write to',
    type: 'gauge',
    labels: ['app', 'store'],
    read: ofHoldings(({ bytes }) => bytes),
  },
  {
    name: 'selvedge_app_storage_limit_bytes',
    help: 'Bytes that may be in them',
    type: 'gauge',
    labels: ['app', 'store'],
    read: ofHoldings(({ maxBytes }) => maxBytes),
  },
  {
    name: 'selvedge_app_storage_items',
    help: 'Keys, objects or files in them',
    type: 'gauge',
    labels: ['app', 'store'],
    read: ofHoldings(({ items }) => items),
  },
  {
    name: 'selvedge_app_storage_limit_items',
    help: 'Keys, objects or files that may be in them',
    type: 'gauge',
    labels: ['app', 'store'],
    read: ofHoldings(({ maxItems }) => maxItems),
  },
  {
    name: 'selvedge_app_received_bytes_total',
    help: 'Bytes of arguments and bodies on their way into the app',
    type: 'counter',
    labels,
    read: ofUsage(({ bytesIn }) => bytesIn),
  },
  {
    name: 'selvedge_app_sent_bytes_total',
    help: 'Bytes of results and bodies on their way out of the app',
    type: 'counter',
    labels,
    read: ofUsage(({ bytesOut }) => bytesOut),
  },
  {
    name: 'selvedge_app_dropped_posts_total',
    help: 'Log lines and other posts of the app that came too fast',
    type: 'counter',
    labels,
    read: ofUsage(({ dropped }) => dropped),
  },
]
