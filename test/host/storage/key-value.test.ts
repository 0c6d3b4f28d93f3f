import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFolder, systemClock } from '../../../core/index.ts'
import { diskStorage, keyValueLimits } from '../../../host/storage/index.ts'
import { usualStoreMemory } from '../../../host/storage/limits.ts'
import { MemoryStore } from '../../../host/storage/memory-store.ts'
import { SqliteStore } from '../../../host/storage/sqlite/store.ts'
import { StorageThread } from '../../../host/storage/sqlite/thread.ts'
import { describeKeyValueStore } from '../../contract/key-value-store.ts'
import { openNear, sqliteKinds as kinds, usualOptions } from './near-store.ts'

let folder: string
let files = 0
const newPath = (): string => join(folder, `store-${(files += 1)}.sqlite`)
const threads: StorageThread[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-storage-'))
})
afterAll(async () => {
  for (const thread of threads) await thread.close()
  await rm(folder, { recursive: true, force: true })
})

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const hasBuiltIn = kinds.includes('node:sqlite')

describeKeyValueStore('in memory', async (limits) => new MemoryStore(limits))
for (const kind of kinds) {
  describeKeyValueStore(`on ${kind}`, async (limits) => openNear(limits, newPath(), { kind }))
}
it.skipIf(hasBuiltIn)('leaves node:sqlite untested here: this Node.js has none', () => {})

describeKeyValueStore('on the storage thread', async (limits) => {
  const thread = new StorageThread(limits)
  threads.push(thread)
  const path = newPath()
  return new SqliteStore(thread, async () => path, usualOptions)
})

describe.each(kinds)('a store in a file, by %s', (kind) => {
  it('has everything after it was closed and opened again, and goes on with its versions', async () => {
    const path = newPath()
    const first = openNear(keyValueLimits, path, { kind })
    await first.set('b', 'k', utf8('kept'))
    await first.set('b', 'n', utf8('7'))
    const version = await first.version('b', 'n')
    const usage = await first.usage()
    await first.close()
    const second = openNear(keyValueLimits, path, { kind })
    expect((await second.get('b', 'k'))?.value).toEqual(utf8('kept'))
    expect(await second.usage()).toEqual(usage)
    await second.set('b', 'other', utf8('1'))
    expect(await second.version('b', 'other')).toBeGreaterThan(version)
    await second.close()
  })

  it('opens although the one before did not close', async () => {
    const path = newPath()
    const left = openNear(keyValueLimits, path, { kind: 'wasm' })
    await left.set('b', 'k', utf8('1'))
    // What a killed process leaves: the file and its log as they are on the disk, and the lock's folder.
    const killed = newPath()
    for (const end of ['', '-wal']) await writeFile(`${killed}${end}`, await readFile(`${path}${end}`))
    const { mkdir } = await import('node:fs/promises')
    await mkdir(`${killed}.lock`)
    const next = openNear(keyValueLimits, killed, { kind })
    expect(await next.exists('b', 'k')).toBe(true)
    await next.close()
    await left.close()
  })

  it('says which file is no store', async () => {
    const path = newPath()
    await writeFile(
      path,
      'this is not a database, it is a letter to one, and longer than a header has to be '.repeat(9),
    )
    const store = openNear(keyValueLimits, path, { kind })
    await expect(store.get('b', 'k')).rejects.toMatchObject({
      code: 'ERR_STORAGE_DAMAGED',
      message: expect.stringContaining(path),
    })
  })
})

it.skipIf(!hasBuiltIn)('a file written by either SQLite is read by the other', async () => {
  const path = newPath()
  for (const [writer, reader] of [
    ['node:sqlite', 'wasm'],
    ['wasm', 'node:sqlite'],
  ] as const) {
    const one = openNear(keyValueLimits, path, { kind: writer })
    await one.set('b', writer, utf8('from'))
    await one.close()
    const other = openNear(keyValueLimits, path, { kind: reader })
    expect(await other.exists('b', writer)).toBe(true)
    await other.close()
  }
})

describe('the stores of a node', () => {
  it('are one for each app, and keep apps apart', async () => {
    const storage = diskStorage(await openFolder(join(folder, 'node')), systemClock)
    await storage.keyValue('one').set('default', 'k', utf8('1'))
    expect(await storage.keyValue('two').get('default', 'k')).toBeNull()
    expect(storage.keyValue('one')).toBe(storage.keyValue('one'))
    await storage.close()
    await storage.close()
    expect(() => storage.keyValue('one')).toThrow(expect.objectContaining({ code: 'ERR_STORAGE_CLOSED' }))
    const again = diskStorage(await openFolder(join(folder, 'node')), systemClock)
    expect(await again.keyValue('one').exists('default', 'k')).toBe(true)
    await again.close()
  })

  it('answer what waits when the thread cannot be started, and do not wait for ever', async () => {
    const thread = new StorageThread(keyValueLimits, usualStoreMemory, new URL('file:///nowhere/storage.mjs'))
    const store = new SqliteStore(thread, async () => newPath(), usualOptions)
    await expect(store.get('b', 'k')).rejects.toMatchObject({ code: 'ERR_STORAGE_FAILED' })
    await thread.close()
  })
})
