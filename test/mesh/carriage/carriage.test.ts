import { beforeEach, describe, expect, it } from 'vitest'
import { Carriage, type CarriedRecord, type CarriedVerdict } from '../../../mesh/carriage/index.ts'
import { signTrust, type Alarm } from '../../../mesh/identity/index.ts'
import {
  admit,
  foundingNode,
  inviteTo,
  keyNamed,
  root,
  testMesh,
  testNode,
  trustRecord,
  type TestMesh,
  type TestNode,
} from '../identity/harness.ts'
import { nodeRevocation, publisherRevocation } from '../identity/revocation-harness.ts'
import { publisher } from '../identity/harness.ts'
import { fork, openLog, release, type TestLog } from '../releases/harness.ts'

interface Side {
  readonly mesh: TestMesh
  readonly node: TestNode
  readonly releases: TestLog
  readonly carriage: Carriage
  readonly written: string[]
}

/** A node of the one test mesh, which never meets the other. */
async function side(name: string, node?: TestNode, mesh?: TestMesh): Promise<Side> {
  const own = mesh ?? (await testMesh())
  const member = node ?? (await testNode(own, name))
  const releases = await openLog(own.trust)
  const written: string[] = []
  const carriage = new Carriage({
    trust: own.trust,
    credentials: member.book,
    releases: releases.log,
    clock: own.clock,
    witness: {
      taken: (kind) => written.push(`taken ${kind}`),
      refused: (kind) => written.push(`refused ${kind}`),
    },
  })
  return { mesh: own, node: member, releases, carriage, written }
}

const outcomes = (verdicts: readonly CarriedVerdict[]): string[] =>
  verdicts.map(({ kind, outcome }) => `${kind} ${outcome}`)
const codes = (verdicts: readonly CarriedVerdict[]): unknown[] =>
  verdicts.flatMap(({ error }) => (error === null ? [] : [(error as { code?: unknown }).code]))
const carried = (kind: CarriedRecord['kind'], bytes: Uint8Array): CarriedRecord => ({ kind, bytes })
const quiet = (): void => {}

let here: Side
let there: Side

beforeEach(async () => {
  const mesh = await testMesh()
  here = await side('here', await foundingNode(mesh), mesh)
  there = await side('there')
})

describe('what is carried from one node', () => {
  it('is taken by another: trust, revocations, members and the newest releases', async () => {
    const invited = await admit(here.node, inviteTo(here.mesh), 'garage-1')
    expect(invited.length).toBeGreaterThan(0)
    const { meshId } = here.mesh
    await here.mesh.trust.offer(
      signTrust(
        trustRecord({ mesh: meshId, version: 2, previous: here.mesh.trust.current!.digest, name: 'port' }),
        [root],
      ),
    )
    await here.mesh.trust.revocations.offer(
      nodeRevocation({ mesh: meshId, key: keyNamed('thief').publicKey }),
    )
    await here.releases.log.offer(release(here.mesh, { seq: 3 }))
    const records = here.carriage.records(null)
    expect(outcomes(await there.carriage.take(records))).toEqual([
      'trust accepted',
      'revocation accepted',
      'credential accepted',
      'credential accepted',
      'release accepted',
    ])
    expect(there.carriage.records(null)).toEqual(records)
    expect(there.node.book.members().map(({ name }) => name)).toEqual(['founder', 'garage-1'])
    expect(there.written).toEqual(
      ['trust', 'revocation', 'member', 'member', 'release'].map((kind) => `taken ${kind}`),
    )
  })

  it('is known the second time, and nothing is written down', async () => {
    await here.releases.log.offer(release(here.mesh))
    const records = here.carriage.records(null)
    await there.carriage.take(records)
    there.written.length = 0
    expect(new Set(outcomes(await there.carriage.take(records)))).toEqual(
      new Set(['trust known', 'credential known', 'release known']),
    )
    expect(there.written).toEqual([])
  })

  it('is the release that was asked for, without members, where one was', async () => {
    await here.releases.log.offer(release(here.mesh, { seq: 1 }))
    await here.releases.log.offer(release(here.mesh, { seq: 2, version: '2.0.0' }))
    const past = here.releases.log.history('light-alarm').find(({ role }) => role === 'past')!
    expect(here.carriage.records([past]).map(({ kind }) => kind)).toEqual(['trust', 'release'])
  })
})

describe('a rehearsal', () => {
  it('says what taking would, and changes nothing', async () => {
    await there.releases.log.offer(release(there.mesh, { seq: 5, version: '5.0.0' }))
    const stranger = keyNamed('stranger')
    const records = [
      carried('trust', signTrust(trustRecord(), [root])),
      carried('revocation', nodeRevocation({ mesh: here.mesh.meshId, key: stranger.publicKey })),
      carried('revocation', nodeRevocation({ mesh: here.mesh.meshId, key: root.publicKey }, stranger)),
      carried('release', release(here.mesh, { seq: 4 })),
      carried('release', release(here.mesh, { seq: 6 })),
      carried('release', release(here.mesh, { seq: 7 }, stranger)),
      carried('release', release(here.mesh, { app: 'uplink', grants: ['pin:door'], triggers: [] })),
      carried('credential', new Uint8Array([1, 2, 3])),
      carried('release', new Uint8Array([1, 2, 3])),
    ]
    const plan = await there.carriage.rehearse(records, quiet)
    expect(there.releases.log.head('light-alarm')?.record.seq).toBe(5)
    expect(there.mesh.trust.revocations.all()).toEqual([])
    expect(there.written).toEqual([])
    const taken = await there.carriage.take(records)
    expect(outcomes(plan)).toEqual(outcomes(taken))
    expect(codes(plan)).toEqual(codes(taken))
    expect(codes(taken)).toEqual([
      'ERR_TRUST_INVALID',
      'ERR_REVOCATION_SIGNER',
      'ERR_RELEASE_STRANGER',
      'ERR_RELEASE_DELEGATION',
      expect.stringMatching(/^ERR_/),
      'ERR_RELEASE_SIGNATURE',
    ])
  })

  it('tells of a fork that the stick brings, and of none that is known', async () => {
    const [one, other] = fork(here.mesh)
    await there.releases.log.offer(one)
    const alarms: Alarm[] = []
    const plan = await there.carriage.rehearse([carried('release', other)], (alarm) => alarms.push(alarm))
    expect(outcomes(plan)).toEqual(['release older'])
    expect(alarms.map(({ code }) => code)).toEqual(['ERR_RELEASE_FORK'])
    await there.releases.log.offer(other)
    alarms.length = 0
    await there.carriage.rehearse([carried('release', release(here.mesh, { seq: 9 }))], (alarm) =>
      alarms.push(alarm),
    )
    expect(alarms).toEqual([])
  })

  it('knows what a revocation on the same stick does to a release on it', async () => {
    const revoked = publisherRevocation({ mesh: here.mesh.meshId, key: publisher.publicKey })
    const records = [carried('revocation', revoked), carried('release', release(here.mesh, { seq: 2 }))]
    expect(outcomes(await there.carriage.rehearse(records, quiet))).toEqual([
      'revocation accepted',
      'release refused',
    ])
    expect(outcomes(await there.carriage.rehearse([records[1]!], quiet))).toEqual(['release accepted'])
  })
})
