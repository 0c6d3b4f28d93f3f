import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFolder, systemClock } from '../../../core/index.ts'
import { openDiskBlobs } from '../../../host/storage/blobs/disk.ts'
import { MemoryBlobs } from '../../../host/storage/blobs/memory.ts'
import { blobLimits, diskStorage, type BlobStore } from '../../../host/storage/index.ts'
import { describeBlobStore } from '../../contract/blob-store.ts'

let folder: string
let stores = 0
const newFolder = (): string => join(folder, `store-${(stores += 1)}`)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-blobs-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describeBlobStore('in memory', async (limits) => new MemoryBlobs(systemClock, limits))
describeBlobStore('on the disk', async (limits) => openDiskBlobs(newFolder(), systemClock, limits))

async function put(store: BlobStore, name: string, text: string): Promise<void> {
  const writer = await store.create()
  await writer.write(new TextEncoder().encode(text))
  await writer.commit('box', name)
}

describe('a blob store on the disk', () => {
  it('has everything when it is opened again, and knows what it holds', async () => {
    const path = newFolder()
    const first = await openDiskBlobs(path, systemClock, blobLimits)
    await first.createContainer('box')
    await put(first, 'o', 'kept')
    await first.close()
    const second = await openDiskBlobs(path, systemClock, { ...blobLimits, objects: 2 })
    expect(await second.object('box', 'o')).toMatchObject({ sizeBytes: 4 })
    await expect(put(second, 'more', 'x')).rejects.toMatchObject({ code: 'ERR_STORAGE_QUOTA' })
  })

  it('removes what a crash left half-written', async () => {
    const path = newFolder()
    const first = await openDiskBlobs(path, systemClock, blobLimits)
    await first.createContainer('box')
    const writer = await first.create()
    await writer.write(new Uint8Array(1_000))
    expect(await readdir(join(path, 'unfinished'))).toHaveLength(1)
    await openDiskBlobs(path, systemClock, blobLimits)
    expect(await readdir(join(path, 'unfinished'))).toEqual([])
    await writer.abort()
  })

  it('takes a file that was cut short, or was never an object, for none', async () => {
    const path = newFolder()
    const store = await openDiskBlobs(path, systemClock, blobLimits)
    await store.createContainer('box')
    await put(store, 'o', 'whole')
    const [box] = (await readdir(path)).filter((name) => name !== 'unfinished')
    const [file] = (await readdir(join(path, box!))).filter((name) => name !== 'container.json')
    await truncate(join(path, box!, file!), 8)
    await writeFile(join(path, box!, 'stray'), 'SVO1')
    await expect(store.object('box', 'o')).rejects.toMatchObject({ code: 'ERR_OBJECT_MISSING' })
    expect(await store.objects('box', null)).toEqual({ names: [], cursor: null })
  })

  it('is made when an app first uses it, and not before', async () => {
    const path = newFolder()
    const storage = diskStorage(await openFolder(path), systemClock)
    const blobs = storage.blobs('app')
    expect(await readdir(path)).toEqual([])
    await blobs.createContainer('box')
    await put(blobs, 'o', 'x')
    await storage.close()
    expect(await readdir(join(path, 'blobs'))).toEqual(['app'])
  })
})
