import { expect, it } from 'vitest'
import type { AppStatus, NodeStatus, StatusReport, Transfer } from '../../../host/api/index.ts'
import { publishEvents } from '../../../host/cli/publish-events.ts'
import { eventWatcher } from '../../../host/cli/rollout-watchers.ts'
import { followRelease } from '../../../host/cli/wait-for-release.ts'
import { systemClock, type Clock } from '../../../core/index.ts'
import { sampleRelease } from '../api/fake-node.ts'
import { sampleNow, sampleStatus } from '../api/sample-status.ts'
import { caughtOutput, noStreams } from './fake-world.ts'

const total = 1_100_000
const before: AppStatus = {
  app: 'light-alarm',
  version: '1.0.0',
  seq: 1,
  state: 'running',
  since: sampleNow - 90_000,
  failures: 0,
}
const transfer = (share: number, fetchedBytes: number, via = 'peers'): Transfer => ({
  haveBytes: total * share,
  totalBytes: total,
  fetchedBytes,
  via,
  ms: 900,
  ...(share < 1 && { bytesPerSecond: 220_000 }),
})
const fetching = (share: number): AppStatus => ({
  ...before,
  next: {
    version: '2.0.0',
    seq: 2,
    state: 'fetching',
    progress: share,
    transfer: transfer(share, total * share),
  },
})
const running = (bytes: number, via = 'peers'): AppStatus => ({
  ...before,
  version: '2.0.0',
  seq: 2,
  transfer: transfer(1, bytes, via),
})
const reason = {
  code: 'ERR_SENSOR_MISSING',
  message: 'this node has no sensor "light"',
  hint: 'add [sensors.light]',
}
const waiting: AppStatus = { ...before, next: { version: '2.0.0', seq: 2, state: 'waiting', reason } }

/** The node of the publisher, one that fetches, one without the sensor, one that is away. */
function look(first: AppStatus, second: AppStatus): StatusReport {
  const [sample] = sampleStatus.nodes
  if (sample === undefined) throw new Error('the sample has nodes')
  const node = (name: string, app: AppStatus, state: NodeStatus['state'] = 'alive'): NodeStatus => ({
    ...sample,
    id: name,
    name,
    state,
    apps: [app],
  })
  const nodes = [
    node('lobby-1', first),
    node('lobby-2', second),
    node('roof-1', waiting),
    node('roof-2', before, 'dead'),
  ]
  return { ...sampleStatus, nodes, self: { ...sampleStatus.self, id: 'lobby-1' } }
}

it('the events of a publication are a line of JSON each, in the order in which things happened', async () => {
  const here = running(0, 'disk')
  const looks = [
    look(before, before),
    look(here, fetching(0.02)),
    // Between looks are 400 ms of this clock: what moved less than a second ago is not told again.
    ...[0.1, 0.3, 0.5, 0.7, 0.9].map((share) => look(here, fetching(share))),
    ...Array.from({ length: 5 }, () => look(here, running(3_800, 'patch'))),
  ]
  let asked = 0
  let nowMs = 0
  const clock: Clock = { ...systemClock, now: () => sampleNow, monotonicMs: () => nowMs }
  const stdout = caughtOutput()
  const world = {
    stdout,
    stderr: caughtOutput(),
    cwd: '/',
    folders: { data: '/', keys: '/', cache: '/' },
    env: {},
    streams: noStreams,
    clock,
    signal: new AbortController().signal,
    startNode: () => Promise.reject(new Error('no node here')),
  } as unknown as Parameters<typeof publishEvents>[0]['world']
  const client = {
    status: () => Promise.resolve(looks[Math.min(asked++, looks.length - 1)] ?? sampleStatus),
  }
  const entry = { ...sampleRelease, sizeBytes: total }
  const events = publishEvents({ world }, 0)
  events.uploaded('light-alarm', {
    digest: entry.component,
    sizeBytes: total,
    chunks: { digest: 'c'.repeat(64), sizeBytes: 900 },
    imports: [],
    exports: [],
    moves: { fullBytes: 1_100_900, updateBytes: 66_000 },
  })
  events.signed('light-alarm', '2.0.0', 2, [{ field: 'grants', says: 'may use pin:led', asksMore: true }])
  events.accepted(entry)
  const wanted = { app: 'light-alarm', seq: 2, version: '2.0.0', groups: [], timeoutMs: 60_000 }
  const watcher = eventWatcher(events)
  const outcome = await followRelease(world, client, wanted, {
    saw(progress, elapsedMs) {
      watcher.saw(progress, elapsedMs)
      nowMs += 400
    },
  })
  events.summary(entry, outcome)
  expect([outcome.result, outcome.error?.code]).toEqual(['not-in-time', 'ERR_NOT_IN_TIME'])
  expect(outcome.error?.message).toContain('away, and gets it when it is back: roof-2 (dead)')
  await expect(stdout.text()).toMatchFileSnapshot('goldens/publish-events.json.txt')
})
