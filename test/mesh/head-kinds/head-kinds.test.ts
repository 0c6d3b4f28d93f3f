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

async function kindsOf(): Promise<{
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
  return { member: kindOf('member/'), node: kindOf('node/'), founder, mesh }
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
