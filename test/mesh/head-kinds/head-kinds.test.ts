import { expect, test } from 'vitest'
import { memoryFolder } from '../../../core/index.ts'
import { headKinds, type HeadKind } from '../../../mesh/head-kinds/index.ts'
import { openHeartbeatStore, openNodeIdentity, signNodeRecord } from '../../../mesh/identity/index.ts'
import { openNodeRecords } from '../../../mesh/membership/index.ts'
import { openReleaseLog } from '../../../mesh/releases/index.ts'
import {
  admit,
  foundingNode,
  inviteTo,
  seededRandom,
  startOfTime,
  testMesh,
  type TestNode,
} from '../identity/harness.ts'
import { releaseRevocation } from '../identity/revocation-harness.ts'
import { digest, release as releaseOf } from '../releases/harness.ts'

async function kindsOf(): Promise<{
  kinds: readonly HeadKind[]
  member: HeadKind
  node: HeadKind
  founder: TestNode
  mesh: Parameters<typeof inviteTo>[0]
}> {
  const mesh = await testMesh()
  const founder = await foundingNode(mesh)
  const { trust, clock, meshId } = mesh
  const onAlarm = (): void => {}
  const kinds = headKinds({
    trust,
    clock,
    credentials: founder.book,
    identity: await openNodeIdentity(memoryFolder(), seededRandom('identity')),
    heartbeats: await openHeartbeatStore({ trust, folder: memoryFolder(), clock, onAlarm }),
    releases: await openReleaseLog({ trust, folder: memoryFolder(), clock, onAlarm }),
    records: await openNodeRecords({ meshId, folder: memoryFolder(), clock, onAlarm }),
    onOwnRecord: async () => {},
  })
  const kindOf = (wanted: string): HeadKind => kinds.find(({ prefix }) => prefix === wanted) as HeadKind
  return { kinds, member: kindOf('member/'), node: kindOf('node/'), founder, mesh }
}

test('a newcomer makes one new head; those of the other members stay the objects they were', async () => {
  const { member, founder, mesh } = await kindsOf()
  for (const name of ['x', 'y']) await admit(founder, inviteTo(mesh), name)
  const before = member.heads()
  await admit(founder, inviteTo(mesh), 'z')
  const after = member.heads()
  expect(before).toHaveLength(3)
  expect(after).toHaveLength(4)
  for (const head of before) expect(after.includes(head)).toBe(true)
})

test('a member that changes its record without end is heard 200 times, and then 10 times a second', async () => {
  const { node, founder, mesh } = await kindsOf()
  let number = 0
  const offer = async (count: number): Promise<number> => {
    let taken = 0
    for (let i = 0; i < count; i++) {
      number += 1
      const bytes = signNodeRecord(founder.key, {
        v: 1,
        mesh: mesh.meshId,
        node: founder.key.publicKey,
        name: 'x',
        boot: 1,
        bootNonce: new Uint8Array(16),
        number,
        groups: [],
        roles: [],
        arch: 'arm64',
        platform: 'linux',
        runtime: 'node 20',
        version: '0.1.0',
        features: [],
        addresses: [],
        devices: [],
        apps: [],
        issuedAt: startOfTime,
      })
      const outcome = await node.accept(bytes, founder.id).catch((error: Error) => {
        expect(error).toMatchObject({ code: 'ERR_NODE_RECORD_RATE' })
        return 'refused'
      })
      if (outcome === 'accepted') taken += 1
    }
    return taken
  }
  expect(await offer(250)).toBe(200)
  mesh.clock.time += 3_000
  expect(await offer(50)).toBe(30)
})

test('every kind gives by name the head that it lists, and none for a name it does not know', async () => {
  const { kinds, founder, mesh } = await kindsOf()
  const release = kinds.find(({ prefix }) => prefix === 'release/') as HeadKind
  for (const app of ['uplink', 'light-alarm']) await release.accept(releaseOf(mesh, { app }), founder.id)
  expect(release.heads().map(({ key }) => key)).toEqual(['release/light-alarm', 'release/uplink'])
  for (const kind of kinds) {
    for (const head of kind.heads()) {
      expect(kind.head?.(head.key.slice(kind.prefix.length)) ?? head).toEqual(head)
    }
    expect(kind.head?.('nobody') ?? null).toBeNull()
  }
})

test('a release that was revoked is no head, and is refused when it comes again', async () => {
  const { kinds, founder, mesh } = await kindsOf()
  const [release, revocation] = ['release/', 'revocation/'].map((wanted) =>
    kinds.find(({ prefix }) => prefix === wanted),
  ) as [HeadKind, HeadKind]
  const bytes = releaseOf(mesh)
  await release.accept(bytes, founder.id)
  const revoked = releaseRevocation({ mesh: mesh.meshId, app: 'light-alarm', release: digest(bytes) })
  expect(await revocation.accept(revoked, founder.id)).toBe('accepted')
  expect(await revocation.accept(revoked, founder.id)).toBe('known')
  expect(revocation.heads()).toMatchObject([{ order: [0, 0], bytes: revoked }])
  expect(release.heads()).toEqual([])
  expect(release.head?.('light-alarm')).toBeNull()
  await expect(release.accept(bytes, founder.id)).rejects.toMatchObject({ code: 'ERR_RELEASE_REVOKED' })
})
