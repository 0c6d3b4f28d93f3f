/** Releases that nobody may give, or that say other things than they should, from a member that runs its own code. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { encodeCbor, sign1, type KeyPair } from '../../../core/index.ts'
import type { AttackName } from '../../../mesh/index.ts'
import { readTrust, signTrust } from '../../../mesh/identity/index.ts'
import { readRelease, releaseLimits } from '../../../mesh/releases/index.ts'
import { keyNamed, publisher, root, trustRecord } from '../identity/harness.ts'
import { publisherRevocation, releaseRevocation } from '../identity/revocation-harness.ts'
import { releaseRecord } from '../releases/harness.ts'
import { expectSeen, VirtualHarbor, type Rogue, type Ship } from '../virtual-harbor.ts'

let harbor: VirtualHarbor
let a: Ship
let b: Ship
let evil: Rogue

beforeEach(async () => {
  harbor = new VirtualHarbor(11)
  a = await harbor.found('a')
  b = await harbor.join('b', a)
  evil = await harbor.turncoat('evil', a)
  await harbor.until(() => a.mesh.members().length === 3 && b.mesh.members().length === 3)
})

afterEach(() => harbor.close())

/** What is refused is told by name of its sender, and reaches nobody else; what is right still arrives. */
async function expectRefused(bytes: Uint8Array, attack: AttackName, seq = 7, key = 'release/light-alarm') {
  const before = a.mesh.releases.head('light-alarm')?.digest ?? null
  await harbor.offer(evil, a, key, [seq, 0], bytes)
  expectSeen(a, attack, 'some', evil)
  expectSeen(b, attack, 0)
  for (const { mesh } of [a, b]) expect(mesh.releases.head('light-alarm')?.digest ?? null).toBe(before)
  await a.mesh.publish(harbor.release({ app: 'uplink', seq: 1 }))
  await harbor.until(() => b.mesh.releases.head('uplink') !== null)
}

/** Bytes that a publisher did sign, but that are no record. */
function signed(payload: Uint8Array, key: KeyPair = publisher): Uint8Array {
  return sign1({ purpose: 'release', payload, key })
}

test('a release of a stranger, or signed with a node’s key, installs nothing', async () => {
  await expectRefused(harbor.release({}, keyNamed('stranger')), 'arbitrary-install')
  expectSeen(a, 'arbitrary-install', 1, evil)
  await harbor.offer(evil, a, 'release/light-alarm', [8, 0], harbor.release({}, evil.identity.key))
  expectSeen(a, 'arbitrary-install', 2, evil)
  expect(a.mesh.releases.head('light-alarm')).toBeNull()
})

test('a release altered at any of its parts installs nothing', async () => {
  const good = harbor.release()
  for (const at of [0, 5, 20, good.length >> 1, good.length - 70, good.length - 1]) {
    const altered = good.slice()
    altered[at] = (altered[at] as number) ^ 1
    await harbor.offer(evil, a, 'release/light-alarm', [at + 1, 0], altered)
  }
  await expectRefused(good.subarray(0, good.length - 1), 'arbitrary-install', 9_999)
})

test('a publisher releases no app, and gives no grant, that it was not given', async () => {
  await expectRefused(harbor.release({ app: 'door-lock' }), 'beyond-delegation', 1, 'release/door-lock')
  expect(a.mesh.releases.head('door-lock')).toBeNull()
  await harbor.offer(evil, a, 'release/light-alarm', [8, 0], harbor.release({ grants: ['pin:door'] }))
  expectSeen(a, 'beyond-delegation', 2, evil)
  expect(a.mesh.releases.head('light-alarm')).toBeNull()
})

test('a release that a revoked publisher dates back counts nowhere', async () => {
  const listed = harbor.release({ seq: 1 })
  await a.mesh.publish(listed)
  const accepted = { 'light-alarm': Buffer.from(readRelease(listed).digest, 'hex') }
  const revocation = publisherRevocation({ mesh: harbor.meshId, key: publisher.publicKey, accepted })
  await a.mesh.trust.revocations.offer(revocation)
  await harbor.until(() => b.mesh.trust.revoked.isPublisherRevoked(publisher.publicKey))
  const backDated = harbor.release({ seq: 2, signedAt: 0, previous: readRelease(listed).digest })
  await harbor.offer(evil, a, 'release/light-alarm', [2, 0], backDated)
  expectSeen(a, 'back-dated', 1, evil)
  for (const { mesh } of [a, b]) expect(mesh.releases.head('light-alarm')?.record.seq).toBe(1)
})

test('a release that was revoked does not come back', async () => {
  const bytes = harbor.release({ seq: 1 })
  await a.mesh.publish(bytes)
  const { digest } = readRelease(bytes)
  await a.mesh.trust.revocations.offer(
    releaseRevocation({ mesh: harbor.meshId, app: 'light-alarm', release: digest }),
  )
  await harbor.until(() => b.mesh.releases.head('light-alarm') === null)
  // Who passes it on at once has not heard yet.
  await harbor.offer(evil, a, 'release/light-alarm', [1, 0], bytes)
  expectSeen(a, 'back-dated', 0, evil)
  await harbor.clock.run(31_000)
  await harbor.offer(evil, a, 'release/light-alarm', [1, 0], bytes)
  expectSeen(a, 'back-dated', 1, evil)
  expect(a.mesh.releases.head('light-alarm')).toBeNull()
})

test('two releases with one number raise an alarm everywhere, and every node settles on one', async () => {
  const pair = ['1.0.0', '1.0.1'].map((version) => harbor.release({ seq: 3, version }))
  const digests = pair.map((bytes) => readRelease(bytes).digest).sort()
  await b.mesh.publish(pair[0] as Uint8Array)
  await harbor.until(() => a.mesh.releases.head('light-alarm') !== null)
  const key = digests[0] === readRelease(pair[1] as Uint8Array).digest ? 'release' : 'fork'
  await harbor.offer(evil, a, `${key}/light-alarm`, [3, 0], pair[1] as Uint8Array)
  const alarmed = ({ mesh }: Ship): boolean => mesh.alarms.some(({ code }) => code === 'ERR_RELEASE_FORK')
  await harbor.until(() => alarmed(a) && alarmed(b))
  for (const ship of [a, b]) {
    expect(ship.mesh.releases.head('light-alarm')?.digest).toBe(digests[0])
    expect(ship.mesh.releases.history('light-alarm').map(({ role }) => role)).toEqual(['head', 'fork'])
    expectSeen(ship, 'release-fork', 'some')
  }
})

test('a release of another mesh is no release of this one, though the same key signed it', async () => {
  const other = readTrust(signTrust(trustRecord({ name: 'elsewhere' }), [root])).digest
  const bytes = harbor.release({ mesh: other })
  await expectRefused(bytes, 'replay')
})

test('another record of the same mesh is no release, whoever signed it', async () => {
  const invite = harbor.invite()
  await expectRefused(invite.bytes, 'arbitrary-install')
  await harbor.offer(evil, a, 'release/light-alarm', [8, 0], evil.identity.credential as Uint8Array)
  await harbor.offer(evil, a, 'release/light-alarm', [9, 0], harbor.first)
  expectSeen(a, 'arbitrary-install', 'some', evil)
})

test('what is appended to a release is refused, before and behind the signature', async () => {
  const good = harbor.release()
  await expectRefused(Uint8Array.of(...good, 0), 'trailing-data')
  const record = encodeCbor(releaseRecord(harbor.meshId))
  await harbor.offer(evil, a, 'release/light-alarm', [8, 0], signed(Uint8Array.of(...record, 0xf6)))
  expectSeen(a, 'trailing-data', 2, evil)
})

test('a release over the limit is refused by its length, whatever is in it', async () => {
  await expectRefused(new Uint8Array(releaseLimits.recordBytes + 1), 'endless-data')
})

const hostile: readonly [string, Uint8Array][] = [
  ['nested ten thousand deep', new Uint8Array(10_000).fill(0x81)],
  ['a list that says it has 2^32 items', Uint8Array.of(0x9b, 0, 0, 0, 1, 0, 0, 0, 0)],
  ['bytes that say they are 2^53 long', Uint8Array.of(0x5b, 0, 0x20, 0, 0, 0, 0, 0, 0)],
  ['a list without an end', Uint8Array.of(0x9f, 0x01)],
  ['a key twice', Uint8Array.of(0xa2, 0x61, 0x76, 1, 0x61, 0x76, 2)],
  ['a tag that makes objects elsewhere', Uint8Array.of(0xd8, 0x1b, 0x82, 0x61, 0x78, 0x61, 0x67)],
  ['nothing', new Uint8Array()],
  ['a map of the wrong form', encodeCbor({ v: 1, app: '__proto__' })],
]

test.each(hostile)(
  'a parser meets %s only behind a publisher’s signature, and takes it',
  async (_, payload) => {
    // Without the right: the signature says no, and nothing is parsed.
    await expectRefused(signed(payload, keyNamed('stranger')), 'parser')
    expectSeen(a, 'parser', 'some', evil)
    // With it, the bounds do.
    await harbor.offer(evil, a, 'release/light-alarm', [8, 0], signed(payload))
    expect(a.mesh.releases.head('light-alarm')).toBeNull()
  },
)
