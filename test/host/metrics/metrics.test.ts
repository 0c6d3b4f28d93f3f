/** The metrics of a node: what their names promise, what their text is, and that it says what was counted. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AppState } from '../../../host/api/index.ts'
import type { MetricFamily, Snapshot } from '../../../host/metrics/contract.ts'
import { metricFamilies } from '../../../host/metrics/families.ts'
import { HttpTally, NodeMetrics } from '../../../host/metrics/index.ts'
import { Tally } from '../../../host/metrics/tally.ts'
import { FakeClock } from '../fake-clock.ts'
import { readExposition, type Exposition } from './exposition.ts'
import { sampleApp, sampleSnapshot, sourcesOf } from './sample-snapshot.ts'

function metricsOf(snapshotOf: () => Snapshot = () => sampleSnapshot) {
  const clock = new FakeClock()
  return { metrics: new NodeMetrics(sourcesOf(snapshotOf), clock), clock }
}

async function scrape(snapshot: Snapshot = sampleSnapshot): Promise<Exposition> {
  return readExposition(await metricsOf(() => snapshot).metrics.text())
}

describe.each(metricFamilies.map((family) => [family.name, family] as const))('%s', (name, family) => {
  it('is named after what it is of and its base unit', () => {
    expect(name).toMatch(/^selvedge(?:_[a-z]+)+$/)
    // prometheus.io/docs/practices/naming: base units, and _total for what only grows.
    expect(name).not.toMatch(/_(?:ms|millis|milliseconds|us|ns|minutes|hours|kb|kib|mb|mib|percent)(?:_|$)/)
    expect(name.endsWith('_total')).toBe(family.type === 'counter')
    if (family.type === 'histogram') expect(name).toMatch(/_seconds$/)
    // These endings are the series' of a histogram.
    expect(name).not.toMatch(/_(?:bucket|sum|count)$/)
  })

  it('has a sentence of help, and labels that only so many values can be in', () => {
    expect(family.help).toMatch(/^[A-Z1].{10,}[^.]$/)
    const allowed = [
      'app',
      'device',
      'broker',
      'bridge',
      'state',
      'reason',
      'outcome',
      'kind',
      'code',
      'verdict',
      'mode',
      'store',
      'attack',
      'protocol',
      'direction',
      'scope',
      'share',
    ]
    const info = ['version', 'node', 'arch']
    for (const label of family.labels ?? [])
      expect(name.endsWith('_info') ? info : allowed, label).toContain(label)
  })

  it('gives samples with its own labels, each once', () => {
    const samples = [...family.read(sampleSnapshot)]
    expect(samples.length).toBeGreaterThan(0)
    for (const { labels = {} } of samples) expect(Object.keys(labels)).toEqual(family.labels ?? [])
    expect(new Set(samples.map(({ labels }) => JSON.stringify(labels))).size).toBe(samples.length)
  })
})

it('no two metrics have one name', () => {
  const names = metricFamilies.map(({ name }: MetricFamily) => name)
  expect(new Set(names).size).toBe(names.length)
})

const noCalls: Snapshot['calls'] = {
  counts: [],
  durations: [],
  retries: [],
  breakers: { closed: 0, open: 0, 'half-open': 0 },
  served: 0,
}

describe('the text', () => {
  it('is of Prometheus’ format, with help and type for every metric', async () => {
    const { types, helps, series } = await scrape()
    for (const { name, type, help } of metricFamilies) {
      expect(types.get(name)).toBe(type)
      expect(helps.get(name)).toBe(help)
    }
    expect(types.size).toBe(metricFamilies.length)
    expect(series.length).toBeGreaterThan(metricFamilies.length)
  })

  it('tells what components take of the disk, where that is known, and a limit where there is one', async () => {
    const known = await scrape()
    expect(known.value('selvedge_component_store_bytes')).toBe(1_200_000)
    expect(known.value('selvedge_component_store_limit_bytes')).toBe(4_000_000)
    expect(known.value('selvedge_component_store_evicted_bytes_total')).toBe(300_000)
    const boundless = { usedBytes: 0, quotaBytes: null, evictedBytes: 0 }
    const unlimited = await scrape({ ...sampleSnapshot, components: boundless })
    expect(unlimited.value('selvedge_component_store_bytes')).toBe(0)
    expect(unlimited.value('selvedge_component_store_limit_bytes')).toBeUndefined()
    const unknown = await scrape({ ...sampleSnapshot, components: null })
    expect(unknown.value('selvedge_component_store_bytes')).toBeUndefined()
  })

  it('tells what is in each store of an app, where that is known, and what may be', async () => {
    const { value } = await scrape({ ...sampleSnapshot, apps: [sampleApp('hello')] })
    expect(value('selvedge_app_storage_bytes', { app: 'hello', store: 'keyvalue' })).toBe(1_000)
    expect(value('selvedge_app_storage_items', { app: 'hello', store: 'folder:inbox' })).toBe(2)
    expect(value('selvedge_app_storage_limit_bytes', { app: 'hello', store: 'blobstore' })).toBe(9_000)
    expect(value('selvedge_app_storage_bytes', { app: 'hello', store: 'blobstore' })).toBeUndefined()
  })

  it('is of the format on a node that has nothing yet', async () => {
    const nothing = {
      ...sampleSnapshot,
      apps: [],
      memory: { ...sampleSnapshot.memory, apps: [] },
      sharedStores: [],
      http: null,
      problems: [],
      calls: noCalls,
    }
    const { series, value } = await scrape(nothing)
    expect(series.filter(({ labels }) => 'app' in labels)).toEqual([])
    expect(value('selvedge_http_requests_under_way')).toBe(0)
  })

  it('is of the format whatever an app is called', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 30 }), async (app) => {
        const { value } = await scrape({ ...sampleSnapshot, apps: [sampleApp(app)] })
        expect(value('selvedge_app_invocations_total', { app })).toBe(120)
      }),
      { numRuns: 50 },
    )
  })

  it('says of each app what it used, in seconds and bytes', async () => {
    const { value } = await scrape()
    const of = (name: string, more: Record<string, string> = {}): number | undefined =>
      value(`selvedge_app_${name}`, { app: 'hello', ...more })
    expect(of('invocations_total')).toBe(120)
    expect(of('errors_total')).toBe(2)
    expect(of('cpu_seconds_total')).toBe(0.31)
    expect(of('memory_bytes')).toBe(65_536)
    expect(of('memory_byte_seconds_total')).toBe(1_000_000)
    expect(of('received_bytes_total')).toBe(9_000)
    expect(of('sent_bytes_total')).toBe(700)
    expect(of('dropped_posts_total')).toBe(4)
    expect(of('instances')).toBe(2)
    expect(of('waiting_calls')).toBe(5)
    expect(of('restarts_total')).toBe(3)
    expect(of('call_starts_total', { kind: 'warm' })).toBe(118)
    expect(of('call_starts_total', { kind: 'new' })).toBe(2)
    expect(of('incidents_total', { reason: 'trap' })).toBe(3)
    expect(of('incidents_total', { reason: 'deadline' })).toBe(1)
    expect(of('events_total', { outcome: 'handled' })).toBe(117)
    expect(of('events_total', { outcome: 'failed' })).toBe(2)
    expect(of('events_total', { outcome: 'dropped' })).toBe(1)
  })

  it('has each app in exactly one state, whichever of all states it is', async () => {
    const states: Readonly<Record<AppState, true>> = {
      announced: true,
      fetching: true,
      preparing: true,
      waiting: true,
      starting: true,
      running: true,
      backoff: true,
      failed: true,
      stopped: true,
    }
    for (const state of Object.keys(states) as AppState[]) {
      const { series } = await scrape({ ...sampleSnapshot, apps: [sampleApp('hello', { state })] })
      const shown = series.filter(({ name }) => name === 'selvedge_app_state')
      expect(shown.map(({ labels }) => labels['state']).sort()).toEqual(Object.keys(states).sort())
      expect(shown.filter(({ value }) => value === 1).map(({ labels }) => labels['state'])).toEqual([state])
    }
  })

  it('counts starts of instances, requests, members, refusals and problems by their kinds', async () => {
    const { value } = await scrape()
    expect(value('selvedge_instance_starts_total', { kind: 'cold' })).toBe(3)
    expect(value('selvedge_instance_starts_total', { kind: 'template' })).toBe(9)
    expect(value('selvedge_instance_starts_total', { kind: 'shared' })).toBe(1)
    expect(value('selvedge_http_requests_total', { app: 'hello', code: '2xx' })).toBe(2)
    expect(value('selvedge_http_requests_total', { app: 'hello', code: '5xx' })).toBe(1)
    expect(value('selvedge_http_requests_total', { app: 'hello', code: 'none' })).toBe(1)
    expect(value('selvedge_http_refusals_total', { reason: 'ERR_APP_BUSY' })).toBe(1)
    expect(value('selvedge_http_requests_under_way')).toBe(7)
    expect(value('selvedge_mesh_members', { verdict: 'alive' })).toBe(2)
    expect(value('selvedge_mesh_members', { verdict: 'dead' })).toBe(0)
    expect(value('selvedge_mesh_refused_connections_total', { reason: 'ERR_CREDENTIAL_REVOKED' })).toBe(4)
    expect(value('selvedge_mesh_refused_heads_total', { kind: 'release' })).toBe(2)
    expect(value('selvedge_mesh_blob_sent_bytes_total')).toBe(24_780)
    expect(value('selvedge_mesh_patch_received_bytes_total')).toBe(4_466)
    expect(value('selvedge_mesh_patch_sent_bytes_total')).toBe(8_932)
    expect(value('selvedge_mesh_patches_total', { outcome: 'made' })).toBe(3)
    expect(value('selvedge_mesh_patches_total', { outcome: 'applied' })).toBe(1)
    const heads = { protocol: '/selvedge/heads/2' }
    expect(value('selvedge_mesh_bytes_total', { ...heads, direction: 'received' })).toBe(5_000)
    expect(value('selvedge_mesh_messages_total', { ...heads, direction: 'sent' })).toBe(30)
    expect(value('selvedge_mesh_head_bytes_total', { kind: 'release', direction: 'received' })).toBe(1_200)
    expect(value('selvedge_problems', { code: 'ERR_APP_TRAP' })).toBe(2)
  })

  it('has cumulative buckets up to +Inf, which is the count', async () => {
    const { series, value } = await scrape()
    const bucket = (le: string): number | undefined =>
      value('selvedge_http_request_duration_seconds_bucket', { app: 'hello', le })
    expect([bucket('0.0005'), bucket('0.005'), bucket('0.05'), bucket('10'), bucket('+Inf')]).toEqual([
      1, 2, 3, 3, 4,
    ])
    expect(value('selvedge_http_request_duration_seconds_count', { app: 'hello' })).toBe(4)
    expect(value('selvedge_http_request_duration_seconds_sum', { app: 'hello' })).toBeCloseTo(12.0354)
    const buckets = series.filter(({ name }) => name === 'selvedge_http_request_duration_seconds_bucket')
    const counts = buckets.map((one) => one.value)
    expect(counts).toEqual(counts.toSorted((a, b) => a - b))
  })

  it('forgets an app that is no longer here, and goes on with the others', async () => {
    let snapshot = sampleSnapshot
    const { metrics } = metricsOf(() => snapshot)
    await metrics.text()
    snapshot = { ...sampleSnapshot, apps: [sampleApp('light-alarm')] }
    const { value } = readExposition(await metrics.text())
    expect(value('selvedge_app_invocations_total', { app: 'hello' })).toBeUndefined()
    expect(value('selvedge_app_invocations_total', { app: 'light-alarm' })).toBe(120)
  })
})

it('one answer is of one moment: each source is asked once for it, also for two at the same time', async () => {
  let asked = 0
  let invocations = 0
  const { metrics } = metricsOf(() => sampleSnapshot)
  await metrics.text()
  const counting = new NodeMetrics(
    {
      ...sourcesOf(() => sampleSnapshot),
      apps() {
        asked += 1
        invocations += 1
        const { usage } = sampleApp('hello')
        return [sampleApp('hello', { usage: { ...usage, invocations, warmStarts: invocations } })]
      },
    },
    new FakeClock(),
  )
  const texts = await Promise.all([counting.text(), counting.text()])
  expect(asked).toBe(2)
  for (const text of texts) {
    const { value } = readExposition(text)
    expect(value('selvedge_app_invocations_total', { app: 'hello' })).toBe(
      value('selvedge_app_call_starts_total', { app: 'hello', kind: 'warm' }),
    )
  }
})

it('JSON has the same samples as the text', async () => {
  const { metrics } = metricsOf()
  const reports = JSON.parse(JSON.stringify(await metrics.json())) as Awaited<ReturnType<typeof metrics.json>>
  const { series } = readExposition(await metrics.text())
  expect(reports.map(({ name }) => name)).toEqual(metricFamilies.map(({ name }) => name))
  const flat = reports.flatMap(({ name, values }) =>
    values.map(({ labels, metricName }) => [
      metricName ?? name,
      Object.fromEntries(Object.entries(labels).map(([label, value]) => [label, String(value)])),
    ]),
  )
  expect(flat).toEqual(series.map(({ name, labels }) => [name, labels]))
  const used = reports.find(({ name }) => name === 'selvedge_app_cpu_seconds_total')
  expect(used).toMatchObject({ type: 'counter', values: [{ labels: { app: 'hello' }, value: 0.31 }, {}] })
})

it('tells how long the node has run, and how late its event loop was', async () => {
  const { metrics, clock } = metricsOf()
  metrics.start()
  metrics.start()
  await clock.advance(5_100)
  const { value } = readExposition(await metrics.text())
  expect(value('selvedge_uptime_seconds')).toBe(5.1)
  expect(value('selvedge_start_time_seconds')).toBe(clock.epochMs / 1_000)
  expect(value('selvedge_event_loop_delay_seconds_count')).toBe(5)
  expect(value('selvedge_event_loop_delay_seconds_bucket', { le: '0.001' })).toBe(5)
  metrics.stop()
  expect(clock.pendingTimers).toBe(0)
})

describe('a tally', () => {
  it('puts each value into the first bucket that holds it', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 20, noNaN: true })), (values) => {
        const tally = new Tally()
        for (const value of values) tally.add(value)
        const { bounds, counts, sum } = tally.reading
        let below = 0
        for (const [index, bound] of bounds.entries()) {
          below += counts[index] ?? 0
          expect(below).toBe(values.filter((value) => value <= bound).length)
        }
        expect(below + (counts.at(-1) ?? 0)).toBe(values.length)
        expect(sum).toBeCloseTo(values.reduce((total, value) => total + value, 0))
      }),
    )
  })

  it('of requests does not grow for ever with the names of apps, and loses none', () => {
    const tally = new HttpTally()
    for (let index = 0; index < 2_000; index += 1) tally.answered(`app-${index}`, 200, 1)
    const { apps } = tally.reading
    expect(apps.length).toBeLessThanOrEqual(513)
    expect(apps.reduce((sum, { counts }) => sum + counts.reduce((a, b) => a + b), 0)).toBe(2_000)
  })

  it('of requests counts a status that no class has with those that nobody got', () => {
    const tally = new HttpTally()
    for (const status of [0, 42, 100, 299, 308, 404, 599, 600, 999]) tally.answered('hello', status, 1)
    expect(tally.reading.apps[0]?.counts).toEqual([4, 1, 1, 1, 1, 1])
  })
})
