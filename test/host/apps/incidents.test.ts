/** What a developer learns of an app that ended by itself: the reason, where, and what it said before. */
import { expect, it, onTestFinished } from 'vitest'
import { digestOf, memoryFolder, silentLog, systemClock, systemRandom } from '../../../core/index.ts'
import { AppLog, createAppSupervisor } from '../../../host/apps/index.ts'
import { parseNodeConfig } from '../../../host/config/index.ts'
import { openDevices } from '../../../host/devices/index.ts'
import { memoryQueues } from '../../../host/queue/index.ts'
import { memoryStorage } from '../../../host/storage/index.ts'
import { guest } from '../../guests/index.ts'
import { makeEngine } from '../engine/kit.ts'
import { releaseOf } from './fake-engine.ts'

it('an incident is shown with its function, its arguments’ size and the last lines of the log', async () => {
  const toml = '[sensors.light]\ndriver = "simulated"\nshape = "constant"\nvalue = -1\nunit = "lx"\n'
  const devices = await openDevices(parseNodeConfig(toml, 'node.toml'), {
    clock: systemClock,
    random: systemRandom,
  })
  const engine = makeEngine()
  const bytes = await guest('trap')
  const blob = { digest: digestOf(bytes), sizeBytes: bytes.length }
  const appLog = new AppLog(systemClock, { lines: 100, linesPerSecond: 100 })
  const apps = createAppSupervisor({
    engine,
    devices,
    appLog,
    folders: {},
    overlays: {},
    groups: [],
    queuedEvents: 16,
    storage: memoryStorage(systemClock),
    queues: memoryQueues(systemClock),
    fetchComponent: async () => bytes,
    recall: () => null,
    folder: memoryFolder(),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  })
  onTestFinished(async () => {
    await apps.stop()
    await devices.close()
    await engine.stop()
  })
  await apps.start()
  for (const message of ['1', '2', '3', '4', '5', '6', 'red \u001b[31m']) {
    appLog.add({ app: 'trap', version: '1.0.0', level: 'info', context: '', message })
  }
  apps.setDesired([
    releaseOf(1, {
      app: 'trap',
      component: { ...blob, chunks: blob },
      grants: ['sensor:light'],
      triggers: [{ kind: 'sensor', sensor: 'light', everyMs: 50 }],
      limits: { memoryBytes: 4_194_304, deadlineMs: 1_000 },
    }),
  ])
  const local = () => apps.local()[0]
  await expect.poll(() => local()?.lastIncident, { interval: 20 }).toBeDefined()
  const first = local()?.lastIncident
  expect(first).toMatchObject({
    reason: 'trap',
    message: expect.stringMatching(
      /^wasm `unreachable` instruction executed in divide_by_nothing < .*\(selvedge:edge\/sensor-handler@0\.1\.0#handle, called with about \d+ bytes\)$/,
    ) as string,
  })
  expect(first?.lines.slice(0, 5)).toEqual(['3', '4', '5', '6', 'red \ufffd[31m'])
  expect(local()?.usage.incidents).toMatchObject({ trap: expect.any(Number) as number })
  expect(appLog.tail('trap', 100).map(({ message }) => message)).toContain(
    `the instance ended (trap): ${first?.message}`,
  )
})
