/** What an app has stored, taken into one file and put back. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { openFolder, systemClock } from '../../../core/index.ts'
import { diskStorage, memoryStorage, type Storage } from '../../../host/storage/index.ts'
import { keyValueLimits } from '../../../host/storage/limits.ts'
import { checkRoom } from '../../../host/storage/room.ts'
import { readArchive } from '../../../host/storage/snapshots/archive.ts'
import { decide, placesOf, settle } from '../../../host/storage/snapshots/placing.ts'
import { problemOf, SqliteFiles } from '../../../host/storage/sqlite/files.ts'

const root = mkdtempSync(join(tmpdir(), 'selvedge-snapshots-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
let folder: string
let file: string
let rounds = 0
beforeEach(() => {
  rounds += 1
  folder = join(root, `node-${rounds}`)
  file = join(root, `${rounds}.snapshot`)
})

const opened = async (): Promise<Storage> => diskStorage(await openFolder(folder), systemClock)

async function put(storage: Storage, name: string, text: string): Promise<void> {
  const writer = await storage.blobs('app').create()
  await writer.write(utf8(text))
  await writer.commit('photos', name)
}

async function textOf(storage: Storage, name: string): Promise<string> {
  const reader = await storage.blobs('app').read('photos', name, 0n, 2n ** 60n)
  const pieces: Uint8Array[] = []
  for await (const piece of reader.bytes) pieces.push(piece)
  await reader.close()
  return Buffer.concat(pieces).toString()
}

/** Two keys and two objects, as of the snapshot. */
async function filled(): Promise<Storage> {
  const storage = await opened()
  const keys = storage.keyValue('app')
  await keys.set('b', 'one', utf8('1'))
  await keys.set('b', 'two', utf8('2'))
  await storage.blobs('app').createContainer('photos')
  await put(storage, 'a', 'A')
  await put(storage, 'b', 'B'.repeat(200_000))
  return storage
}

async function expectAsTaken(storage: Storage): Promise<void> {
  const keys = storage.keyValue('app')
  expect((await keys.keys('b', null)).keys).toEqual(['one', 'two'])
  expect((await keys.get('b', 'one'))?.value).toEqual(utf8('1'))
  expect(await textOf(storage, 'a')).toBe('A')
  expect(await textOf(storage, 'b')).toBe('B'.repeat(200_000))
  expect(await storage.blobs('app').hasObject('photos', 'c')).toBe(false)
}

/** What a power cut leaves right after the decision. @returns its folder */
async function decided(): Promise<string> {
  const unpacked = join(folder, 'restore', 'unpacked')
  mkdirSync(unpacked, { recursive: true })
  await readArchive(file, unpacked)
  await decide(folder, 'app', unpacked)
  return join(folder, 'restore', 'app')
}

async function change(storage: Storage): Promise<void> {
  const keys = storage.keyValue('app')
  await keys.set('b', 'one', utf8('changed'))
  await keys.set('b', 'three', utf8('3'))
  await keys.delete('b', 'two')
  await put(storage, 'a', 'changed')
  await put(storage, 'c', 'C')
  await storage.blobs('app').deleteObjects('photos', ['b'])
}

describe('a snapshot', () => {
  it('puts back what there was, under versions and numbers that were not used before', async () => {
    const storage = await filled()
    expect(await storage.snapshot('app', file)).toMatchObject({ app: 'app', entries: 2, objects: 2 })
    await change(storage)
    const before = await storage.keyValue('app').version('b', 'three')
    const number = (await storage.blobs('app').feed?.position()) ?? 0
    expect(await storage.restore('app', file)).toMatchObject({ app: 'app', entries: 2, objects: 2 })
    await expectAsTaken(storage)
    await storage.keyValue('app').set('b', 'new', utf8('x'))
    expect(await storage.keyValue('app').version('b', 'new')).toBeGreaterThan(before)
    await put(storage, 'new', 'x')
    expect((await storage.blobs('app').feed?.position()) ?? 0).toBeGreaterThan(number)
    await storage.blobs('app').deleteObjects('photos', ['new'])
    await storage.keyValue('app').delete('b', 'new')
    await storage.close()
    const again = await opened()
    await expectAsTaken(again)
    await again.close()
    expect(readdirSync(join(folder, 'restore'))).toEqual([])
  })

  it('of an app that stored nothing is one, and empties what is there', async () => {
    const storage = await opened()
    expect(await storage.snapshot('app', file)).toMatchObject({ entries: 0, objects: 0 })
    await storage.keyValue('app').set('b', 'k', utf8('v'))
    await storage.restore('app', file)
    expect(await storage.keyValue('app').usage()).toMatchObject({ keys: 0 })
    await storage.close()
  })

  it('is not written over a file, nor taken of what is not on this disk', async () => {
    const storage = await filled()
    writeFileSync(file, 'mine')
    await expect(storage.snapshot('app', file)).rejects.toMatchObject({ code: 'ERR_SNAPSHOT_FILE' })
    expect(readFileSync(file, 'utf8')).toBe('mine')
    await storage.close()
    await expect(memoryStorage(systemClock).snapshot('app', join(root, 'x'))).rejects.toMatchObject({
      code: 'ERR_STORAGE_ELSEWHERE',
    })
  })

  it('that is cut short, altered, of another app or of a later version changes nothing', async () => {
    const storage = await filled()
    await storage.snapshot('app', file)
    await change(storage)
    const whole = readFileSync(file)
    const wrong = join(root, `${rounds}-wrong`)
    const refused = async (bytes: Uint8Array, code: string): Promise<void> => {
      writeFileSync(wrong, bytes)
      await expect(storage.restore('app', wrong)).rejects.toMatchObject({ code })
    }
    for (let at = 0; at < whole.length; at += 1 + Math.floor(whole.length / 40)) {
      const flipped = new Uint8Array(whole)
      flipped[at] = (flipped[at] ?? 0) ^ 4
      await refused(flipped, 'ERR_SNAPSHOT')
      await refused(whole.subarray(0, at), 'ERR_SNAPSHOT')
    }
    await refused(Buffer.concat([whole, Buffer.from('x')]), 'ERR_SNAPSHOT')
    await refused(
      Buffer.from(whole.toString('latin1').replace('selvedge-data/1', 'selvedge-data/2'), 'latin1'),
      'ERR_SNAPSHOT',
    )
    await expect(storage.restore('other', file)).rejects.toMatchObject({ code: 'ERR_SNAPSHOT_APP' })
    expect((await storage.keyValue('app').get('b', 'one'))?.value).toEqual(utf8('changed'))
    expect(await textOf(storage, 'c')).toBe('C')
    await storage.close()
    expect(readdirSync(join(folder, 'restore'))).toEqual([])
  })

  it.each(['nothing', 'the old file is away', 'the keys are in place', 'all is in place'])(
    'that was being put back when the power went is in place at the next start: %s was done',
    async (done) => {
      const storage = await filled()
      await storage.snapshot('app', file)
      await change(storage)
      await storage.close()
      const path = await decided()
      const { keyValue, blobs } = placesOf(folder, 'app')
      if (done !== 'nothing') renameSync(keyValue, join(path, 'before-keyValue'))
      if (done.includes('in place')) renameSync(join(path, 'keyvalue.sqlite'), keyValue)
      if (done.startsWith('all')) {
        renameSync(blobs, join(path, 'before-blobs'))
        renameSync(join(path, 'blobs'), blobs)
      }
      const again = await opened()
      await expectAsTaken(again)
      await again.close()
      expect(readdirSync(join(folder, 'restore'))).toEqual([])
    },
  )

  it('that was put back stays where the power goes while what was before is removed', async () => {
    const storage = await filled()
    await storage.snapshot('app', file)
    await change(storage)
    await storage.close()
    await decided()
    await settle(folder, 'app', async (path) => {
      // What is small is gone first, and the rest never is.
      for (const mark of ['has-keyValue', 'has-blobs']) rmSync(join(path, mark))
    })
    const again = await opened()
    await expectAsTaken(again)
    await again.close()
  })

  it('is put in place once, whoever asks, and what was left unfinished goes at the start', async () => {
    const storage = await filled()
    await storage.snapshot('app', file)
    await change(storage)
    await storage.close()
    const left = join(folder, 'restore', '.unfinished-0123456789abcdef')
    mkdirSync(join(left, 'blobs'), { recursive: true })
    await decided()
    const again = await opened()
    const [keys, objects] = [again.keyValue('app').usage(), again.blobs('app').hasContainer('photos')]
    expect(settle(folder, 'app')).toBe(settle(folder, 'app'))
    expect(await keys).toMatchObject({ keys: 2 })
    expect(await objects).toBe(true)
    await expectAsTaken(again)
    await again.close()
    await expect.poll(() => readdirSync(join(folder, 'restore'))).toEqual([])
  })

  it('is put back alone: nobody opens the stores meanwhile, and another one waits', async () => {
    const storage = await filled()
    await storage.snapshot('app', file)
    await change(storage)
    const both = [storage.restore('app', file), storage.restore('app', file)]
    await Promise.resolve()
    const refused: unknown[] = []
    const ended = new AbortController()
    const asked = (async () => {
      while (!ended.signal.aborted) {
        // What is refused at once, and what was opened before the other one began.
        await (async () => storage.keyValue('app').get('b', 'one'))().catch((error: unknown) => {
          refused.push((error as { code: unknown }).code)
        })
        await new Promise((resolve) => void setImmediate(resolve))
      }
    })()
    const reports = await Promise.all(both)
    ended.abort()
    await asked
    expect(reports).toMatchObject([{ entries: 2 }, { entries: 2 }])
    expect(new Set(refused)).toEqual(new Set(['ERR_STORAGE_CLOSED']))
    await expectAsTaken(storage)
    await storage.close()
  })

  it('of another node goes on behind the numbers of its own objects', async () => {
    const storage = await filled()
    await change(storage)
    const numbers = (await storage.blobs('app').feed?.puts('photos', 0))?.map(({ number }) => number ?? 0)
    await storage.snapshot('app', file)
    await storage.close()
    folder = join(root, `other-${rounds}`)
    const other = await opened()
    await other.restore('app', file)
    await put(other, 'new', 'x')
    const puts = await other.blobs('app').feed?.puts('photos', Math.max(...(numbers ?? [])))
    expect(puts).toMatchObject([{ object: 'new' }])
    await other.close()
  })

  it('that has no room is refused before anything is written, by what it takes and what there is', async () => {
    const storage = await filled()
    const { bavail, bsize } = await statfs(root)
    const bytes = bavail * bsize + 2 ** 30
    const part = { name: 'keyvalue.sqlite', bytes, sha256: '0'.repeat(64) }
    const table = JSON.stringify({ format: 1, app: 'app', takenAtMs: 1, parts: [part] })
    const head = `selvedge-data/1\n${String(table.length).padStart(10, '0')}\n${table}`
    writeFileSync(file, head)
    // Mostly a hole.
    truncateSync(file, head.length + bytes + 32)
    await expect(storage.restore('app', file)).rejects.toMatchObject({
      code: 'ERR_DISK_FULL',
      message: expect.stringMatching(/takes \d+\.\d MiB, and the disk of .* has \d+\.\d MiB free/),
    })
    await expect(checkRoom(root, bytes, 'it')).rejects.toMatchObject({ code: 'ERR_DISK_FULL' })
    await checkRoom(root, 1, 'it')
    expect(await textOf(storage, 'a')).toBe('A')
    await storage.close()
    expect(readdirSync(join(folder, 'restore'))).toEqual([])
  })

  it('that its target does not take leaves the store open, and says what is wrong with the target', async () => {
    const files = new SqliteFiles(keyValueLimits)
    const path = `${file}.sqlite`
    await files.run(path, 'open', [{ durability: 'full', rules: [] }])
    await files.run(path, 'set', ['b', 'k', utf8('v')])
    const target = join(root, 'missing', 'copy')
    await expect(files.run(path, 'saveTo', [target])).rejects.toMatchObject({
      code: 'ERR_STORAGE_FAILED',
      message: expect.stringContaining(target),
    })
    expect(files.heldAt(path)).toMatchObject({ items: 1 })
    expect((await problemOf(new Error('ENOSPC: no space left on device, write'), path)).code).toBe(
      'ERR_DISK_FULL',
    )
    await files.run(path, 'close', [])
  })
})
