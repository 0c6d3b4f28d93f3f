/** What a busy node would show of itself, and the sources that show it. */
import { sampleMessages } from '../api/sample-messages.ts'
import type { LocalApp } from '../../../host/api/index.ts'
import type { MetricSources, Snapshot } from '../../../host/metrics/contract.ts'
import { CallTally, HttpTally } from '../../../host/metrics/index.ts'
import { Tally } from '../../../host/metrics/tally.ts'

export function sampleApp(app: string, changes: Partial<LocalApp> = {}): LocalApp {
  return {
    app,
    version: '2.0.0',
    seq: 2,
    state: 'running',
    since: 1_000,
    failures: 0,
    digest: 'd'.repeat(64),
    grants: [],
    events: { taken: 120, handled: 117, failed: 2, dropped: 1, lastId: 120 },
    restarts: 1,
    lastSwap: null,
    usage: {
      isolation: 'worker',
      confinement: null,
      invocations: 120,
      errors: 2,
      cpuMs: 310,
      memoryBytes: 65_536,
      memoryByteSeconds: 1_000_000,
      bytesIn: 9_000,
      bytesOut: 700,
      dropped: 4,
      instances: 2,
      warmStarts: 118,
      newStarts: 2,
      restarts: 3,
      waiting: 5,
      incidents: { trap: 3, deadline: 1 },
    },
    storage: {
      keyvalue: { bytes: 1_000, items: 12, maxBytes: 5_000, maxItems: 100 },
      blobstore: { bytes: null, items: null, maxBytes: 9_000, maxItems: 90 },
      folders: { inbox: { bytes: 8, items: 2, maxBytes: 1_000_000, maxItems: 7 } },
    },
    fetchedBytes: 12_390,
    ...changes,
  }
}

function sampleHttp(): NonNullable<Snapshot['http']> {
  const tally = new HttpTally()
  tally.answered('hello', 200, 0.4)
  tally.answered('hello', 204, 30)
  tally.answered('hello', 503, 12_000)
  tally.answered('hello', 0, 5)
  tally.refused('ERR_APP_BUSY')
  tally.refused('ERR_HTTP_NO_APP')
  return { ...tally.reading, underWay: 7 }
}

function sampleDelay(): Snapshot['loopDelay'] {
  const tally = new Tally([0.001, 0.1])
  for (const seconds of [0, 0.001, 0.05, 3]) tally.add(seconds)
  return tally.reading
}

function sampleCalls(): Snapshot['calls'] {
  const tally = new CallTally()
  tally.ended('hello', 'node', 'answered', 1)
  tally.ended('hello', 'mesh', 'answered', 5)
  tally.ended('hello', null, 'not-started', 1)
  tally.retried('hello')
  return { ...tally.reading, breakers: { closed: 2, open: 1, 'half-open': 0 }, served: 3 }
}

export const sampleSnapshot: Snapshot = {
  version: '0.1.0',
  node: '20.20.2',
  arch: 'linux-arm64',
  startedAtMs: 1_700_000_000_500,
  uptimeMs: 61_500,
  process: {
    cpuUserMs: 1_500,
    cpuSystemMs: 250,
    residentBytes: 90_000_000,
    heapUsedBytes: 20_000_000,
    heapTotalBytes: 30_000_000,
    externalBytes: 3_000_000,
    loopActiveMs: 1_000,
    loopIdleMs: 60_500,
  },
  loopDelay: sampleDelay(),
  apps: [sampleApp('hello'), sampleApp('light-alarm', { state: 'backoff' })],
  starts: { cold: 3, template: 9, shared: 1 },
  memory: {
    budgetBytes: 128 * 2 ** 20,
    from: 'config',
    limitBytes: 512 * 2 ** 20,
    shares: { node: 52_428_800, apps: 37_748_736 },
    apps: [{ app: 'hello', bytes: 11 * 2 ** 20 }],
  },
  http: sampleHttp(),
  calls: sampleCalls(),
  mesh: {
    connectedPeers: 2,
    verdicts: ['alive', 'alive', 'suspect'],
    releases: 2,
    isOnline: true,
    refusedByUs: { ERR_CREDENTIAL_REVOKED: 4 },
    refusedByThem: 1,
    headsRefused: { release: 2 },
    bans: 1,
    attacks: { 'wrong-bytes': 3, flood: 0 },
    blobBytesReceived: 12_390,
    blobBytesSent: 24_780,
    patchBytesReceived: 4_466,
    patchBytesSent: 8_932,
    patchesMade: 3,
    patchesApplied: 1,
    gateway: { places: 2, circuits: 3, opened: 40, refused: 5, bytes: 6_000 },
    protocols: [
      {
        protocol: '/selvedge/heads/2',
        received: { bytes: 5_000, messages: 40 },
        sent: { bytes: 3_000, messages: 30 },
      },
    ],
    heads: [{ kind: 'release', receivedBytes: 1_200, sentBytes: 800 }],
  },
  devices: [
    {
      kind: 'sensor',
      name: 'light',
      driver: 'simulated',
      unit: 'lx',
      range: null,
      resolution: null,
      last: { reading: { value: 41.2, unit: 'lx', timeMs: 1_700_000_060_000 }, atMs: 60_000 },
      recent: [40, 41.2],
      health: { state: 'stale', sinceMs: 90_000, why: 'no answer in 5 s' },
      counts: { answers: 12, refused: 2, failures: 3, openings: 1 },
    },
    {
      kind: 'pin',
      name: 'led',
      driver: 'simulated',
      direction: 'out',
      health: { state: 'ok', sinceMs: 0, why: '' },
      counts: { answers: 7, refused: 0, failures: 0, openings: 2 },
    },
  ],
  brokers: [
    {
      name: 'home',
      isUp: true,
      counts: { connections: 2, received: 9, sent: 8, oversized: 1, garbage: 0, notTaken: 0 },
    },
  ],
  bridges: [
    {
      name: 'home',
      broker: 'home',
      waiting: 3,
      waitingBytes: 900,
      refused: 1,
      dropped: 0,
      sent: 8,
      received: 4,
      passedOver: { repeated: 0, echo: 0, oversized: 0 },
      problem: null,
    },
  ],
  components: { usedBytes: 1_200_000, quotaBytes: 4_000_000, evictedBytes: 300_000 },
  writtenBytes: 4_096_000,
  messages: { counts: sampleMessages.counts, journals: sampleMessages.journals },
  sharedStores: [
    {
      app: 'counter',
      members: 3,
      peers: 2,
      equal: 1,
      held: { items: 7, bytes: 900 },
      clamped: 4,
      differed: 0,
    },
  ],
  problems: ['ERR_APP_TRAP', 'ERR_APP_TRAP', 'ERR_NODE_ISOLATED'],
}

/** @param snapshotOf looked at whenever a source is asked */
export function sourcesOf(snapshotOf: () => Snapshot): MetricSources {
  return {
    version: () => snapshotOf().version,
    node: () => snapshotOf().node,
    arch: () => snapshotOf().arch,
    apps: () => snapshotOf().apps,
    starts: () => snapshotOf().starts,
    memory: () => snapshotOf().memory,
    http: () => snapshotOf().http,
    calls: () => snapshotOf().calls,
    mesh: () => snapshotOf().mesh,
    devices: () => snapshotOf().devices,
    brokers: () => snapshotOf().brokers,
    bridges: () => snapshotOf().bridges,
    components: async () => snapshotOf().components,
    writtenBytes: async () => snapshotOf().writtenBytes,
    messages: () => snapshotOf().messages,
    sharedStores: () => snapshotOf().sharedStores,
    problems: () => snapshotOf().problems,
  }
}
