import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { CacheFolder } from '../../../host/run/cache-folder.ts'

const folder = mkdtempSync(join(tmpdir(), 'selvedge-cache-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const one = Uint8Array.of(1, 2, 3)

test('what one program made is there for the next', async () => {
  const path = join(folder, 'deep', 'cache')
  await new CacheFolder(path).write('a', one)
  const next = new CacheFolder(path)
  expect(await next.read('a', 100)).toEqual(one)
  expect(await next.read('a', 100)).toEqual(one)
  expect(await next.read('b', 100)).toBeNull()
  expect(await next.list()).toEqual(['a'])
  expect(readdirSync(path)).toEqual(['a'])
})

test('what is larger than it may be is not there', async () => {
  const path = join(folder, 'bounded')
  await new CacheFolder(path).write('a', one)
  expect(await new CacheFolder(path).read('a', 2)).toBeNull()
})

test('what somebody else may have written is not there: what is read here is run', async () => {
  const path = join(folder, 'foreign')
  await new CacheFolder(path).write('a', one)
  const readAnew = (): Promise<Uint8Array | null> => new CacheFolder(path).read('a', 100)
  for (const mode of [0o622, 0o602, 0o620]) {
    chmodSync(join(path, 'a'), mode)
    expect(await readAnew()).toBeNull()
  }
  chmodSync(join(path, 'a'), 0o600)
  expect(await readAnew()).toEqual(one)
  // Only root can give a file away.
  if (process.getuid?.() !== 0) return
  chownSync(join(path, 'a'), 65_534, 65_534)
  expect(await readAnew()).toBeNull()
})

test('what is removed is gone for everybody', async () => {
  const path = join(folder, 'removed')
  const cache = new CacheFolder(path)
  await cache.write('a', one)
  await cache.remove('a')
  expect(await cache.read('a', 100)).toBeNull()
  expect(await cache.list()).toEqual([])
})

test('where nothing can be written a program goes on with what it made itself', async () => {
  const blocked = join(folder, 'file')
  writeFileSync(blocked, '')
  const cache = new CacheFolder(join(blocked, 'cache'))
  await cache.write('a', one)
  expect(await cache.read('a', 100)).toEqual(one)
  expect(await cache.list()).toEqual([])
  await cache.remove('b')
})
