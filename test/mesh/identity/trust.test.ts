import { describe, expect, it } from 'vitest'
import { encodeCbor, memoryFolder, sign1, signMany, type DurableFolder } from '../../../core/index.ts'
import {
  openTrustStore,
  readTrust,
  signTrust,
  type Alarm,
  type TrustRecord,
  type TrustStore,
} from '../../../mesh/identity/index.ts'
import { admin, keyNamed, publisher, root, testMesh, trustRecord } from './harness.ts'
import { powerCut } from './power-cut.ts'

const second = keyNamed('second root')
const third = keyNamed('third root')
const failing = (code: string) => expect.objectContaining({ code }) as Error

async function storeOf(
  meshId: string,
  folder: DurableFolder = memoryFolder(),
): Promise<{ store: TrustStore; alarms: Alarm[] }> {
  const alarms: Alarm[] = []
  return { store: await openTrustStore({ meshId, folder, onAlarm: (alarm) => alarms.push(alarm) }), alarms }
}

const later = (meshId: string, changes: Partial<TrustRecord> = {}): TrustRecord =>
  trustRecord({ mesh: meshId, version: 2, ...changes })

describe('a trust bundle', () => {
  it('is refused when altered by one byte, at any position', () => {
    const bytes = signTrust(trustRecord(), [root])
    for (let at = 0; at < bytes.length; at++) {
      const altered = bytes.slice()
      altered[at] = (bytes[at] ?? 0) ^ 0x20
      expect(() => readTrust(altered), `byte ${at}`).toThrow(failing('ERR_TRUST_SIGNATURE'))
    }
  })

  it('is refused when it was signed for another purpose', () => {
    const payload = encodeCbor(trustRecord())
    expect(() => readTrust(signMany({ purpose: 'certificate', payload, keys: [root] }))).toThrow(
      failing('ERR_TRUST_SIGNATURE'),
    )
    expect(() => readTrust(sign1({ purpose: 'trust', payload, key: root }))).toThrow(
      failing('ERR_TRUST_SIGNATURE'),
    )
  })

  it.each<[string, object]>([
    ['a threshold above its roots', { threshold: 2 }],
    ['a threshold of none', { threshold: 0 }],
    ['no root', { roots: [] }],
    ['a root twice', { roots: [root.publicKey, root.publicKey] }],
    [
      'a publisher twice',
      { publishers: [0, 1].map(() => ({ key: publisher.publicKey, apps: [], grants: [] })) },
    ],
    ['a key of small order', { admins: [new Uint8Array(32)] }],
    ['a mesh in version 1', { mesh: 'ab'.repeat(32) }],
    ['no mesh in version 2', { version: 2 }],
    ['another format version', { v: 2 }],
    ['a critical field that this version does not know', { critical: ['quorum'], quorum: 3 }],
    ['a name that redraws a terminal', { name: '\u001b[2J' }],
  ])('is refused with %s', (_, changes) => {
    expect(() => signTrust({ ...trustRecord(), ...changes }, [root])).toThrow(failing('ERR_TRUST_INVALID'))
  })

  it('keeps a field that a later version added', () => {
    const bytes = signTrust({ ...trustRecord(), motto: 'hold fast' } as TrustRecord, [root])
    expect(readTrust(bytes).record).toMatchObject({ motto: 'hold fast' })
  })
})

describe('the trust store', () => {
  it('takes version 1 only where its payload hashes to the mesh id', async () => {
    const { first, meshId } = await testMesh()
    const { store } = await storeOf(meshId)
    const other = signTrust(trustRecord({ name: 'other' }), [root])
    await expect(store.offer(other)).rejects.toThrow(failing('ERR_TRUST_MESH'))
    expect((await store.offer(first)).outcome).toBe('accepted')
    expect((await store.offer(first)).outcome).toBe('known')
  })

  it('takes a next version signed under the threshold before it and its own', async () => {
    const { trust, meshId } = await testMesh()
    const next = later(meshId, { roots: [second.publicKey] })
    await expect(trust.offer(signTrust(next, [root]))).rejects.toThrow(failing('ERR_TRUST_THRESHOLD'))
    await expect(trust.offer(signTrust(next, [second]))).rejects.toThrow(failing('ERR_TRUST_THRESHOLD'))
    expect((await trust.offer(signTrust(next, [root, second]))).outcome).toBe('accepted')
    expect(trust.current?.record.version).toBe(2)
  })

  it('is refused below the threshold, and where one root makes up for another by signing twice', async () => {
    const roots = [root.publicKey, second.publicKey, third.publicKey]
    const record = trustRecord({ threshold: 2, roots })
    const meshId = readTrust(signTrust(record, [root])).digest
    const { store } = await storeOf(meshId)
    const payload = encodeCbor(record)
    const twice = signMany({ purpose: 'trust', payload, keys: [root, root] })
    await expect(store.offer(twice)).rejects.toThrow(failing('ERR_TRUST_DUPLICATE'))
    // Also where enough have signed: there is one form of a bundle.
    const thrice = signMany({ purpose: 'trust', payload, keys: [root, third, root] })
    await expect(store.offer(thrice)).rejects.toThrow(failing('ERR_TRUST_DUPLICATE'))
    const below = store.offer(signTrust(record, [root, admin]))
    await expect(below).rejects.toThrow('signed by 1 of the 2 roots')
    await expect(below).rejects.toThrow(failing('ERR_TRUST_THRESHOLD'))
    expect((await store.offer(signTrust(record, [third, root]))).outcome).toBe('accepted')
  })

  it('takes no version out of turn, and the same ones in turn', async () => {
    const { first, meshId } = await testMesh()
    const { store } = await storeOf(meshId)
    const chain = [first, ...[2, 3, 4].map((version) => signTrust(later(meshId, { version }), [root]))]
    await expect(store.offer(chain[2]!)).rejects.toThrow(failing('ERR_TRUST_GAP'))
    await store.offerChain(chain)
    expect(store.current?.record.version).toBe(4)
    expect(store.chain()).toEqual(chain)
    expect((await store.offer(chain[1]!)).outcome).toBe('known')
    expect(store.current?.record.version).toBe(4)
  })

  it('refuses a version made for another mesh with the same root', async () => {
    const { trust } = await testMesh()
    const foreign = signTrust(later('ab'.repeat(32)), [root])
    await expect(trust.offer(foreign)).rejects.toThrow(failing('ERR_TRUST_MESH'))
  })

  it('settles on the smaller digest of two with one version, whichever came first, and raises the alarm', async () => {
    const { first, meshId } = await testMesh()
    const forks = ['a', 'b'].map((name) => signTrust(later(meshId, { name }), [root]))
    const [smaller, larger] = forks.sort((a, b) => (readTrust(a).digest < readTrust(b).digest ? -1 : 1)) as [
      Uint8Array,
      Uint8Array,
    ]
    for (const [order, outcome] of [
      [[smaller, larger], 'fork-lost'],
      [[larger, smaller], 'fork-won'],
    ] as const) {
      const { store, alarms } = await storeOf(meshId)
      await store.offer(first)
      await store.offer(order[0])
      expect((await store.offer(order[1])).outcome).toBe(outcome)
      expect(store.current?.bytes).toEqual(smaller)
      expect(store.evidence()).toEqual([larger])
      expect(alarms).toMatchObject([{ code: 'ERR_TRUST_FORK', evidence: [order[0], order[1]] }])
      await store.offer(larger)
      expect(alarms).toHaveLength(1)
    }
  })

  it('never goes back for a fork of a version it has passed, but keeps the evidence', async () => {
    const { trust, meshId, alarms } = await testMesh()
    for (const version of [2, 3]) await trust.offer(signTrust(later(meshId, { version }), [root]))
    const before = trust.chain()
    for (const name of ['a', 'b', 'c', 'd']) {
      expect((await trust.offer(signTrust(later(meshId, { name }), [root]))).outcome).toBe('older')
    }
    expect(trust.chain()).toEqual(before)
    expect(alarms).toHaveLength(4)
    expect(trust.evidence()).toHaveLength(4)
  })

  it('is what it was after a restart', async () => {
    const { first, meshId } = await testMesh()
    const folder = memoryFolder()
    const { store } = await storeOf(meshId, folder)
    await store.offerChain([first, signTrust(later(meshId), [root])])
    const { store: reopened, alarms } = await storeOf(meshId, folder)
    expect(reopened.chain()).toEqual(store.chain())
    expect(alarms).toEqual([])
  })

  const copies = ['trust-chain.cbor', 'trust-chain.copy.cbor'] as const

  async function damage(folder: DurableFolder, name: string, at: number): Promise<void> {
    const file = (await folder.read(name, 1 << 20))!.slice()
    file[at]! ^= 1
    await folder.write(name, file)
  }

  it('lives on when one of its two files is damaged at any place, lost or unreadable, and mends it', async () => {
    const { first, meshId } = await testMesh()
    const folder = memoryFolder()
    const chain = [first, signTrust(later(meshId), [root])]
    await (await storeOf(meshId, folder)).store.offerChain(chain)
    const file = (await folder.read(copies[0], 1 << 20))!
    for (const name of copies) {
      for (let at = 0; at < file.length; at += 7) {
        await damage(folder, name, at)
        const { store, alarms } = await storeOf(meshId, folder)
        expect(store.chain(), `byte ${at} of ${name}`).toEqual(chain)
        expect(alarms, `byte ${at} of ${name}`).toMatchObject([{ code: 'ERR_STORED_DAMAGED' }])
        expect(await folder.read(name, 1 << 20)).toEqual(file)
      }
      await folder.remove(name)
      const { store, alarms } = await storeOf(meshId, folder)
      expect([store.chain(), alarms]).toEqual([chain, []])
      expect(await folder.read(name, 1 << 20)).toEqual(file)
      const read: DurableFolder['read'] = async (asked, maxBytes) => {
        if (asked === name) throw new Error('EIO')
        return folder.read(asked, maxBytes)
      }
      const { store: unread, alarms: told } = await storeOf(meshId, { ...folder, read })
      expect(unread.chain()).toEqual(chain)
      expect(told).toMatchObject([{ code: 'ERR_STORED_DAMAGED' }])
    }
  })

  it('takes the longer of two files: the power went before the second was written', async () => {
    const { first, meshId } = await testMesh()
    const folder = memoryFolder()
    const { store } = await storeOf(meshId, powerCut(folder, 3, 'before'))
    await store.offer(first)
    const next = signTrust(later(meshId), [root])
    await expect(store.offer(next)).rejects.toThrow('power cut')
    await storeOf(meshId, folder)
    await damage(folder, copies[0], 40)
    expect((await storeOf(meshId, folder)).store.chain()).toEqual([first, next])
  })

  it('keeps what verifies where both files are damaged, says so, and takes the rest again', async () => {
    const { first, meshId } = await testMesh()
    const folder = memoryFolder()
    const next = signTrust(later(meshId), [root])
    await (await storeOf(meshId, folder)).store.offerChain([first, next])
    const { length } = (await folder.read(copies[0], 1 << 20))!
    await damage(folder, copies[0], 40)
    await damage(folder, copies[1], length - 5)
    const { store, alarms } = await storeOf(meshId, folder)
    expect(store.chain()).toEqual([first])
    expect(alarms).toMatchObject([{ code: 'ERR_STORED_DAMAGED' }, { code: 'ERR_STORED_DAMAGED' }])
    expect((await store.offer(next)).outcome).toBe('accepted')
    expect((await storeOf(meshId, folder)).store.chain()).toEqual([first, next])
  })

  it('does not start from one damaged file while the disk keeps back the other', async () => {
    const { first, meshId } = await testMesh()
    const folder = memoryFolder()
    await (await storeOf(meshId, folder)).store.offer(first)
    await damage(folder, copies[0], 40)
    const read: DurableFolder['read'] = async (name, maxBytes) => {
      if (name === copies[1]) throw new Error('EIO')
      return folder.read(name, maxBytes)
    }
    await expect(storeOf(meshId, { ...folder, read })).rejects.toThrow('EIO')
  })

  it('does not believe a chain that somebody else wrote', async () => {
    const { first, meshId } = await testMesh()
    const usurped = signTrust(later(meshId, { roots: [second.publicKey] }), [second])
    const foreign = signTrust(trustRecord({ name: 'other' }), [root])
    for (const [list, kept] of [
      [[foreign], 0],
      [[first, usurped], 1],
      [[usurped], 0],
      ['first', 0],
    ] as const) {
      const folder = memoryFolder()
      await folder.write('trust-chain.cbor', encodeCbor({ v: 1, list }))
      const { store, alarms } = await storeOf(meshId, folder)
      expect(store.chain()).toEqual([first].slice(0, kept))
      expect(alarms).toMatchObject([{ code: 'ERR_STORED_DAMAGED' }])
    }
  })

  it('changes nothing where the disk refuses the write', async () => {
    const { first, meshId } = await testMesh()
    const folder = { ...memoryFolder(), write: () => Promise.reject(new Error('disk full')) }
    const { store } = await storeOf(meshId, folder)
    await expect(store.offer(first)).rejects.toThrow('disk full')
    expect(store.current).toBeNull()
  })

  it('knows present and past admins and publishers', async () => {
    const { trust, meshId } = await testMesh()
    const next = keyNamed('next admin')
    await trust.offer(signTrust(later(meshId, { admins: [next.publicKey], publishers: [] }), [root]))
    expect([trust.isAdmin(admin.publicKey), trust.wasAdmin(admin.publicKey)]).toEqual([false, true])
    expect([trust.isAdmin(next.publicKey), trust.wasAdmin(root.publicKey)]).toEqual([true, false])
    expect(trust.publisher(publisher.publicKey)).toBeNull()
    expect(trust.pastPublishers(publisher.publicKey)).toHaveLength(1)
  })
})
