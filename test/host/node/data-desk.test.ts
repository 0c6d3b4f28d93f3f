import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { openFolder, systemClock } from '../../../core/index.ts'
import type { DataDesk, LocalApp } from '../../../host/api/index.ts'
import { dataDesk } from '../../../host/node/data-desk.ts'
import { diskStorage, type Storage } from '../../../host/storage/index.ts'

let folder: string
let storage: Storage
let desk: DataDesk
let state: string
let acts: string[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-desk-'))
  storage = diskStorage(await openFolder(join(folder, 'storage')), systemClock)
  state = 'running'
  acts = []
  desk = dataDesk({
    storage,
    apps: {
      local: () => [{ app: 'app', state } as LocalApp],
      hold: async (app) => {
        acts.push(`hold ${app}`)
        return () => void acts.push(`resume ${app}`)
      },
    },
    grantsOf: (app) => (app === 'app' ? ['keyvalue:counts', 'blobstore:photos', 'sensor:x'] : null),
    entriesOf: (app) => storage.keyValue(app),
    sharedOf: () => null,
  })
})
afterEach(async () => {
  await storage.close()
  await rm(folder, { recursive: true, force: true })
})
const at = { app: 'app', store: 'counts', key: 'k' } as const

it('sets, gets, lists and deletes keys, and lists objects with their digests', async () => {
  expect(desk.report('app').stores).toEqual([
    { kind: 'bucket', name: 'counts' },
    { kind: 'container', name: 'photos' },
  ])
  await desk.change({ action: 'set', ...at, value: 'Nw==' })
  expect(await desk.change({ action: 'get', ...at })).toMatchObject({ value: 'Nw==' })
  expect(await desk.page('app', 'counts', null)).toMatchObject({ keys: ['k'], cursor: null })
  await desk.change({ action: 'delete', ...at })
  expect(await desk.change({ action: 'get', ...at })).toMatchObject({ value: null })
  expect(await desk.page('app', 'photos', null)).toMatchObject({ objects: [], cursor: null })
  await storage.blobs('app').createContainer('photos')
  const writer = await storage.blobs('app').create()
  await writer.write(new Uint8Array([1]))
  await writer.commit('photos', 'a')
  const { objects } = await desk.page('app', 'photos', null)
  expect(objects).toMatchObject([{ name: 'a', sizeBytes: expect.any(Number) }])
  expect(objects[0]?.digest).toMatch(/^[0-9a-f]{64}$/)
})

it('refuses what the app is not granted, by the names of what it is', async () => {
  await expect(desk.change({ action: 'get', ...at, store: 'secret' })).rejects.toMatchObject({
    code: 'ERR_DATA_STORE',
    hint: 'it is granted counts, photos',
  })
  await expect(desk.change({ action: 'set', ...at, store: 'photos', value: '' })).rejects.toMatchObject({
    code: 'ERR_DATA_STORE',
  })
  await expect(desk.page('other', 'counts', null)).rejects.toMatchObject({ code: 'ERR_APP_UNKNOWN' })
})

it('puts nothing back under an app that runs, unless it may stop it, and always lets it go on', async () => {
  const path = join(folder, 'snapshot')
  await desk.change({ action: 'set', ...at, value: 'Nw==' })
  await desk.change({ action: 'snapshot', app: 'app', path })
  await desk.change({ action: 'set', ...at, value: 'OA==' })
  await expect(desk.change({ action: 'restore', app: 'app', path, stop: false })).rejects.toMatchObject({
    code: 'ERR_APP_RUNS',
  })
  expect(acts).toEqual([])
  await expect(
    desk.change({ action: 'restore', app: 'app', path: `${path}.none`, stop: true }),
  ).rejects.toMatchObject({
    code: 'ERR_SNAPSHOT',
  })
  expect(acts, 'nobody is stopped for a file that is none').toEqual([])
  const bytes = await readFile(path)
  bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1
  await writeFile(`${path}.bad`, bytes)
  await expect(
    desk.change({ action: 'restore', app: 'app', path: `${path}.bad`, stop: true }),
  ).rejects.toMatchObject({ code: 'ERR_SNAPSHOT' })
  expect(await desk.change({ action: 'get', ...at })).toMatchObject({ value: 'OA==' })
  await desk.change({ action: 'restore', app: 'app', path, stop: true })
  expect(acts).toEqual(['hold app', 'resume app', 'hold app', 'resume app'])
  expect(await desk.change({ action: 'get', ...at })).toMatchObject({ value: 'Nw==' })
})

it('lists the objects that are there though one goes meanwhile', async () => {
  const blobs = storage.blobs('app')
  await blobs.createContainer('photos')
  for (const name of ['a', 'b']) {
    const writer = await blobs.create()
    await writer.commit('photos', name)
  }
  const names = vi.spyOn(blobs, 'objects')
  names.mockResolvedValueOnce({ names: ['a', 'gone', 'b'], cursor: null })
  const { objects } = await desk.page('app', 'photos', null)
  expect(objects.map(({ name }) => name)).toEqual(['a', 'b'])
})
