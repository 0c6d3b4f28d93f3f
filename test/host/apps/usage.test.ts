/** What an app has used counts on, whatever becomes of its instances and releases. */
import { expect, it } from 'vitest'
import { memoryFolder, silentLog } from '../../../core/index.ts'
import type { LocalApp } from '../../../host/api/index.ts'
import { AppLog, createAppSupervisor } from '../../../host/apps/index.ts'
import { openDevices } from '../../../host/devices/index.ts'
import { memoryQueues } from '../../../host/queue/index.ts'
import { memoryStorage } from '../../../host/storage/index.ts'
import { FakeClock, seededRandom } from '../fake-clock.ts'
import { componentBytes, FakeEngine, releaseOf } from './fake-engine.ts'

async function startApps() {
  const clock = new FakeClock()
  const random = seededRandom(3)
  const engine = new FakeEngine(clock)
  const config = {
    sensors: {
      light: {
        driver: 'simulated',
        options: { shape: 'constant', unit: 'lx', min: 0, max: 10, period: 1_000, phase: 0, noise: 0 },
      },
    },
    pins: { led: { driver: 'simulated', options: { initial: false } } },
  }
  const apps = createAppSupervisor({
    engine,
    storage: memoryStorage(clock),
    queues: memoryQueues(clock),
    devices: await openDevices(config, { clock, random }),
    folders: {},
    overlays: {},
    groups: ['lobby'],
    fetchComponent: async (record) => componentBytes(record.version),
    recall: () => null,
    folder: memoryFolder(),
    clock,
    random,
    log: silentLog,
    appLog: new AppLog(clock, { lines: 100, linesPerSecond: 100 }),
    queuedEvents: 256,
  })
  await apps.start()
  return { apps, clock, engine }
}

/** Every number that may only grow. */
function totalsOf({ usage, events }: LocalApp): Record<string, number> {
  const momentary = ['memoryBytes', 'instances', 'waiting']
  const totals = Object.entries(usage).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number' && !momentary.includes(entry[0]),
  )
  const incidents = Object.entries(usage.incidents).map(([reason, count]) => [`incident ${reason}`, count])
  const { handled, failed, dropped: lost } = events
  return { ...Object.fromEntries([...totals, ...incidents]), handled, failed, lost }
}

it('no total ever falls, through swaps, errors and the deaths of instances', async () => {
  const { apps, clock, engine } = await startApps()
  engine.behaviour = (id) => (id % 11 === 0 ? 'trap' : id % 5 === 0 ? 'err' : 'ok')
  let before: Record<string, number> = {}
  for (let round = 0; round < 300; round += 1) {
    if (round % 60 === 0) apps.setDesired([releaseOf(1 + round / 60)])
    if (round % 50 === 30) engine.live[0]?.end({ reason: 'memory', message: 'too much' })
    await clock.advance(200)
    const [app] = apps.local()
    if (app === undefined) continue
    const now = totalsOf(app)
    for (const [name, value] of Object.entries(before)) expect(now[name], name).toBeGreaterThanOrEqual(value)
    before = now
  }
  for (const [name, value] of Object.entries(before)) {
    if (name === 'dropped' || name === 'newStarts') continue
    expect(value, name).toBeGreaterThan(0)
  }
  expect(before['warmStarts']).toBeGreaterThan(100)
  await Promise.all([apps.stop(), clock.advance(2_000)])
})

it('restarts count on across a swap, while those of the release begin anew', async () => {
  const { apps, clock, engine } = await startApps()
  apps.setDesired([releaseOf(1)])
  await clock.advance(1_000)
  engine.live[0]?.end({ reason: 'memory', message: 'too much' })
  await clock.advance(10_000)
  expect(apps.local()).toMatchObject([{ restarts: 1, usage: { restarts: 1 } }])
  apps.setDesired([releaseOf(2)])
  await clock.advance(1_000)
  expect(apps.local()).toMatchObject([{ version: '2.0.0', restarts: 0, usage: { restarts: 1 } }])
  await Promise.all([apps.stop(), clock.advance(2_000)])
})
