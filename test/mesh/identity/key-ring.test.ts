import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyPairFromSeed } from '../../../core/index.ts'
import {
  createMesh,
  encodeDeployKey,
  openKeyRing,
  readKeyAt,
  readTrust,
} from '../../../mesh/identity/index.ts'
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

  it('gives a place to one of two keys that are made for it at once', async () => {
    const meshId = 'ab'.repeat(32)
    const seeds = Array.from({ length: 8 }, (_, at) => new Uint8Array(32).fill(at + 1))
    const made = await Promise.allSettled(
      seeds.map((seed) => openKeyRing(path).create({ meshId, role: 'admin', name: 'harbor', seed })),
    )
    const kept = made.flatMap((one) => (one.status === 'fulfilled' ? [one.value.publicKey] : []))
    const refused = made.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))
    expect(refused).toEqual(Array(7).fill('ERR_KEY_EXISTS'))
    expect((await openKeyRing(path).get(meshId, 'admin')).publicKey).toEqual(kept[0])
    expect(await readdir(join(path, meshId.slice(0, 16)))).toEqual(['admin.key'])
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

describe('several keys of one role', () => {
  const random = seededRandom('passphrases')
  const seedOf = (name: string): Uint8Array => seededRandom(name).bytes(32)

  it('are told apart by their labels, and listed with what can be seen of them', async () => {
    const { meshId, keyRing } = await newMesh()
    const key = { meshId, role: 'publisher', name: 'harbor' } as const
    const shop = await keyRing.create({ ...key, label: 'shop', seed: seedOf('shop') })
    const passphrase = { text: 'correct horse', random }
    const vault = await keyRing.create({ ...key, label: 'vault', seed: seedOf('vault'), passphrase })
    expect((await keyRing.get(meshId, 'publisher', 'shop')).publicKey).toEqual(shop.publicKey)
    const listed = await keyRing.keys(meshId)
    expect(listed.map(({ role, label, isEncrypted }) => [role, label, isEncrypted])).toEqual([
      ['root', '', false],
      ['admin', '', false],
      ['publisher', '', false],
      ['publisher', 'shop', false],
      ['publisher', 'vault', true],
    ])
    expect(listed[4]?.publicKey).toEqual(vault.publicKey)
    await expect(keyRing.create({ ...key, label: 'shop', seed: seedOf('x') })).rejects.toMatchObject({
      code: 'ERR_KEY_EXISTS',
    })
    await expect(keyRing.get(meshId, 'publisher', 'none')).rejects.toMatchObject({ code: 'ERR_KEY_MISSING' })
    await expect(keyRing.get(meshId, 'publisher', '../root')).rejects.toMatchObject({
      code: 'ERR_KEY_MISSING',
    })
  })

  it('need no label where there is one alone, and are asked for by name where there are more', async () => {
    const { meshId, keyRing } = await newMesh()
    await rm(fileOf(meshId, 'publisher'))
    const key = { meshId, role: 'publisher', name: 'harbor' } as const
    const shop = await keyRing.create({ ...key, label: 'shop', seed: seedOf('shop') })
    expect((await keyRing.get(meshId, 'publisher')).publicKey).toEqual(shop.publicKey)
    await keyRing.create({ ...key, label: 'till', seed: seedOf('till') })
    await expect(keyRing.get(meshId, 'publisher')).rejects.toThrow('2 publisher keys here: shop, till')
  })

  it('are encrypted, changed and decrypted in place, with whoever is asked knowing which', async () => {
    const { meshId } = await newMesh()
    const asked: string[] = []
    let passphrase: string | null = null
    const ring = openKeyRing(path, {
      ask: async ({ role, label, meshName, path: file }) => {
        asked.push([role, label, meshName, file].join())
        return passphrase
      },
    })
    const { publicKey } = await ring.get(meshId, 'root')
    await ring.protect(meshId, 'root', undefined, { passphrase: 'correct horse', random })
    expect((await stat(fileOf(meshId, 'root'))).mode & 0o777).toBe(0o600)
    expect(asked).toEqual([])
    await expect(ring.get(meshId, 'root')).rejects.toMatchObject({ code: 'ERR_KEY_PASSPHRASE' })
    passphrase = 'correct horse'
    expect((await ring.get(meshId, 'root')).publicKey).toEqual(publicKey)
    expect(asked[0]).toBe(`root,,harbor,${fileOf(meshId, 'root')}`)
    await ring.protect(meshId, 'root', undefined, { passphrase: 'battery staple', random })
    await expect(ring.get(meshId, 'root')).rejects.toMatchObject({ code: 'ERR_KEY_PASSPHRASE' })
    await expect(ring.unprotect(meshId, 'root', undefined)).rejects.toMatchObject({
      code: 'ERR_KEY_PASSPHRASE',
    })
    passphrase = 'battery staple'
    await ring.unprotect(meshId, 'root', undefined)
    passphrase = null
    expect((await ring.get(meshId, 'root')).publicKey).toEqual(publicKey)
  })
})

describe('a key in a file of its own', () => {
  const seed = seededRandom('deploy').bytes(32)

  it('is a deploy key or a key file, and readable by its owner only', async () => {
    const { meshId } = await newMesh()
    const file = join(path, 'deploy')
    await writeFile(file, `${encodeDeployKey({ meshId, seed })}\n`, { mode: 0o600 })
    expect(await readKeyAt(file)).toMatchObject({
      meshId,
      key: { publicKey: keyPairFromSeed(seed).publicKey },
    })
    expect((await readKeyAt(fileOf(meshId, 'publisher'))).meshId).toBe(meshId)
    await chmod(file, 0o644)
    await expect(readKeyAt(file)).rejects.toMatchObject({ code: 'ERR_KEY_PERMISSIONS' })
    await expect(readKeyAt(join(path, 'none'))).rejects.toMatchObject({ code: 'ERR_KEY_MISSING' })
    await writeFile(file, 'rubbish', { mode: 0o600 })
    await chmod(file, 0o600)
    await expect(readKeyAt(file)).rejects.toMatchObject({ code: 'ERR_KEY_DAMAGED' })
  })
})
