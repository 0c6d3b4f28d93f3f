import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { memoryFolder, systemClock, systemRandom, type DurableFolder } from '../../core/index.ts'
import { foundMesh, openKeyRing, openNodeIdentity } from '../../mesh/index.ts'

let keys: string
let folder: DurableFolder

beforeEach(async () => {
  keys = await mkdtemp(join(tmpdir(), 'selvedge-keys-'))
  folder = memoryFolder()
})

afterEach(() => rm(keys, { recursive: true, force: true }))

/** @param dies at the first write to this folder of the node's */
async function found(dies?: string): Promise<string> {
  const broken: DurableFolder = {
    ...folder,
    read: (name, maxBytes) => folder.read(name, maxBytes),
    write: (name, bytes) => folder.write(name, bytes),
    remove: (name) => folder.remove(name),
    list: () => folder.list(),
    sizes: () => folder.sizes(),
    folder: (name) => (name === dies ? Promise.reject(new Error('killed')) : folder.folder(name)),
  }
  return foundMesh({
    folder: broken,
    identity: await openNodeIdentity(await folder.folder('identity'), systemRandom),
    name: 'lobby-1',
    meshName: 'lobby-1',
    groups: [],
    keyRing: openKeyRing(keys),
    clock: systemClock,
    random: systemRandom,
  })
}

it('a founding that ended after its keys were kept goes on with them, and leaves no keys to nothing', async () => {
  await expect(found('trust')).rejects.toThrow('killed')
  const [kept] = await readdir(keys)
  const mesh = await found()
  expect(await readdir(keys)).toEqual([kept])
  expect(mesh.startsWith(kept ?? '?')).toBe(true)
  expect(await folder.list()).toEqual([])
})

it('a founding whose keys were not all kept begins again', async () => {
  await expect(found('trust')).rejects.toThrow('killed')
  const [kept = ''] = await readdir(keys)
  await rm(join(keys, kept, 'publisher.key'))
  const mesh = await found()
  expect(mesh.startsWith(kept)).toBe(false)
  expect((await openKeyRing(keys).get(mesh, 'publisher')).publicKey).toHaveLength(32)
})
