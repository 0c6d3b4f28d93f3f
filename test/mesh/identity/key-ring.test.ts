import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMesh, openKeyRing, readTrust } from '../../../mesh/identity/index.ts'
import { seededRandom, startOfTime } from './harness.ts'

let path = ''

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'selvedge-keys-'))
})
afterEach(async () => {
  await rm(path, { recursive: true, force: true })
})

const newMesh = async (name = 'harbor') => {
  const keyRing = openKeyRing(path)
  const mesh = await createMesh({ name, keyRing, now: startOfTime, random: seededRandom(name) })
  return { keyRing, ...mesh }
}
const fileOf = (meshId: string, role: string): string => join(path, meshId.slice(0, 16), `${role}.key`)

describe('the key ring', () => {
  it('keeps the three keys of a new mesh, for their owner only, and gives them back', async () => {
    const { meshId, trust, keyRing } = await newMesh()
    const { record, digest } = readTrust(trust)
    expect(meshId).toBe(digest)
    expect((await keyRing.get(meshId, 'root')).publicKey).toEqual(record.roots[0])
    expect((await keyRing.get(meshId, 'admin')).publicKey).toEqual(record.admins[0])
    expect((await keyRing.get(meshId, 'publisher')).publicKey).toEqual(record.publishers[0]?.key)
    for (const role of ['root', 'admin', 'publisher']) {
      expect((await stat(fileOf(meshId, role))).mode & 0o777).toBe(0o600)
    }
  })

  it('lists its meshes by name with the keys there are', async () => {
    const b = await newMesh('b')
    const a = await newMesh('a')
    await rm(fileOf(b.meshId, 'root'))
    expect(await a.keyRing.meshes()).toEqual([
      { meshId: a.meshId, name: 'a', roles: ['root', 'admin', 'publisher'] },
      { meshId: b.meshId, name: 'b', roles: ['admin', 'publisher'] },
    ])
  })

  it('has no meshes where its folder does not exist', async () => {
    expect(await openKeyRing(join(path, 'none')).meshes()).toEqual([])
  })

  it('refuses a key that others can read, and says how to mend it', async () => {
    const { meshId, keyRing } = await newMesh()
    const file = fileOf(meshId, 'admin')
    await chmod(file, 0o640)
    await expect(keyRing.get(meshId, 'admin')).rejects.toMatchObject({
      code: 'ERR_KEY_PERMISSIONS',
      hint: `chmod 600 ${file}`,
    })
  })

  it('says where it looked for a key that is missing', async () => {
    const { keyRing } = await newMesh()
    const other = 'ab'.repeat(32)
    await expect(keyRing.get(other, 'admin')).rejects.toMatchObject({
      code: 'ERR_KEY_MISSING',
      message: expect.stringContaining(fileOf(other, 'admin')) as string,
      hint: expect.stringContaining('SELVEDGE_KEYS') as string,
    })
  })

  it('never overwrites a key', async () => {
    const { meshId, keyRing } = await newMesh()
    const before = await readFile(fileOf(meshId, 'root'))
    const again = keyRing.create({ meshId, role: 'root', name: 'harbor', seed: new Uint8Array(32) })
    await expect(again).rejects.toMatchObject({ code: 'ERR_KEY_EXISTS' })
    expect(await readFile(fileOf(meshId, 'root'))).toEqual(before)
  })

  it.each([
    ['is not JSON', 'not json'],
    ['is of another version', '{"format":"selvedge-key/9"}'],
    ['is far too large', ' '.repeat(10_000)],
  ])('refuses a file that %s', async (_, text) => {
    const { meshId, keyRing } = await newMesh()
    await writeFile(fileOf(meshId, 'root'), text)
    await expect(keyRing.get(meshId, 'root')).rejects.toMatchObject({ code: 'ERR_KEY_DAMAGED' })
  })

  it('refuses a key file that was put in the place of another', async () => {
    const { meshId, keyRing } = await newMesh()
    await writeFile(fileOf(meshId, 'root'), await readFile(fileOf(meshId, 'publisher')))
    await expect(keyRing.get(meshId, 'root')).rejects.toMatchObject({ code: 'ERR_KEY_DAMAGED' })
  })
})
