import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCbor, memoryFolder, signMany, type DurableFolder } from '../../../core/index.ts'
import {
  cosignRevocation,
  hexOf,
  openTrustStore,
  readRevocation,
  readRevocationProposal,
  signRevocation,
  signTrust,
  type Alarm,
  type NodeRevocation,
  type Revocation,
  type SignedRevocation,
} from '../../../mesh/identity/index.ts'
import { addRevocation, revocationShares, type RevocationSet } from '../../../mesh/identity/revocation-set.ts'
import { judgeRevocations, type RevocationAuthority } from '../../../mesh/identity/revocation-view.ts'
import { admin, keyNamed, publisher, root, startOfTime, testMesh, trustRecord } from './harness.ts'
import { powerCut } from './power-cut.ts'
import {
  adminRevocation,
  nodeRevocation,
  publisherRevocation,
  releaseRevocation,
} from './revocation-harness.ts'

const failing = (code: string) => expect.objectContaining({ code }) as Error
const thief = keyNamed('thief')
const mesh = 'ab'.repeat(32)
const digestOfRevocation = (bytes: Uint8Array): string => readRevocation(bytes).digest

describe('a revocation', () => {
  const sound: NodeRevocation = {
    v: 1,
    mesh,
    kind: 'node',
    key: thief.publicKey,
    nodes: [],
    at: startOfTime,
    reason: 'stolen',
    critical: [],
  }

  it('is refused when altered by one byte, at any position', () => {
    const bytes = signRevocation(sound, [admin])
    for (let at = 0; at < bytes.length; at++) {
      const altered = bytes.slice()
      altered[at]! ^= 0x20
      expect(() => readRevocation(altered), `byte ${at}`).toThrow(failing('ERR_REVOCATION_SIGNATURE'))
    }
  })

  it('is refused when it was signed for another purpose', () => {
    const bytes = signMany({ purpose: 'trust', payload: encodeCbor(sound), keys: [admin] })
    expect(() => readRevocation(bytes)).toThrow(failing('ERR_REVOCATION_SIGNATURE'))
  })

  it.each<[string, object]>([
    ['an unknown kind', { kind: 'mesh' }],
    ['a key of small order', { key: new Uint8Array(32) }],
    ['more nodes than a mesh has', { nodes: Array.from({ length: 4_097 }, () => thief.publicKey) }],
    ['a critical field that this version does not know', { critical: ['until'], until: 3 }],
    ['a reason that redraws a terminal', { reason: '\u001b[2J' }],
    ['a reason without end', { reason: 'x'.repeat(257) }],
  ])('is refused with %s', (_, changes) => {
    const signed = () => signRevocation({ ...sound, ...changes } as Revocation, [admin])
    expect(signed).toThrow(failing('ERR_REVOCATION_INVALID'))
  })

  it.each<[string, object]>([
    ['a name that is none', { Light: new Uint8Array(32) }],
    ['a digest of another length', { light: new Uint8Array(31) }],
  ])('of a publisher is refused with %s', (_, accepted) => {
    const signed = () => publisherRevocation({ mesh, key: thief.publicKey, accepted: { ...accepted } })
    expect(signed).toThrow(failing('ERR_REVOCATION_INVALID'))
  })

  it('lists 10,000 apps with the longest names within the size of a head', () => {
    const accepted = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, at) => [`a${String(at).padStart(62, '0')}`, new Uint8Array(32)]),
    )
    const bytes = publisherRevocation({ mesh, key: thief.publicKey, accepted })
    expect(bytes.length).toBeLessThan(1024 * 1024)
    expect(readRevocation(bytes).record).toMatchObject({ kind: 'publisher' })
    const more = { ...accepted, b: new Uint8Array(32) }
    expect(() => publisherRevocation({ mesh, key: thief.publicKey, accepted: more })).toThrow(
      failing('ERR_REVOCATION_INVALID'),
    )
  })

  it('of a node or a release has one signature, and none has the same twice', () => {
    expect(() => signRevocation(sound, [admin, root])).toThrow(failing('ERR_REVOCATION_INVALID'))
    expect(() => cosignRevocation(signRevocation(sound, [admin]), root)).toThrow(
      failing('ERR_REVOCATION_INVALID'),
    )
    expect(() => adminRevocation({ mesh, key: thief.publicKey }, [root, root])).toThrow(
      failing('ERR_REVOCATION_INVALID'),
    )
  })

  it('has the same digest however many roots have signed, in whatever order', () => {
    const [one, two] = [keyNamed('one'), keyNamed('two')]
    const of = { mesh, key: thief.publicKey }
    const both = cosignRevocation(adminRevocation(of, [one]), two)
    expect(both).toEqual(adminRevocation(of, [one, two]))
    expect(cosignRevocation(both, one)).toEqual(both)
    expect(digestOfRevocation(both)).toBe(digestOfRevocation(adminRevocation(of, [two])))
  })
})

describe('the right to revoke', () => {
  it('is an admin’s for nodes and releases, a publisher’s for releases, the roots’ for admins and publishers', async () => {
    const { trust, meshId } = await testMesh()
    const { revocations } = trust
    const key = thief.publicKey
    const release = { mesh: meshId, app: 'light-alarm', release: 'cd'.repeat(32) }
    for (const bytes of [
      nodeRevocation({ mesh: meshId, key }, publisher),
      nodeRevocation({ mesh: meshId, key }, root),
      releaseRevocation(release, keyNamed('stranger')),
      adminRevocation({ mesh: meshId, key: admin.publicKey }, [admin]),
      publisherRevocation({ mesh: meshId, key: publisher.publicKey }, [admin]),
    ]) {
      await expect(revocations.offer(bytes)).rejects.toThrow(failing('ERR_REVOCATION_SIGNER'))
    }
    for (const bytes of [
      nodeRevocation({ mesh: meshId, key }),
      releaseRevocation(release),
      releaseRevocation(release, publisher),
      publisherRevocation({ mesh: meshId, key: publisher.publicKey }),
    ]) {
      expect((await revocations.offer(bytes)).outcome).toBe('accepted')
      expect((await revocations.offer(bytes)).outcome).toBe('known')
    }
    expect(trust.revoked.isNodeRevoked(key)).toBe(true)
    expect(trust.publisher(publisher.publicKey)).toBeNull()
  })

  it('needs as many roots as the threshold asks for', async () => {
    const second = keyNamed('second root')
    const record = trustRecord({ threshold: 2, roots: [root.publicKey, second.publicKey] })
    const { trust, meshId } = await testMesh(record, [root, second])
    const one = adminRevocation({ mesh: meshId, key: admin.publicKey })
    await expect(trust.revocations.offer(one)).rejects.toThrow(failing('ERR_REVOCATION_SIGNER'))
    expect(readRevocationProposal(record, one)).toMatchObject({
      isComplete: false,
      signatures: { needed: 2, given: 1, missing: [second.publicKey] },
    })
    const two = cosignRevocation(one, second)
    expect(readRevocationProposal(record, two).isComplete).toBe(true)
    expect((await trust.revocations.offer(two)).outcome).toBe('accepted')
    expect(trust.isAdmin(admin.publicKey)).toBe(false)
  })

  it('ends for another mesh', async () => {
    const { trust } = await testMesh()
    const foreign = nodeRevocation({ mesh, key: thief.publicKey })
    await expect(trust.revocations.offer(foreign)).rejects.toThrow(failing('ERR_REVOCATION_MESH'))
  })

  it('is lost with the revocation of the admin, but for what that lists', async () => {
    const { trust, meshId } = await testMesh()
    const honest = nodeRevocation({ mesh: meshId, key: thief.publicKey })
    const victim = keyNamed('victim')
    const malicious = nodeRevocation({ mesh: meshId, key: victim.publicKey })
    for (const bytes of [honest, malicious]) await trust.revocations.offer(bytes)
    const list = [digestOfRevocation(honest)]
    await trust.revocations.offer(adminRevocation({ mesh: meshId, key: admin.publicKey, revocations: list }))
    expect(trust.revoked.isNodeRevoked(thief.publicKey)).toBe(true)
    expect(trust.revoked.isNodeRevoked(victim.publicKey)).toBe(false)
    // Also one that it signs afterwards, with whatever date.
    await trust.revocations.offer(nodeRevocation({ mesh: meshId, key: keyNamed('other').publicKey, at: 0 }))
    expect(trust.revoked.isNodeRevoked(keyNamed('other').publicKey)).toBe(false)
    // The set itself lost nothing.
    expect(trust.revocations.all()).toHaveLength(4)
  })

  it('of an admin that only a losing bundle named is none', async () => {
    const { trust, meshId } = await testMesh()
    const usurper = keyNamed('usurper')
    const forks = ['a', 'b', 'c', 'd'].map((name) =>
      signTrust(
        trustRecord({ mesh: meshId, version: 2, name, admins: [admin.publicKey, usurper.publicKey] }),
        [root],
      ),
    )
    const plain = ['a', 'b', 'c', 'd'].map((name) =>
      signTrust(trustRecord({ mesh: meshId, version: 2, name }), [root]),
    )
    await trust.offer(forks[0]!)
    const bytes = nodeRevocation({ mesh: meshId, key: thief.publicKey }, usurper)
    await trust.revocations.offer(bytes)
    expect(trust.revoked.isNodeRevoked(thief.publicKey)).toBe(true)
    for (const rival of plain) await trust.offer(rival)
    const stands = trust.current?.record.admins.length === 2
    expect(trust.revoked.isNodeRevoked(thief.publicKey)).toBe(stands)
    expect(trust.revocations.all()).toHaveLength(stands ? 1 : 0)
  })
})

const secondAdmin = keyNamed('second admin')
const namesOf = (...keys: { publicKey: Uint8Array }[]) => new Set(keys.map((key) => hexOf(key.publicKey)))
const [adminKeys, publisherKeys, rootKeys] = [namesOf(admin, secondAdmin), namesOf(publisher), namesOf(root)]
/** What the rules ask of a chain. */
const authority: RevocationAuthority = {
  wasAdmin: (key) => adminKeys.has(hexOf(key)),
  wasPublisher: (key) => publisherKeys.has(hexOf(key)),
  areRoots: (keys) => keys.some((key) => rootKeys.has(hexOf(key))),
}

/** Few keys, so that revocations of one key and revocations of revokers are common. */
const pool: SignedRevocation[] = (() => {
  const nodes = ['x', 'y', 'z'].map((name) => keyNamed(name))
  const admins = [admin, secondAdmin]
  const list: Uint8Array[] = []
  for (const by of admins) {
    for (const { publicKey } of nodes) {
      list.push(nodeRevocation({ mesh, key: publicKey }, by))
      list.push(nodeRevocation({ mesh, key: publicKey, nodes: [nodes[0]!.publicKey] }, by))
    }
    list.push(releaseRevocation({ mesh, app: 'light', release: 'cd'.repeat(32) }, by))
  }
  list.push(releaseRevocation({ mesh, app: 'light', release: 'cd'.repeat(32), effect: 'stop' }, publisher))
  for (const { publicKey } of admins) {
    list.push(adminRevocation({ mesh, key: publicKey }))
    list.push(adminRevocation({ mesh, key: publicKey, revocations: [digestOfRevocation(list[0]!)] }))
  }
  list.push(publisherRevocation({ mesh, key: publisher.publicKey }))
  return list.map(readRevocation)
})()
const sets = fc.array(fc.constantFrom(...pool), { maxLength: 30 })
const union = (list: readonly SignedRevocation[], from: RevocationSet = new Map()): RevocationSet =>
  list.reduce((set, one) => addRevocation(set, one, authority).set, from)
const merged = (a: RevocationSet, b: RevocationSet): RevocationSet => union([...b.values()], a)
const idsOf = (set: RevocationSet): string[] => [...set.keys()].sort()

describe('the set of revocations', () => {
  it('merges to the same in any order, grouping and number of times', () => {
    fc.assert(
      fc.property(sets, sets, sets, (left, middle, right) => {
        const [a, b, c] = [union(left), union(middle), union(right)]
        expect(idsOf(merged(a, b))).toEqual(idsOf(merged(b, a)))
        expect(idsOf(merged(merged(a, b), c))).toEqual(idsOf(merged(a, merged(b, c))))
        expect(idsOf(merged(a, a))).toEqual(idsOf(a))
      }),
    )
  })

  it('never says of fewer keys that the roots revoked them when it grows', () => {
    fc.assert(
      fc.property(sets, sets, (some, more) => {
        const before = judgeRevocations(union(some).values(), authority)
        const after = judgeRevocations(union([...some, ...more]).values(), authority)
        for (const key of [admin, secondAdmin]) {
          if (before.isAdminRevoked(key.publicKey)) expect(after.isAdminRevoked(key.publicKey)).toBe(true)
        }
        if (before.isPublisherRevoked(publisher.publicKey))
          expect(after.isPublisherRevoked(publisher.publicKey)).toBe(true)
      }),
    )
  })

  it('says the same whatever order it came in', () => {
    fc.assert(
      fc.property(sets, (list) => {
        const views = [list, list.toReversed()].map((order) =>
          judgeRevocations(union(order).values(), authority),
        )
        const [a, b] = views.map((view) => view.counting.map(({ digest }) => digest).sort())
        expect(a).toEqual(b)
      }),
    )
  })

  it('keeps of one signer the smallest digests up to its share, in any order, and all of another', () => {
    const many = Array.from({ length: revocationShares.publisher + 40 }, (_, at) =>
      readRevocation(releaseRevocation({ mesh, app: 'light', release: 'cd'.repeat(32), at }, publisher)),
    )
    const other = readRevocation(nodeRevocation({ mesh, key: thief.publicKey }))
    const expected = [
      ...many
        .map(({ digest }) => digest)
        .sort()
        .slice(0, revocationShares.publisher),
      other.digest,
    ]
    for (const order of [many, many.toReversed()]) {
      expect(idsOf(union([other, ...order]))).toEqual(expected.sort())
      expect(idsOf(merged(union(order.slice(0, 150)), union([...order.slice(100), other])))).toEqual(
        expected.sort(),
      )
    }
  })
})

describe('revocations on the disk', () => {
  const open = async (meshId: string, folder: DurableFolder) => {
    const alarms: Alarm[] = []
    const trust = await openTrustStore({ meshId, folder, onAlarm: (alarm) => alarms.push(alarm) })
    return { trust, alarms }
  }

  it('are what they were after a restart, and tell listeners of trust when they come', async () => {
    const { first, meshId } = await testMesh()
    const folder = memoryFolder()
    const { trust } = await open(meshId, folder)
    await trust.offer(first)
    let heard = 0
    trust.onChange(() => (heard += 1))
    await trust.revocations.offer(nodeRevocation({ mesh: meshId, key: thief.publicKey }))
    expect(heard).toBe(1)
    const { trust: reopened, alarms } = await open(meshId, folder)
    expect(reopened.revoked.isNodeRevoked(thief.publicKey)).toBe(true)
    expect(alarms).toEqual([])
  })

  it('are there or not when the power is cut, and never counted before they are kept', async () => {
    const { first, meshId } = await testMesh()
    for (const when of ['before', 'after'] as const) {
      const folder = memoryFolder()
      await (await open(meshId, folder)).trust.offer(first)
      const inner = powerCut(await folder.folder('revocations'), 0, when)
      const { trust } = await open(meshId, { ...folder, folder: async () => inner })
      const offered = trust.revocations.offer(nodeRevocation({ mesh: meshId, key: thief.publicKey }))
      await expect(offered).rejects.toThrow('power cut')
      expect(trust.revoked.isNodeRevoked(thief.publicKey)).toBe(false)
      const { trust: reopened } = await open(meshId, folder)
      expect(reopened.revoked.isNodeRevoked(thief.publicKey)).toBe(when === 'after')
    }
  })

  it('lose a damaged one alone, say so, and take it again', async () => {
    const { first, meshId } = await testMesh()
    const folder = memoryFolder()
    const { trust } = await open(meshId, folder)
    await trust.offer(first)
    const bytes = nodeRevocation({ mesh: meshId, key: thief.publicKey })
    await trust.revocations.offer(bytes)
    await trust.revocations.offer(publisherRevocation({ mesh: meshId, key: publisher.publicKey }))
    const inner = await folder.folder('revocations')
    const damaged = bytes.slice()
    damaged[60]! ^= 1
    await inner.write(`${digestOfRevocation(bytes)}.cose`, damaged)
    const { trust: reopened, alarms } = await open(meshId, folder)
    expect(alarms).toMatchObject([{ code: 'ERR_STORED_DAMAGED' }])
    expect(reopened.revocations.all()).toHaveLength(1)
    expect((await reopened.revocations.offer(bytes)).outcome).toBe('accepted')
  })

  it('count from the start of the trust chain that explains them, though it came later', async () => {
    const { first, meshId } = await testMesh()
    const folder = memoryFolder()
    const inner = await folder.folder('revocations')
    const bytes = nodeRevocation({ mesh: meshId, key: thief.publicKey })
    await inner.write(`${digestOfRevocation(bytes)}.cose`, bytes)
    const { trust, alarms } = await open(meshId, folder)
    expect(trust.revoked.isNodeRevoked(thief.publicKey)).toBe(false)
    await trust.offer(first)
    expect(trust.revoked.isNodeRevoked(thief.publicKey)).toBe(true)
    expect(alarms).toEqual([])
  })
})
