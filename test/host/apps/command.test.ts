/** Programs with a `main`, as releases: preview1 modules whose start trigger runs them once. */
import { afterAll, expect, it } from 'vitest'
import {
  digestOf,
  memoryFolder,
  silentLog,
  systemClock,
  systemRandom,
  type Digest,
} from '../../../core/index.ts'
import { AppLog, createAppSupervisor } from '../../../host/apps/index.ts'
import { memoryQueues } from '../../../host/queue/index.ts'
import { memoryStorage } from '../../../host/storage/index.ts'
import { coreModule } from '../../guests/index.ts'
import { makeEngine } from '../engine/kit.ts'
import { releaseOf } from './fake-engine.ts'

/** Prints its first environment variable, and exits. */
const program = (status: number): string => `(module
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $environ_get (i32.const 256) (i32.const 1024)))
    (i32.store (i32.const 0) (i32.load (i32.const 256)))
    (i32.store (i32.const 4) (i32.const 8))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
    (call $proc_exit (i32.const ${status}))))`

const engine = makeEngine()
const components = new Map<Digest, Uint8Array>()
const appLog = new AppLog(systemClock, { lines: 100, linesPerSecond: 100 })
const apps = createAppSupervisor({
  engine,
  storage: memoryStorage(systemClock),
  queues: memoryQueues(systemClock),
  devices: { sensors: new Map(), pins: new Map() },
  folders: {},
  overlays: {},
  groups: [],
  fetchComponent: async ({ component }) => components.get(component.digest) ?? null,
  recall: () => null,
  folder: memoryFolder(),
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
  appLog,
  queuedEvents: 16,
})
afterAll(async () => {
  await apps.stop()
  await engine.stop()
})

it('run once with their settings as environment, and again only where they failed', async () => {
  const release = async (app: string, status: number): Promise<ReturnType<typeof releaseOf>> => {
    const bytes = await coreModule(program(status))
    const blob = { digest: digestOf(bytes), sizeBytes: bytes.length }
    components.set(blob.digest, bytes)
    const component = { ...blob, chunks: blob }
    const triggers = [{ kind: 'start' }]
    return releaseOf(1, { app, component, grants: [], triggers, config: { NAME: 'one' } })
  }
  await apps.start()
  apps.setDesired([await release('good', 0), await release('bad', 3)])
  const local = (name: string) => apps.local().find(({ app }) => app === name)
  await expect.poll(() => local('good')?.events.handled).toBe(1)
  await expect.poll(() => local('bad')?.failures ?? 0).toBeGreaterThan(0)
  expect(appLog.tail('good', 10).map(({ message }) => message)).toEqual(['NAME=one'])
  expect(local('good')).toMatchObject({ state: 'running', failures: 0, usage: { invocations: 1, errors: 0 } })
  expect(local('bad')?.usage.incidents).toMatchObject({ exit: expect.any(Number) as number })
  // Nothing of the finished program is kept.
  await expect.poll(() => local('good')?.usage.instances).toBe(0)
})

/** Prints its arguments, each followed by a line's end. */
const echo = `(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $at i32) (local $end i32)
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (drop (call $args_get (i32.const 256) (i32.const 4096)))
    (local.set $at (i32.const 4096))
    (local.set $end (i32.add (i32.const 4096) (i32.load (i32.const 4))))
    (loop $next
      (if (i32.eqz (i32.load8_u (local.get $at)))
        (then (i32.store8 (local.get $at) (i32.const 10))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (i32.store (i32.const 8) (i32.const 4096))
    (i32.store (i32.const 12) (i32.load (i32.const 4)))
    (drop (call $fd_write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))))`

it('see their own name, and behind it the arguments of their release', async () => {
  const bytes = await coreModule(echo)
  const blob = { digest: digestOf(bytes), sizeBytes: bytes.length }
  components.set(blob.digest, bytes)
  const component = { ...blob, chunks: blob }
  const run = { args: ['--room', 'the lobby', 'ü'] }
  await apps.start()
  apps.setDesired([releaseOf(1, { app: 'echo', component, grants: [], triggers: [{ kind: 'start' }], run })])
  const said = () => appLog.tail('echo', 10).map(({ message }) => message)
  await expect.poll(said).toEqual(['echo', '--room', 'the lobby', 'ü'])
})
