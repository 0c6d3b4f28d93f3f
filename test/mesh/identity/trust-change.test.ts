import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryFolder } from '../../../core/index.ts'
import {
  changeTrust,
  cosignTrust,
  differences,
  hexOf,
  openTrustStore,
  readTrust,
  readTrustProposal,
  signTrust,
  usableSigners,
  type TrustBundle,
  type TrustChange,
} from '../../../mesh/identity/index.ts'
import { admin, keyNamed, publisher, root, startOfTime, testMesh, trustRecord } from './harness.ts'

const failing = (code: string) => expect.objectContaining({ code }) as Error
const second = keyNamed('second root')
const third = keyNamed('third root')
const roots = [root, second, third]
const first = (changes = {}): TrustBundle => readTrust(signTrust(trustRecord(changes), [root]))
const now = startOfTime + 1
const change = (current: TrustBundle, ...changes: TrustChange[]) => changeTrust(current, changes, now)

describe('a change of trust', () => {
  it('gives the next version, which follows the one before by digest', () => {
    const current = first()
    const next = change(current, { kind: 'add-admin', key: second.publicKey })
    expect(next).toMatchObject({ version: 2, mesh: current.digest, previous: current.digest, createdAt: now })
    const later = readTrust(signTrust(next, [root]))
    const after = change(later, { kind: 'remove-admin', key: admin.publicKey })
    expect(after).toMatchObject({ version: 3, mesh: current.digest, previous: later.digest })
    expect(after.admins).toEqual([second.publicKey])
  })

  it('adds a publisher, changes what one may do, and takes it out', () => {
    const entry = { key: second.publicKey, apps: ['shop-*'], grants: ['http:*'] }
    let current = readTrust(signTrust(change(first(), { kind: 'set-publisher', publisher: entry }), [root]))
    expect(current.record.publishers.map(({ apps }) => apps)).toEqual([['light-*', 'uplink'], ['shop-*']])
    const wider = { ...entry, apps: ['shop-*', 'till'] }
    current = readTrust(signTrust(change(current, { kind: 'set-publisher', publisher: wider }), [root]))
    expect(current.record.publishers[1]?.apps).toEqual(['shop-*', 'till'])
    const after = change(current, { kind: 'remove-publisher', key: publisher.publicKey })
    expect(after.publishers.map(({ key }) => hexOf(key))).toEqual([hexOf(second.publicKey)])
  })

  it('keeps fields of later programs', () => {
    const current = first({ motto: 'hold fast' })
    expect(change(current, { kind: 'add-root', key: second.publicKey })).toMatchObject({ motto: 'hold fast' })
  })

  it.each<[string, TrustChange[]]>([
    ['takes out a root that is none', [{ kind: 'remove-root', key: second.publicKey }]],
    ['adds a root that is there', [{ kind: 'add-root', key: root.publicKey }]],
    ['rotates a root to itself', [{ kind: 'rotate-root', from: root.publicKey, to: root.publicKey }]],
    ['takes out a publisher that is none', [{ kind: 'remove-publisher', key: second.publicKey }]],
    ['asks for a threshold of none', [{ kind: 'set-threshold', threshold: 0 }]],
    [
      'changes nothing in the end',
      [
        { kind: 'add-root', key: second.publicKey },
        { kind: 'remove-root', key: second.publicKey },
      ],
    ],
  ])('is refused where it %s', (_, changes) => {
    expect(() => change(first(), ...changes)).toThrow(failing('ERR_TRUST_CHANGE'))
  })

  it.each<[string, TrustChange[]]>([
    ['a threshold above the roots', [{ kind: 'set-threshold', threshold: 2 }]],
    ['no root', [{ kind: 'remove-root', key: root.publicKey }]],
    ['no admin', [{ kind: 'remove-admin', key: admin.publicKey }]],
  ])('is refused where it would leave %s', (_, changes) => {
    expect(() => change(first(), ...changes)).toThrow(failing('ERR_TRUST_LOCKOUT'))
  })

  it('may pass through what could not be lived with, if the end can', () => {
    const next = change(
      first(),
      { kind: 'remove-admin', key: admin.publicKey },
      { kind: 'set-threshold', threshold: 2 },
      { kind: 'add-root', key: second.publicKey },
      { kind: 'add-admin', key: third.publicKey },
    )
    expect(next).toMatchObject({ threshold: 2, admins: [third.publicKey] })
  })

  it('is said in words of what differs', () => {
    const before = first().record
    const after = change(
      first(),
      { kind: 'rotate-root', from: root.publicKey, to: second.publicKey },
      { kind: 'remove-publisher', key: publisher.publicKey },
    )
    expect(differences(before, after)).toEqual([
      { what: 'root', change: 'added', key: second.publicKey },
      { what: 'root', change: 'removed', key: root.publicKey },
      {
        what: 'publisher',
        change: 'removed',
        key: publisher.publicKey,
        before: before.publishers[0],
        after: null,
      },
    ])
    expect(usableSigners(before, after, [...roots, admin])).toEqual([root, second])
  })
})

describe('a proposal that several roots sign', () => {
  const record = trustRecord({ threshold: 2, roots: roots.map(({ publicKey }) => publicKey) })
  const chain = [readTrust(signTrust(record, [root, second]))]

  it('says what it changes and who has to sign, and is taken when enough have', async () => {
    const next = change(chain[0]!, { kind: 'add-admin', key: third.publicKey })
    const one = signTrust(next, [root])
    const { trust } = await testMesh(record, [root, second])
    expect(readTrustProposal(chain, one)).toMatchObject({
      isComplete: false,
      changes: [{ what: 'admin', change: 'added' }],
      signatures: [
        { version: 1, needed: 2, given: 1, missing: [second.publicKey, third.publicKey] },
        { version: 2, needed: 2, given: 1, missing: [second.publicKey, third.publicKey] },
      ],
    })
    await expect(trust.offer(one)).rejects.toThrow(failing('ERR_TRUST_THRESHOLD'))
    const two = cosignTrust(one, third)
    expect(readTrustProposal(chain, two).isComplete).toBe(true)
    expect((await trust.offer(two)).outcome).toBe('accepted')
    expect(cosignTrust(two, third)).toEqual(two)
  })

  it('needs the new roots as well as the old ones', () => {
    const fresh = [keyNamed('fresh 1'), keyNamed('fresh 2')] as const
    const next = change(
      chain[0]!,
      { kind: 'rotate-root', from: root.publicKey, to: fresh[0].publicKey },
      { kind: 'rotate-root', from: second.publicKey, to: fresh[1].publicKey },
    )
    const old = signTrust(next, [root, second])
    expect(readTrustProposal(chain, old)).toMatchObject({
      isComplete: false,
      signatures: [{ given: 2 }, { given: 0 }],
    })
    expect(readTrustProposal(chain, cosignTrust(old, fresh[0])).isComplete).toBe(false)
    expect(readTrustProposal(chain, cosignTrust(cosignTrust(old, fresh[0]), fresh[1])).isComplete).toBe(true)
  })

  it('is refused where the mesh has moved on, or it is for another one', () => {
    const next = signTrust(change(chain[0]!, { kind: 'add-admin', key: third.publicKey }), [root, second])
    const moved = [...chain, readTrust(next)]
    expect(() => readTrustProposal(moved, next)).toThrow(failing('ERR_TRUST_PROPOSAL'))
    const other = change(first({ name: 'other' }), { kind: 'add-admin', key: third.publicKey })
    expect(() => readTrustProposal(chain, signTrust(other, [root]))).toThrow(failing('ERR_TRUST_MESH'))
    expect(() => readTrustProposal([], next)).toThrow(failing('ERR_TRUST_MISSING'))
  })

  it('is refused when anything was altered between two signatures', () => {
    const one = signTrust(change(chain[0]!, { kind: 'add-admin', key: third.publicKey }), [root])
    for (let at = 0; at < one.length; at += 13) {
      const altered = one.slice()
      altered[at]! ^= 1
      expect(() => cosignTrust(altered, second), `byte ${at}`).toThrow(failing('ERR_TRUST_SIGNATURE'))
    }
  })
})

describe('the trust chain', () => {
  const open = async (meshId: string) => openTrustStore({ meshId, folder: memoryFolder(), onAlarm: () => {} })
  /** Two bundles that could both be the next, the one that stands first. */
  const forked = (current: TrustBundle, keys = ['one', 'two']): [TrustBundle, TrustBundle] => {
    const pair = keys.map((name) =>
      readTrust(
        signTrust({ ...change(current, { kind: 'add-admin', key: keyNamed(name).publicKey }) }, [root]),
      ),
    )
    return pair.sort((a, b) => (a.digest < b.digest ? -1 : 1)) as [TrustBundle, TrustBundle]
  }

  it('mixes no versions of two lines', async () => {
    const { first: one, meshId, trust } = await testMesh()
    const [stands, loses] = forked(readTrust(one))
    await trust.offer(stands.bytes)
    const onLoser = signTrust(change(loses, { kind: 'add-root', key: second.publicKey }), [root])
    await expect(trust.offer(onLoser)).rejects.toThrow(failing('ERR_TRUST_MIXED'))
    expect(trust.current?.digest).toBe(stands.digest)
    const { trust: whole } = await testMesh()
    await whole.offerChain([one, stands.bytes])
    await expect(whole.offerChain([one, onLoser])).rejects.toThrow(failing('ERR_TRUST_MIXED'))
    expect(whole.meshId).toBe(meshId)
  })

  it('takes no part of a chain for the whole, and no version out of turn', async () => {
    const { first: one, meshId } = await testMesh()
    const two = readTrust(
      signTrust(change(readTrust(one), { kind: 'add-admin', key: third.publicKey }), [root]),
    )
    const three = signTrust(change(two, { kind: 'remove-admin', key: admin.publicKey }), [root])
    const store = await open(meshId)
    for (const part of [[two.bytes], [two.bytes, three], [one, three]]) {
      await expect(store.offerChain(part)).rejects.toThrow(failing('ERR_TRUST_GAP'))
    }
    await store.offerChain([one, two.bytes, three])
    // A chain cut short changes nothing.
    await store.offerChain([one, two.bytes])
    expect(store.current?.record.version).toBe(3)
  })

  it('goes over to the side of a fork that the next version follows, on every node', async () => {
    const { first: one, meshId } = await testMesh()
    const [stands, loses] = forked(readTrust(one))
    const next = signTrust(change(loses, { kind: 'add-root', key: second.publicKey }), [root])
    const chains = [
      [one, stands.bytes],
      [one, loses.bytes, next],
    ] as const
    const seen = new Set<string>()
    for (const order of [chains, chains.toReversed()]) {
      const store = await open(meshId)
      for (const chain of order) await store.offerChain(chain)
      seen.add(
        store
          .versions()
          .map(({ digest }) => digest)
          .join(),
      )
      expect(store.current?.record.roots).toHaveLength(2)
      expect(store.evidence()).toEqual([stands.bytes])
      // What only the other side granted does not count.
      const other = stands.record.admins[1]!
      expect([store.isAdmin(other), store.wasAdmin(other)]).toEqual([false, false])
    }
    expect(seen.size).toBe(1)
  })

  it('ends in the same version on nodes that heard of forks and what followed them in any order', async () => {
    const { first: one, meshId } = await testMesh()
    const [a, b] = forked(readTrust(one))
    const [a3, a4] = forked(a, ['three', 'four'])
    const [b3, b4] = forked(b, ['three', 'four'])
    const top = signTrust(change(b4, { kind: 'add-root', key: second.publicKey }), [root])
    const chains = [
      [one, a.bytes, a3.bytes],
      [one, a.bytes, a4.bytes],
      [one, b.bytes, b3.bytes],
      [one, b.bytes, b4.bytes, top],
    ]
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(chains, { minLength: chains.length }), async (order) => {
        const store = await open(meshId)
        for (const chain of [...order, ...order]) await store.offerChain(chain)
        expect(store.versions().map(({ digest }) => digest)).toEqual([
          meshId,
          b.digest,
          b4.digest,
          readTrust(top).digest,
        ])
      }),
      { numRuns: 24 },
    )
  })

  it('is what it was after a restart on the other side of a fork', async () => {
    const { first: one, meshId } = await testMesh()
    const folder = memoryFolder()
    const onAlarm = (): void => {}
    const store = await openTrustStore({ meshId, folder, onAlarm })
    const [stands, loses] = forked(readTrust(one))
    const next = signTrust(change(loses, { kind: 'add-root', key: second.publicKey }), [root])
    await store.offerChain([one, stands.bytes])
    await store.offerChain([one, loses.bytes, next])
    const reopened = await openTrustStore({ meshId, folder, onAlarm })
    expect(reopened.chain()).toEqual(store.chain())
    expect(reopened.evidence()).toEqual(store.evidence())
    // The evidence that was read back still lets it go over again.
    const onOther = signTrust(change(stands, { kind: 'add-root', key: third.publicKey }), [root])
    const [low, high] = [next, onOther].map(readTrust).sort((x, y) => (x.digest < y.digest ? -1 : 1))
    await reopened.offer(onOther)
    expect(reopened.current?.digest).toBe(low?.digest)
    expect(reopened.evidence().some((bytes) => readTrust(bytes).digest === high?.digest)).toBe(true)
  })
})
