/** Folders of the node's owner, through the real engine: what a program that was granted one finds, and may do. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf, memoryFolder, silentLog, systemClock, systemRandom } from '../../../core/index.ts'
import { AppLog, createAppSupervisor, type AppSupervisor } from '../../../host/apps/index.ts'
import { preopensOf } from '../../../host/apps/folders.ts'
import { memoryQueues } from '../../../host/queue/index.ts'
import { memoryStorage } from '../../../host/storage/index.ts'
import type { InstancePolicy } from '../../../mesh/index.ts'
import { coreModule, guest } from '../../guests/index.ts'
import { makeEngine } from '../engine/kit.ts'
import { releaseOf } from './fake-engine.ts'

/**
 * Says the name of its first folder, what in.txt there holds, and with which error (00: none) it could make out.txt;
 * without a folder it says the error of asking for one.
 */
const program = `(module
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $name (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 100) "in.txtout.txtmade\\0a")
  (func $say (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $digits (param $error i32)
    (i32.store8 (i32.const 300) (i32.add (i32.const 48) (i32.div_u (local.get $error) (i32.const 10))))
    (i32.store8 (i32.const 301) (i32.add (i32.const 48) (i32.rem_u (local.get $error) (i32.const 10))))
    (i32.store8 (i32.const 302) (i32.const 10))
    (call $say (i32.const 300) (i32.const 3)))
  (func (export "_start") (local $error i32)
    (local.set $error (call $prestat (i32.const 3) (i32.const 16)))
    (if (local.get $error) (then (call $digits (local.get $error)) (return)))
    (drop (call $name (i32.const 3) (i32.const 400) (i32.load (i32.const 20))))
    (i32.store8 (i32.add (i32.const 400) (i32.load (i32.const 20))) (i32.const 10))
    (call $say (i32.const 400) (i32.add (i32.load (i32.const 20)) (i32.const 1)))
    (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 6)
      (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 24)))
    (i32.store (i32.const 0) (i32.const 500))
    (i32.store (i32.const 4) (i32.const 100))
    (drop (call $fd_read (i32.load (i32.const 24)) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $say (i32.const 500) (i32.load (i32.const 8)))
    (local.set $error (call $path_open (i32.const 3) (i32.const 0) (i32.const 106) (i32.const 7)
      (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 24)))
    (call $digits (local.get $error))
    (if (local.get $error) (then (return)))
    (i32.store (i32.const 0) (i32.const 113))
    (i32.store (i32.const 4) (i32.const 5))
    (drop (call $fd_write (i32.load (i32.const 24)) (i32.const 0) (i32.const 1) (i32.const 8)))))`

/** Errors of preview1, as its witx numbers them. */
const quotaReached = '19'
const badDescriptor = '08'
const readOnlyFolder = '69'

const engine = makeEngine()
const appLog = new AppLog(systemClock, { lines: 100, linesPerSecond: 100 })
let root: string
let bytes: Uint8Array
let apps: AppSupervisor

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'selvedge-folders-'))
  bytes = await coreModule(program)
  for (const name of ['photos', 'inbox', 'full', 'fleeting']) await mkdir(join(root, name))
  await writeFile(join(root, 'photos/in.txt'), 'a picture\n')
  await writeFile(join(root, 'inbox/in.txt'), 'a letter\n')
  for (const name of ['in.txt', 'old.txt']) await writeFile(join(root, 'full', name), 'old\n')
  apps = createAppSupervisor({
    engine,
    storage: memoryStorage(systemClock),
    queues: memoryQueues(systemClock),
    devices: { sensors: new Map(), pins: new Map() },
    folders: {
      photos: { path: join(root, 'photos'), access: 'read' },
      inbox: { path: join(root, 'inbox'), access: 'read-write' },
      full: { path: join(root, 'full'), access: 'read-write', size: 1_000_000, files: 2 },
      fleeting: { path: join(root, 'fleeting'), access: 'read' },
    },
    overlays: {},
    groups: [],
    fetchComponent: async () => bytes,
    recall: () => null,
    folder: memoryFolder(),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    appLog,
    queuedEvents: 16,
  })
  await apps.start()
})

afterAll(async () => {
  await apps.stop()
  await engine.stop()
  await rm(root, { recursive: true, force: true })
})

function want(app: string, grants: readonly string[], instances: InstancePolicy = {}): void {
  const blob = { digest: digestOf(bytes), sizeBytes: bytes.length }
  apps.setDesired([
    releaseOf(1, {
      app,
      component: { ...blob, chunks: blob },
      grants,
      triggers: [{ kind: 'start' }],
      instances,
    }),
  ])
}

async function linesOf(
  app: string,
  grants: readonly string[],
  instances?: InstancePolicy,
): Promise<string[]> {
  want(app, grants, instances)
  const handled = (): number => apps.local().find((local) => local.app === app)?.events.handled ?? 0
  await expect.poll(handled).toBe(1)
  return appLog.tail(app, 10).map(({ message }) => message)
}

describe('a granted folder', () => {
  it('is seen under its name, read, and not written to', async () => {
    expect(await linesOf('viewer', ['folder:photos'])).toEqual(['/photos', 'a picture', readOnlyFolder])
    expect(await readdir(join(root, 'photos'))).toEqual(['in.txt'])
  })

  it('is written to where the node’s owner said so', async () => {
    expect(await linesOf('clerk', ['folder:inbox'])).toEqual(['/inbox', 'a letter', '00'])
    expect(await readFile(join(root, 'inbox/out.txt'), 'utf8')).toBe('made\n')
  })

  it.each(['process', 'shared'] as const)('is the same for an app in isolation "%s"', async (isolation) => {
    const seen = await linesOf(`viewer-${isolation}`, ['folder:photos'], { isolation })
    expect(seen).toEqual(['/photos', 'a picture', readOnlyFolder])
  })

  it('is seen by a component through wasi:filesystem', async () => {
    const program = bytes
    bytes = await guest('first-folder')
    try {
      expect(await linesOf('component', ['folder:inbox'])).toEqual(['/inbox'])
    } finally {
      bytes = program
    }
  })

  it.each(['worker', 'process', 'shared'] as const)(
    'takes no more than its owner allows, in isolation "%s", and the app is told why',
    async (isolation) => {
      const app = `hoarder-${isolation}`
      const seen = await linesOf(app, ['folder:full'], { isolation })
      expect(seen.filter((line) => line.length < 10)).toEqual(['/full', 'old', quotaReached])
      expect(seen.join()).toContain('the folder full is full for this app: it holds 8 bytes in 2 files')
      expect(await readdir(join(root, 'full'))).toEqual(['in.txt', 'old.txt'])
      const local = apps.local().find((local) => local.app === app)
      expect(local?.storage?.folders).toEqual({
        full: { bytes: 8, items: 2, maxBytes: 1_000_000, maxItems: 2 },
      })
    },
  )

  it('is denied to an app without the grant, which sees no folder at all', async () => {
    expect(await linesOf('stranger', ['network:lookup'])).toEqual([badDescriptor])
  })

  it('that has gone makes its app wait and try again, and run when it is back', async () => {
    await rm(join(root, 'fleeting'), { recursive: true })
    want('mayfly', ['folder:fleeting'])
    const local = () => apps.local().find(({ app }) => app === 'mayfly')
    await expect.poll(() => local()?.failures ?? 0).toBeGreaterThan(0)
    const told = `${local()?.reason?.message} ${appLog.tail('mayfly', 10).map(({ message }) => message)}`
    expect(told).toContain(`the folder ${join(root, 'fleeting')}`)
    await mkdir(join(root, 'fleeting'))
    await writeFile(join(root, 'fleeting/in.txt'), 'a day\n')
    await expect.poll(() => local()?.events.handled).toBe(1)
    expect(appLog.tail('mayfly', 10).map(({ message }) => message)).toContain('a day')
  })
})

it('a grant gives the folder of that name alone, however often it is written', () => {
  const folders = {
    photos: { path: '/srv/photos', access: 'read' },
    letters: { path: '/srv/letters', access: 'read-write' },
  } as const
  expect(preopensOf(['folder:letters', 'folder:letters', 'folder:../etc', 'sensor:photos'], folders)).toEqual(
    [{ hostPath: '/srv/letters', guestPath: '/letters', access: 'read-write', counted: true }],
  )
})
