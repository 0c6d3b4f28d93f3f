/** What a store does with a file that is not what it should be, and with a disk that is full or cannot be written. */
import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFolder, systemClock } from '../../../core/index.ts'
import { openDiskBlobs } from '../../../host/storage/blobs/disk.ts'
import { blobLimits, diskStorage, keyValueLimits, type KeyValueStore } from '../../../host/storage/index.ts'
import { openConnection } from '../../../host/storage/sqlite/connection.ts'
import { openNear, sqliteKinds } from './near-store.ts'

let folder: string
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-damage-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
const newPath = (): string => join(folder, `store-${(files += 1)}.sqlite`)

const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`)
const valueOf = (key: string): Uint8Array =>
  new TextEncoder().encode(`${key} `.repeat(key.endsWith('7') ? 900 : 3))

/** A store with some entries, closed in good order. */
async function filled(kind: (typeof sqliteKinds)[number]): Promise<string> {
  const path = newPath()
  const kv = openNear(keyValueLimits, path, { kind })
  await kv.setMany(
    'b',
    keys.map((key) => [key, valueOf(key)] as const),
  )
  await kv.close()
  return path
}

const code = (error: unknown): string => (error as { code?: string }).code ?? String(error)

describe.each(sqliteKinds)('a damaged file, by %s', (kind) => {
  it.each([
    ['cut short', async (path: string) => truncate(path, 9_000)],
    ['garbage', async (path: string) => writeFile(path, 'not what it should be '.repeat(800))],
    [
      'of a later version',
      async (path: string) => {
        const connection = await openConnection(path, kind)
        connection.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA user_version = 99')
        connection.close()
      },
    ],
  ])('that is %s is an error that names it and says what to do', async (_what, damage) => {
    const path = await filled(kind)
    await damage(path)
    const kv = openNear(keyValueLimits, path, { kind })
    for (const attempt of [() => kv.get('b', 'key-1'), () => kv.set('b', 'k', new Uint8Array(1))]) {
      const error: unknown = await attempt().catch((reason: unknown) => reason)
      expect(error).toMatchObject({
        code: 'ERR_STORAGE_DAMAGED',
        message: expect.stringContaining(path),
        hint: expect.stringMatching(/move the file away|put back/),
      })
    }
    await kv.close()
  })

  it('with any bit flipped gives the right answer, or an error, and never a wrong answer', async () => {
    const original = await filled(kind)
    const whole = await readFile(original)
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(7), async (at, bit) => {
        const path = newPath()
        const flipped = Buffer.from(whole)
        flipped[at]! ^= 1 << bit
        await writeFile(path, flipped)
        const kv = openNear(keyValueLimits, path, { kind })
        for (const key of keys.slice(0, 12)) {
          const got = await kv.get('b', key).catch(code)
          if (typeof got === 'string') expect(got).toBe('ERR_STORAGE_DAMAGED')
          else expect(Buffer.from(got?.value ?? []).equals(valueOf(key))).toBe(true)
        }
        const listed = await kv.keys('b', null).catch(code)
        if (typeof listed === 'string') expect(listed).toBe('ERR_STORAGE_DAMAGED')
        else expect(listed.keys).toEqual(keys)
        await kv.close()
        await rm(path, { force: true })
      }),
      { numRuns: 40 },
    )
  })

  it('is used again as soon as a good copy is in its place', async () => {
    const path = await filled(kind)
    const copy = `${path}.copy`
    await copyFile(path, copy)
    await writeFile(path, 'garbage'.repeat(2_000))
    let upMs = 0
    const time = { now: () => 1_700_000_000_000, monotonicMs: () => upMs }
    const kv = openNear(keyValueLimits, path, { kind, time })
    await expect(kv.get('b', 'key-1')).rejects.toMatchObject({ code: 'ERR_STORAGE_DAMAGED' })
    await copyFile(copy, path)
    upMs = 10_000
    expect((await kv.get('b', 'key-1'))?.value).toEqual(valueOf('key-1'))
    await kv.close()
  })
})

it('one app’s damaged file is no other app’s trouble', async () => {
  const path = join(folder, 'node')
  await mkdir(join(path, 'keyvalue'), { recursive: true })
  await writeFile(join(path, 'keyvalue/ill.sqlite'), 'garbage'.repeat(2_000))
  const storage = diskStorage(await openFolder(path), systemClock)
  await expect(storage.keyValue('ill').get('b', 'k')).rejects.toMatchObject({ code: 'ERR_STORAGE_DAMAGED' })
  await storage.keyValue('well').set('b', 'k', new Uint8Array([1]))
  expect(await storage.keyValue('well').exists('b', 'k')).toBe(true)
  await storage.close()
})

/** A small disk of its own; null where this user may not mount one. */
async function smallDisk(name: string): Promise<string | null> {
  const path = join(folder, name)
  await mkdir(path)
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', path])
  if (done.status === 0) return path
  console.warn('no small disk was made: mounting one takes root')
  return null
}

const fillUp = async (disk: string): Promise<void> => {
  const done = spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=4k', 'count=4096'])
  expect(done.stderr.toString()).toMatch(/No space left/)
}

describe.each(sqliteKinds)('by %s', (kind) => {
  it('a full disk refuses what is new, serves what is there, and takes more when there is room', async () => {
    const disk = await smallDisk(`full-${kind.replace(':', '')}`)
    if (disk === null) return
    try {
      const kv = openNear(keyValueLimits, join(disk, 'app.sqlite'), { kind })
      await kv.set('b', 'before', valueOf('before'))
      await fillUp(disk)
      const refused = await writeUntilRefused(kv)
      expect(refused.code).toBe('ERR_DISK_FULL')
      for (const key of ['before', ...refused.written]) {
        expect(await kv.get('b', key)).toMatchObject({ value: expect.any(Uint8Array) })
      }
      await rm(join(disk, 'filler'))
      await kv.set('b', 'after', valueOf('after'))
      await kv.close()
      const again = openNear(keyValueLimits, join(disk, 'app.sqlite'), { kind })
      for (const key of ['before', ...refused.written, 'after'])
        expect(await again.exists('b', key)).toBe(true)
      await again.close()
    } finally {
      spawnSync('umount', ['-l', disk])
    }
  })

  it('a disk that became read-only is an error that says so, until it can be written again', async () => {
    const disk = await smallDisk(`read-only-${kind.replace(':', '')}`)
    if (disk === null) return
    try {
      let upMs = 0
      const time = { now: () => 1_700_000_000_000, monotonicMs: () => upMs }
      const first = openNear(keyValueLimits, join(disk, 'app.sqlite'), { kind, time })
      await first.set('b', 'k', valueOf('k'))
      await first.close()
      expect(spawnSync('mount', ['-o', 'remount,ro', disk]).status).toBe(0)
      const kv = openNear(keyValueLimits, join(disk, 'app.sqlite'), { kind, time })
      const failure: unknown = await kv.set('b', 'k', new Uint8Array(1)).catch((error: unknown) => error)
      expect(code(failure)).toBe('ERR_DATA_NOT_WRITABLE')
      expect((failure as Error).message).toContain('app.sqlite')
      expect(spawnSync('mount', ['-o', 'remount,rw', disk]).status).toBe(0)
      upMs = 20_000
      await kv.set('b', 'k', valueOf('again'))
      expect((await kv.get('b', 'k'))?.value).toEqual(valueOf('again'))
      await kv.close()
    } finally {
      spawnSync('umount', ['-l', disk])
    }
  })
})

it('a full disk refuses an object as a whole, and takes it when there is room', async () => {
  const disk = await smallDisk('full-blobs')
  if (disk === null) return
  try {
    const store = await openDiskBlobs(join(disk, 'app'), systemClock, blobLimits)
    await store.createContainer('box')
    const put = async (name: string, size: number): Promise<void> => {
      const writer = await store.create()
      try {
        await writer.write(new Uint8Array(size).fill(7))
        await writer.commit('box', name)
      } finally {
        await writer.abort()
      }
    }
    await put('small', 1_000)
    await expect(put('large', 9_000_000)).rejects.toMatchObject({ code: 'ERR_DISK_FULL' })
    expect(await store.hasObject('box', 'large')).toBe(false)
    expect((await store.object('box', 'small')).sizeBytes).toBe(1_000)
    await put('fits', 500_000)
    expect(store.held.bytes).toBeLessThan(502_000)
    await store.close()
  } finally {
    spawnSync('umount', ['-l', disk])
  }
})

async function writeUntilRefused(kv: KeyValueStore): Promise<{ written: string[]; code: string }> {
  const written: string[] = []
  for (let number = 0; number < 500; number += 1) {
    const key = `new-${number}`
    try {
      await kv.set('b', key, new Uint8Array(8_000))
      written.push(key)
    } catch (error) {
      return { written, code: code(error) }
    }
  }
  return { written, code: 'nothing was refused' }
}
