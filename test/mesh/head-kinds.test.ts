import { expect, test } from 'vitest'
import { memoryFolder } from '../../core/index.ts'
import { headKinds, type HeadKind } from '../../mesh/head-kinds.ts'
import { openNodeIdentity } from '../../mesh/identity/index.ts'
import { openNodeRecords } from '../../mesh/membership/index.ts'
import { openReleaseLog } from '../../mesh/releases/index.ts'
import { admit, foundingNode, inviteTo, seededRandom, testMesh, type TestNode } from './identity/harness.ts'

async function kindsOf(): Promise<{
  member: HeadKind
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
    releases: await openReleaseLog({ trust, folder: memoryFolder(), clock, onAlarm }),
    records: await openNodeRecords({ meshId, folder: memoryFolder(), clock, onAlarm }),
    onOwnRecord: async () => {},
  })
  return { member: kinds.find(({ prefix }) => prefix === 'member/') as HeadKind, founder, mesh }
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
