/** An app that is told what changes in its stores: the real engine, queue and stores, also over a restart of the node. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { digestOf, openFolder, silentLog, systemClock, systemRandom } from '../../../core/index.ts'
import { AppLog, createAppSupervisor, type AppSupervisor } from '../../../host/apps/index.ts'
import { openDevices } from '../../../host/devices/index.ts'
import type { Engine } from '../../../host/engine/index.ts'
import { diskQueues } from '../../../host/queue/index.ts'
import { diskStorage, type Storage } from '../../../host/storage/index.ts'
import { guest } from '../../guests/index.ts'
import { makeEngine } from '../engine/kit.ts'
import { releaseOf } from './fake-engine.ts'

const app = 'light-alarm'
const value = new Uint8Array([1])
let folder: string
let engine: Engine
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-changes-'))
  engine = makeEngine()
})
afterAll(async () => {
  await engine.stop()
  await rm(folder, { recursive: true, force: true })
})

interface Node {
  readonly apps: AppSupervisor
  readonly storage: Storage
  /** What the app logged: its store, the key or name, and whether it was written. */
  heard(): string[]
  stop(): Promise<void>
}

/** A node on the folder, with the app running. */
async function start(): Promise<Node> {
  const bytes = await guest('change')
  const data = await openFolder(join(folder, 'data'))
  const storage = diskStorage(await data.folder('storage'), systemClock)
  const queues = diskQueues(await data.folder('queues'), systemClock)
  const devices = await openDevices({ sensors: {}, pins: {} }, { clock: systemClock, random: systemRandom })
  const appLog = new AppLog(systemClock, { lines: 1_000, linesPerSecond: 500 })
  const apps = createAppSupervisor({
    engine,
    storage,
    queues,
    devices,
    folders: {},
    overlays: {},
    groups: [],
    fetchComponent: async () => bytes,
    recall: () => null,
    folder: await data.folder('apps'),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    appLog,
    queuedEvents: 256,
  })
  await apps.start()
  const blob = { digest: digestOf(bytes), sizeBytes: bytes.length }
  apps.setDesired([
    releaseOf(1, {
      component: { ...blob, chunks: blob },
      grants: ['keyvalue:settings', 'blobstore:photos'],
      triggers: [
        { kind: 'keyvalue', bucket: 'settings', keys: 'lamp-*' },
        { kind: 'blob', container: 'photos' },
      ],
    }),
  ])
  await expect.poll(() => apps.status()[0]?.state).toBe('running')
  return {
    apps,
    storage,
    heard: () =>
      appLog
        .tail(app, 1_000)
        .map(({ level, context, message }) => `${level === 'warn' ? '-' : '+'}${context}/${message}`),
    async stop() {
      await apps.stop()
      await queues.close()
      await storage.close()
      await devices.close()
    },
  }
}

it('hears of keys and objects that change, and of what changed while its node was down', async () => {
  const first = await start()
  const keys = first.storage.keyValue(app)
  const objects = first.storage.blobs(app)
  const put = async (name: string): Promise<void> => {
    const writer = await objects.create()
    await writer.write(value)
    await writer.commit('photos', name)
  }
  await objects.createContainer('photos')
  // A trigger that begins tells of what comes after it: these may still be before.
  await expect
    .poll(async () => {
      await keys.set('settings', 'lamp-0', value)
      await put('zero')
      return first.heard()
    })
    .toEqual(expect.arrayContaining(['+settings/lamp-0', '+photos/zero']))
  await keys.set('settings', 'lamp-1', value)
  await keys.set('settings', 'fan-1', value)
  await keys.delete('settings', 'lamp-1')
  await put('cat.jpg')
  await objects.deleteObjects('photos', ['cat.jpg'])
  await expect.poll(first.heard).toEqual(expect.arrayContaining(['-settings/lamp-1', '+photos/cat.jpg']))
  await expect.poll(first.heard).toContain('-photos/cat.jpg')
  expect(first.heard()).not.toContain('+settings/fan-1')
  await first.apps.stop()
  // The app is gone; its data is not.
  await keys.set('settings', 'lamp-2', value)
  await put('dog.jpg')
  await first.stop()
  const second = await start()
  await expect.poll(second.heard).toEqual(expect.arrayContaining(['+settings/lamp-2', '+photos/dog.jpg']))
  expect(second.heard()).not.toContain('+photos/cat.jpg')
  await second.stop()
}, 90_000)
