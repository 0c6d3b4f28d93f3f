/** Trust bundles and revocations that are not what they should be, served by a member. */
import { afterEach, expect, test } from 'vitest'
import { encodeCbor, signMany, type KeyPair } from '../../../core/index.ts'
import { readTrust, signTrust, type TrustRecord } from '../../../mesh/identity/index.ts'
import { admin, keyNamed, publisher, root, trustRecord } from '../identity/harness.ts'
import { nodeRevocation, publisherRevocation } from '../identity/revocation-harness.ts'
import { expectSeen, VirtualHarbor, type Rogue, type Ship } from '../virtual-harbor.ts'

const second = keyNamed('second root')
const third = keyNamed('third root')
const roots = [root, second, third].map(({ publicKey }) => publicKey)
let harbor: VirtualHarbor
let a: Ship
let b: Ship
let evil: Rogue

/** Two of three roots decide. */
async function begin(): Promise<void> {
  harbor = new VirtualHarbor(21, { trust: { roots, threshold: 2 }, roots: [root, second] })
  a = await harbor.found('a')
  b = await harbor.join('b', a)
  evil = await harbor.turncoat('evil', a)
}

afterEach(() => harbor.close())

const digestOfTrust = (bytes: Uint8Array): string => readTrust(bytes).digest

/** The version after `before`, which says what `changes` does. */
function next(before: Uint8Array, changes: Partial<TrustRecord> = {}, keys = [root, second]): Uint8Array {
  return signTrust(nextRecord(before, changes), keys)
}

function nextRecord(before: Uint8Array, changes: Partial<TrustRecord> = {}): TrustRecord {
  const { record, digest } = readTrust(before)
  const follows = { mesh: harbor.meshId, version: record.version + 1, previous: digest }
  return trustRecord({ roots, threshold: 2, ...follows, ...changes })
}

let promised = 1_000
/** Promises more each time, as what was refused is not asked for again for a while. */
const serve = (chain: readonly Uint8Array[]): Promise<void> =>
  harbor.offer(evil, a, 'trust', [promised++, 0], encodeCbor(chain))

function expectVersion(version: number): void {
  for (const { mesh } of [a, b]) expect(mesh.trust.current?.record.version).toBe(version)
}

async function expectStillChanging(): Promise<void> {
  const { chain } = { chain: a.mesh.trust.chain() }
  const bytes = next(chain.at(-1) as Uint8Array, { name: 'harbour' })
  await a.mesh.trust.offer(bytes)
  await harbor.until(() => b.mesh.trust.current?.digest === digestOfTrust(bytes))
}

test('a bundle that too few roots signed changes nothing', async () => {
  await begin()
  await serve([harbor.first, next(harbor.first, { admins: [evil.identity.key.publicKey] }, [root])])
  expectSeen(a, 'below-threshold', 1, evil)
  expectVersion(1)
  await expectStillChanging()
})

test('a bundle that the new roots signed and the old ones did not changes nothing', async () => {
  await begin()
  const own = [keyNamed('mine'), keyNamed('mine too')]
  const theirs = own.map(({ publicKey }) => publicKey)
  await serve([harbor.first, next(harbor.first, { roots: theirs }, own)])
  expectSeen(a, 'below-threshold', 1, evil)
  expectVersion(1)
})

test('one root that signs twice is one root', async () => {
  await begin()
  const payload = encodeCbor(nextRecord(harbor.first))
  await serve([harbor.first, signMany({ purpose: 'trust', payload, keys: [root, root] as KeyPair[] })])
  expectSeen(a, 'duplicate-signature', 1, evil)
  expectVersion(1)
  await expectStillChanging()
})

test('a root rotation that skips a version changes nothing, whoever signed it', async () => {
  await begin()
  const two = next(harbor.first)
  const three = next(two, { roots: [root, second].map(({ publicKey }) => publicKey) })
  await serve([harbor.first, three])
  expectSeen(a, 'root-skip', 1, evil)
  expectVersion(1)
  await serve([harbor.first, two, three])
  await harbor.until(() => b.mesh.trust.current?.record.version === 3)
  expectVersion(3)
})

test('versions of two lines do not mix', async () => {
  await begin()
  const [left, right] = [next(harbor.first, { name: 'left' }), next(harbor.first, { name: 'right' })]
  await serve([harbor.first, left, next(right)])
  expectSeen(a, 'mix-and-match', 1, evil)
  expect(a.mesh.trust.current?.digest).toBe(digestOfTrust(left))
  await expectStillChanging()
})

test('a part of a chain, or one that ends in the middle, takes nothing back', async () => {
  await begin()
  const two = next(harbor.first, { name: 'two' })
  await a.mesh.trust.offer(two)
  await harbor.until(() => b.mesh.trust.current?.record.version === 2)
  await serve([harbor.first])
  await serve([])
  await harbor.offer(evil, a, 'trust', [promised++, 0], encodeCbor([harbor.first, two]).subarray(0, 700))
  expectSeen(a, 'parser', 'some', evil)
  expectVersion(2)
  await expectStillChanging()
})

test('of two bundles with one version one stands everywhere, and what only the other gave counts for nothing', async () => {
  await begin()
  const thief = keyNamed('thief')
  const grant = { key: thief.publicKey, apps: ['*'], grants: ['*'] }
  const pair = [next(harbor.first), next(harbor.first, { publishers: [grant] })].sort((x, y) =>
    digestOfTrust(x) < digestOfTrust(y) ? -1 : 1,
  )
  const [stands, falls] = pair as [Uint8Array, Uint8Array]
  await b.mesh.trust.offer(falls)
  await harbor.until(() => a.mesh.trust.current?.digest === digestOfTrust(falls))
  await serve([harbor.first, stands])
  const settled = ({ mesh }: Ship): boolean => mesh.trust.current?.digest === digestOfTrust(stands)
  await harbor.until(() => settled(a) && settled(b))
  for (const { mesh } of [a, b]) {
    expect(mesh.alarms.map(({ code }) => code)).toEqual(['ERR_TRUST_FORK'])
    const isThiefs = readTrust(stands).record.publishers.some((entry) => entry.key === thief.publicKey)
    expect(mesh.trust.publisher(thief.publicKey) !== null).toBe(isThiefs)
  }
  expectSeen(a, 'trust-fork', 'some')
})

test('a bundle of another mesh is none of this one', async () => {
  await begin()
  const other = signTrust(trustRecord({ name: 'elsewhere', roots, threshold: 2 }), [root, second])
  await serve([other])
  expectSeen(a, 'replay', 1, evil)
  expectVersion(1)
})

test('nobody is revoked by whoever likes to', async () => {
  await begin()
  const target = b.identity.key.publicKey
  const forged = [
    nodeRevocation({ mesh: harbor.meshId, key: target }, evil.identity.key),
    publisherRevocation({ mesh: harbor.meshId, key: publisher.publicKey }, [admin]),
    publisherRevocation({ mesh: harbor.meshId, key: publisher.publicKey }, [root]),
  ]
  for (const [at, bytes] of forged.entries()) {
    await harbor.offer(evil, a, `revocation/${'ab'.repeat(31)}0${at}`, [0, 0], bytes)
  }
  expectSeen(a, 'below-threshold', forged.length, evil)
  const elsewhere = nodeRevocation({ mesh: 'cd'.repeat(32), key: target })
  await harbor.offer(evil, a, `revocation/${'cd'.repeat(32)}`, [0, 0], elsewhere)
  expectSeen(a, 'replay', 1, evil)
  expect(a.mesh.trust.revocations.all()).toEqual([])
  expect(a.mesh.members().map(({ name }) => name)).toEqual(['a', 'b', 'evil'])
})
