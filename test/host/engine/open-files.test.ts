/** Guests that leave their files open: the descriptors are the process's, which other apps live in. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Sandbox } from '../../../host/engine/index.ts'
import { makeEngine, requestFor } from './kit.ts'

const run = 'wasi:cli/run@0.2.3#run'
const engine = makeEngine()
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-open-'))
})
afterAll(async () => {
  await engine.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Opens its folder with every call, and drops nothing. */
async function start(isolation: 'worker' | 'shared', fresh: boolean): Promise<Sandbox> {
  const request = await requestFor('first-folder', { requiredExports: [] })
  return engine.start({
    app: 'careless',
    prepared: await engine.prepare(request),
    imports: [],
    deadlineMs: 5_000,
    memoryBytes: request.memoryBytes,
    isolation,
    publisher: 'careless',
    fresh,
    world: { preopens: [{ hostPath: folder, guestPath: '/d', access: 'read' }] },
    output: () => {},
  })
}

/** Of this process that lead to the guest's folder; on Linux, where they can be seen. */
async function openHere(): Promise<number> {
  const { readlink } = await import('node:fs/promises')
  const all = await readdir('/proc/self/fd')
  const leads = await Promise.all(all.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  return leads.filter((path) => path === folder).length
}

describe.skipIf(process.platform !== 'linux')('a guest that closes nothing', () => {
  test.each(['worker', 'shared'] as const)(
    'in a %s holds no more after many fresh calls',
    async (isolation) => {
      const sandbox = await start(isolation, true)
      for (let call = 0; call < 40; call += 1) await sandbox.call(run, [])
      expect(await openHere()).toBeLessThanOrEqual(1)
      await sandbox.stop()
    },
  )

  test('in a thread that others share leaves nothing behind when it goes', async () => {
    const [careless, neighbour] = [await start('shared', false), await start('shared', false)]
    for (let call = 0; call < 10; call += 1) await careless.call(run, [])
    expect(await openHere()).toBe(10)
    await careless.stop()
    expect(await openHere()).toBe(0)
    await neighbour.call(run, [])
    await neighbour.stop()
  })
})
