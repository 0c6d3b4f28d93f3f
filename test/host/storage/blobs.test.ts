import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import * as fc from 'fast-check'
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

  /** The file of the one object. */
  async function fileIn(path: string): Promise<string> {
    const [box] = (await readdir(path)).filter((name) => name !== 'unfinished')
    const [file] = (await readdir(join(path, box!))).filter((name) => name.length === 64)
    return join(path, box!, file!)
  }

  it('says which file was cut short, and takes the object anew', async () => {
    const path = newFolder()
    const store = await openDiskBlobs(path, systemClock, blobLimits)
    await store.createContainer('box')
    await put(store, 'o', 'whole')
    const file = await fileIn(path)
    await truncate(file, 8)
    const damaged = { code: 'ERR_STORAGE_DAMAGED', message: expect.stringContaining(file) }
    await expect(store.object('box', 'o')).rejects.toMatchObject(damaged)
    await expect(store.objects('box', null)).rejects.toMatchObject(damaged)
    await put(store, 'o', 'anew')
    expect(await store.object('box', 'o')).toMatchObject({ sizeBytes: 4 })
  })

  it('has nothing to do with files that are no objects', async () => {
    const path = newFolder()
    const store = await openDiskBlobs(path, systemClock, blobLimits)
    await store.createContainer('box')
    await put(store, 'o', 'whole')
    await writeFile(join(dirname(await fileIn(path)), 'stray'), 'SVO1')
    expect(await store.objects('box', null)).toEqual({ names: ['o'], cursor: null })
  })

  it('hands out no byte that is not as it was written, wherever a bit of the file is flipped', async () => {
    const path = newFolder()
    const store = await openDiskBlobs(path, systemClock, blobLimits)
    await store.createContainer('box')
    const bytes = Buffer.from(Array.from({ length: 150_000 }, (_, index) => (index * 7919) % 251))
    const writer = await store.create()
    await writer.write(bytes)
    await writer.commit('box', 'o')
    const file = await fileIn(path)
    const whole = await readFile(file)
    const read = async (): Promise<{ got: Buffer; failure: unknown }> => {
      const pieces: Uint8Array[] = []
      try {
        const reader = await store.read('box', 'o', 0n, 2n ** 64n - 1n)
        try {
          for await (const piece of reader.bytes) pieces.push(piece)
        } finally {
          await reader.close()
        }
        return { got: Buffer.concat(pieces), failure: null }
      } catch (failure) {
        return { got: Buffer.concat(pieces), failure }
      }
    }
    const near = fc.oneof(fc.nat(whole.length - 1), fc.integer({ min: 150_000, max: whole.length - 1 }))
    await fc.assert(
      fc.asyncProperty(near, fc.nat(7), async (at, bit) => {
        const flipped = Buffer.from(whole)
        flipped[at]! ^= 1 << bit
        await writeFile(file, flipped)
        const { got, failure } = await read()
        expect(failure).toMatchObject({ code: 'ERR_STORAGE_DAMAGED', message: expect.stringContaining(file) })
        expect(got.equals(bytes.subarray(0, got.length))).toBe(true)
      }),
      { numRuns: 60 },
    )
    await writeFile(file, whole)
    expect((await read()).got.equals(bytes)).toBe(true)
  })

  it('reads a part of an object although another part of it is damaged', async () => {
    const path = newFolder()
    const store = await openDiskBlobs(path, systemClock, blobLimits)
    await store.createContainer('box')
    await put(store, 'o', 'x'.repeat(200_000))
    const file = await fileIn(path)
    const bytes = await readFile(file)
    bytes[190_000]! ^= 1
    await writeFile(file, bytes)
    const { bytes: pieces, close } = await store.read('box', 'o', 70_000n, 70_009n)
    for await (const piece of pieces) expect(Buffer.from(piece).toString()).toBe('x'.repeat(10))
    await close()
  })

  it('reads objects that were stored before digests were', async () => {
    const path = newFolder()
    const store = await openDiskBlobs(path, systemClock, blobLimits)
    await store.createContainer('box')
    await put(store, 'o', 'placeholder')
    const json = Buffer.from(JSON.stringify({ name: 'o', createdAt: 7 }))
    const length = Buffer.alloc(4)
    length.writeUInt32LE(json.length)
    await writeFile(
      await fileIn(path),
      Buffer.concat([Buffer.from('old'), json, length, Buffer.from('SVO1')]),
    )
    expect(await store.object('box', 'o')).toEqual({
      name: 'o',
      container: 'box',
      createdAt: 7,
      sizeBytes: 3,
      digest: null,
    })
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
