/** The parts of a device together, none of them faked: simulated light, the real engine, the example app. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf, memoryFolder, silentLog, systemClock, systemRandom } from '../../../core/index.ts'
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
import type { Engine } from '../../../host/engine/index.ts'
import { makeEngine } from '../engine/kit.ts'
import { releaseOf } from './fake-engine.ts'

const file = join(import.meta.dirname ?? '.', '../../../components/light-alarm/build/light-alarm.wasm')
const config = parseNodeConfig(
  `
[sensors.light]
driver = "simulated"
shape = "steps"
unit = "lx"
values = [500, 10]
period = "800ms"
[pins.led]
driver = "simulated"
[apps.light-alarm.config]
threshold = "40"
`,
  'node.toml',
)

let bytes: Uint8Array
let engine: Engine
let devices: Devices
let apps: AppSupervisor
const appLog = new AppLog(systemClock, { lines: 10_000, linesPerSecond: 500 })

function release(seq: number): DesiredRelease {
  const blob = { digest: digestOf(bytes), sizeBytes: bytes.length }
  const triggers = [{ kind: 'sensor', sensor: 'light', everyMs: 50 }]
  return releaseOf(seq, { component: { ...blob, chunks: blob }, triggers })
}

beforeAll(async () => {
  bytes = new Uint8Array(await readFile(file))
  engine = makeEngine()
  devices = await openDevices(config, { clock: systemClock, random: systemRandom })
  apps = createAppSupervisor({
    engine,
    storage: memoryStorage(systemClock),
    queues: memoryQueues(systemClock),
    devices,
    folders: {},
    overlays: config.apps,
    groups: [],
    fetchComponent: async () => bytes,
    recall: () => null,
    folder: memoryFolder(),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
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

const eventIds = (): number[] =>
  appLog
    .tail('light-alarm', 10_000)
    .flatMap(({ message }) => /^event (\d+):/.exec(message)?.[1] ?? [])
    .map(Number)

describe('light-alarm on a device', () => {
  it('lights the LED when it gets dark, by the threshold of the node’s owner', async () => {
    apps.setDesired([release(1)])
    const led = devices.pins.get('led')
    await expect.poll(() => led?.edges().length ?? 0).toBeGreaterThan(3)
    const levels = led?.edges().map(({ level }) => level) ?? []
    expect(levels).toEqual(levels.map((_, index) => (index % 2 === 0 ? levels[0] : !levels[0])))
    const lines = appLog.tail('light-alarm', 10_000).map(({ message }) => message)
    expect(lines.some((line) => line.endsWith('10 lx, led on'))).toBe(true)
    expect(lines.some((line) => line.endsWith('500 lx, led off'))).toBe(true)
  })

  it('is swapped while events flow: every id once and in order, by both versions', async () => {
    apps.setDesired([release(2)])
    const version = (): string | undefined => apps.status()[0]?.version
    await expect.poll(version).toBe('2.0.0')
    const switchedAt = eventIds().length
    await expect.poll(() => eventIds().length).toBeGreaterThan(switchedAt + 20)
    const ids = eventIds()
    expect(ids).toEqual(ids.map((_, index) => index + 1))
    const versions = new Set(appLog.tail('light-alarm', 10_000).map((line) => line.version))
    expect(versions).toEqual(new Set(['1.0.0', '2.0.0']))
    expect(apps.local()[0]).toMatchObject({ events: { failed: 0, dropped: 0 }, lastSwap: { to: '2.0.0' } })
  })
})
