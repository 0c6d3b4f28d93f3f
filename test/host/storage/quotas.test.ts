/** What one app may store: as it asks, within what the node's owner allows, on the disk and in memory. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openFolder, systemClock } from '../../../core/index.ts'
import { diskStorage, memoryStorage, usualStorage, type Storage } from '../../../host/storage/index.ts'

const open: { storage: Storage; folder: string | null }[] = []
afterEach(async () => {
  for (const { storage, folder } of open.splice(0)) {
    await storage.close()
    if (folder !== null) await rm(folder, { recursive: true, force: true })
  }
})

const caps = { keyValue: { bytes: 10_000, items: 5 }, blobs: { bytes: 10_000, items: 5 } }
const quota = expect.objectContaining({ code: 'ERR_STORAGE_QUOTA' }) as Error

async function onDisk(): Promise<Storage> {
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-quotas-'))
  const storage = diskStorage(await openFolder(folder), systemClock, { caps })
  open.push({ storage, folder })
  return storage
}

async function inMemory(): Promise<Storage> {
  const storage = memoryStorage(systemClock)
  open.push({ storage, folder: null })
  return storage
}

async function put(storage: Storage, app: string, name: string, size: number): Promise<void> {
  const writer = await storage.blobs(app).create()
  try {
    await writer.write(new Uint8Array(size))
    await writer.commit('box', name)
  } finally {
    await writer.abort()
  }
}

describe.each([
  ['on the disk', onDisk],
  ['in memory', inMemory],
])('an app that stores %s', (_, make) => {
  it('is held to the keys and bytes that it asked for, from the next write on', async () => {
    const storage = await make()
    const store = storage.keyValue('a')
    for (const key of ['1', '2', '3']) await store.set('b', key, new Uint8Array(1))
    storage.allow('a', { keyValue: { items: 2 }, blobs: {} })
    await expect(store.set('b', '4', new Uint8Array(1))).rejects.toThrow(quota)
    // What it holds stays, and may be written over.
    await store.set('b', '3', new Uint8Array(1))
    await store.deleteMany('b', ['1', '2'])
    await store.set('b', '4', new Uint8Array(1))
    storage.allow('a', { keyValue: { bytes: 400 }, blobs: {} })
    await expect(store.set('b', '4', new Uint8Array(400))).rejects.toThrow(quota)
    // Another app's limits are its own.
    for (const key of ['1', '2', '3']) await storage.keyValue('other').set('b', key, new Uint8Array(400))
  })

  it('is held to its objects and their bytes', async () => {
    const storage = await make()
    storage.allow('a', { keyValue: {}, blobs: { bytes: 2_000, items: 2 } })
    await storage.blobs('a').createContainer('box')
    await put(storage, 'a', 'one', 1_000)
    await expect(put(storage, 'a', 'two', 10)).rejects.toThrow(quota)
    storage.allow('a', { keyValue: {}, blobs: { bytes: 2_000, items: 3 } })
    await expect(put(storage, 'a', 'two', 1_500)).rejects.toThrow(quota)
    await put(storage, 'a', 'two', 500)
  })

  it('shows what it holds and may hold, once it has used a store', async () => {
    const storage = await make()
    storage.allow('a', { keyValue: { bytes: 500, items: 3 }, blobs: { bytes: 9_000, items: 4 } })
    const allowed = { keyValue: { bytes: 500, items: 3 }, blobs: { bytes: 9_000, items: 4 } }
    expect(storage.report('a')).toEqual({
      keyValue: { held: null, allowed: allowed.keyValue },
      blobs: { held: null, allowed: allowed.blobs },
    })
    await storage.keyValue('a').set('b', 'key', new Uint8Array(10))
    await storage.blobs('a').createContainer('box')
    await put(storage, 'a', 'one', 1_000)
    const { keyValue, blobs } = storage.report('a')
    expect(keyValue).toEqual({ held: { items: 1, bytes: 3 + 10 + 64 }, allowed: allowed.keyValue })
    expect(blobs.held?.items).toBe(2)
    expect(blobs.held?.bytes).toBeGreaterThanOrEqual(1_000)
  })
})

it('a node gives an app no more than its owner allows, whatever the app asks for', async () => {
  const storage = await onDisk()
  storage.allow('greedy', { keyValue: { bytes: 2 ** 40, items: 1e9 }, blobs: { bytes: 2 ** 40 } })
  expect(storage.report('greedy')).toMatchObject({
    keyValue: { allowed: caps.keyValue },
    blobs: { allowed: caps.blobs },
  })
  const usual = diskStorage(await openFolder(await mkdtemp(join(tmpdir(), 'selvedge-quotas-'))), systemClock)
  expect(usual.report('modest')).toMatchObject({
    keyValue: { allowed: usualStorage.keyValue },
    blobs: { allowed: usualStorage.blobs },
  })
  await usual.close()
})
