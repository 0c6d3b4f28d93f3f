/** Apps side by side on the real engine: what one of them does to itself, the others do not feel. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  createLog,
  digestOf,
  memoryFolder,
  systemClock,
  systemRandom,
  type LogEntry,
} from '../../../core/index.ts'
import {
  AppLog,
  createAppSupervisor,
  type AppSupervisor,
  type DesiredRelease,
} from '../../../host/apps/index.ts'
import { parseNodeConfig } from '../../../host/config/index.ts'
import { openDevices, type Devices } from '../../../host/devices/index.ts'
import { memoryQueues } from '../../../host/queue/index.ts'
import { memoryStorage } from '../../../host/storage/index.ts'
import type { LocalApp } from '../../../host/api/index.ts'
import type { Engine } from '../../../host/engine/index.ts'
import { guest, type GuestName } from '../../guests/index.ts'
import { makeEngine } from '../engine/kit.ts'
import { releaseOf } from './fake-engine.ts'

const config = parseNodeConfig(
  '[sensors.light]\ndriver = "simulated"\nshape = "constant"\nvalue = 7\nunit = "lx"\n',
  'node.toml',
)
/** Of the app that loops; the others' is out of reach also on a machine that does much else. */
const loopDeadlineMs = 150
const deadlineMs = 10_000
const components = new Map<string, Uint8Array>()
const told: LogEntry[] = []
const appLog = new AppLog(systemClock, { lines: 10_000, linesPerSecond: 500 })
let engine: Engine
let devices: Devices
let apps: AppSupervisor

async function release(name: GuestName): Promise<DesiredRelease> {
  const bytes = await guest(name)
  const blob = { digest: digestOf(bytes), sizeBytes: bytes.length }
  components.set(blob.digest, bytes)
  return releaseOf(1, {
    app: name,
    component: { ...blob, chunks: blob },
    grants: ['sensor:light'],
    triggers: [{ kind: 'sensor', sensor: 'light', everyMs: 50 }],
    limits: { memoryBytes: 4_194_304, deadlineMs: name === 'loop' ? loopDeadlineMs : deadlineMs },
  })
}

beforeAll(async () => {
  engine = makeEngine()
  devices = await openDevices(config, { clock: systemClock, random: systemRandom })
  apps = createAppSupervisor({
    engine,
    storage: memoryStorage(systemClock),
    queues: memoryQueues(systemClock),
    devices,
    folders: {},
    overlays: {},
    groups: [],
    fetchComponent: async ({ component }) => components.get(component.digest) ?? null,
    recall: () => null,
    folder: memoryFolder(),
    clock: systemClock,
    // Every wait as long as it may be, so that they can be told apart.
    random: { ...systemRandom, fraction: () => 0.999 },
    log: createLog((entry) => void told.push(entry), systemClock),
    appLog,
    queuedEvents: 256,
  })
  await apps.start()
})

afterAll(async () => {
  await apps.stop()
  await devices.close()
  await engine.stop()
})

const local = (name: GuestName): LocalApp | undefined => apps.local().find(({ app }) => app === name)
const waits = (name: GuestName): number[] =>
  told.flatMap(({ event, fields }) =>
    event === 'app:ended' && fields['app'] === name ? Number(fields['retryInMs']) : [],
  )

it('apps that trap or loop at every event wait longer each time and say why; one beside them loses none', async () => {
  apps.setDesired(await Promise.all((['echo', 'trap-always', 'loop'] as const).map(release)))
  const isBad = (): boolean =>
    Math.min(local('trap-always')?.failures ?? 0, local('loop')?.failures ?? 0) >= 3 &&
    apps.status().every(({ app, state }) => app === 'echo' || state === 'backoff')
  await expect.poll(isBad, { interval: 20 }).toBe(true)

  for (const [name, code] of [
    ['trap-always', 'ERR_APP_TRAP'],
    ['loop', 'ERR_APP_DEADLINE'],
  ] as const) {
    const [first = 0, second = 0, third = 0] = waits(name)
    expect([second > first * 1.5, third > second * 1.5]).toEqual([true, true])
    expect(local(name)).toMatchObject({ state: 'backoff', reason: { code } })
    // Each of its instances cost the event that ended it, and no other was handled.
    expect(local(name)?.events).toMatchObject({ handled: 0 })
    expect(local(name)?.events.dropped).toBeGreaterThanOrEqual(waits(name).length)
  }

  const echo = local('echo')
  expect(echo).toMatchObject({
    state: 'running',
    failures: 0,
    restarts: 0,
    events: { dropped: 0, failed: 0 },
  })
  expect(echo?.events.handled).toBeGreaterThan(20)
  expect(echo?.events.lastId).toBe(echo?.events.handled)
})
