import { describe, expect, it } from 'vitest'
import { memoryFolder, type DurableFolder } from '../../../core/index.ts'
import {
  digestOfHeads,
  openHeartbeatStore,
  signHeartbeat,
  signTrust,
  type HeartbeatRecord,
} from '../../../mesh/identity/index.ts'
import { admin, keyNamed, root, startOfTime, testMesh, trustRecord, type TestMesh } from './harness.ts'
import { adminRevocation } from './revocation-harness.ts'

const failing = (code: string) => expect.objectContaining({ code }) as Error
const second = keyNamed('second admin')

function beat(
  mesh: TestMesh,
  counter: number,
  by = admin,
  changes: Partial<HeartbeatRecord> = {},
): Uint8Array {
  return signHeartbeat(
    {
      v: 1,
      mesh: mesh.meshId,
      counter,
      at: startOfTime + counter,
      trust: 1,
      releases: 'ab'.repeat(32),
      critical: [],
      ...changes,
    },
    by,
  )
}

const open = (mesh: TestMesh, folder: DurableFolder = memoryFolder(), alarms: string[] = []) =>
  openHeartbeatStore({
    trust: mesh.trust,
    folder,
    clock: mesh.clock,
    onAlarm: ({ code }) => alarms.push(code),
  })

describe('heartbeats', () => {
  it('have an age from when they came, by the local monotonic clock, and none after a restart', async () => {
    const mesh = await testMesh()
    const folder = memoryFolder()
    const store = await open(mesh, folder)
    expect(store.last()).toBeNull()
    // The date in it is of no account.
    await store.offer(beat(mesh, 1, admin, { at: 0 }))
    mesh.clock.time += 5_000
    expect(store.last()?.ageMs).toBe(5_000)
    const reopened = await open(mesh, folder)
    expect(reopened.last()).toMatchObject({ ageMs: null, heartbeat: { record: { counter: 1 } } })
    // The one it had tells nothing: whoever keeps news back can repeat it.
    expect((await reopened.offer(beat(mesh, 1, admin, { at: 0 }))).outcome).toBe('known')
    expect(reopened.last()?.ageMs).toBeNull()
    await reopened.offer(beat(mesh, 2))
    expect(reopened.last()?.ageMs).toBe(0)
  })

  it('only go forward, each admin for itself, and of two with one number the smaller digest stands', async () => {
    const mesh = await testMesh(trustRecord({ admins: [admin.publicKey, second.publicKey] }))
    const store = await open(mesh)
    expect(store.nextCounter(admin.publicKey)).toBe(1)
    await store.offer(beat(mesh, 7))
    expect((await store.offer(beat(mesh, 6))).outcome).toBe('older')
    expect((await store.offer(beat(mesh, 1, second))).outcome).toBe('accepted')
    expect(store.nextCounter(admin.publicKey)).toBe(8)
    const pair = [beat(mesh, 8), beat(mesh, 8, admin, { trust: 2 })]
    const outcomes = new Set<string>()
    for (const order of [pair, pair.toReversed()]) {
      const fresh = await open(mesh)
      for (const bytes of order) await fresh.offer(bytes)
      outcomes.add(fresh.all()[0]!.digest)
    }
    expect(outcomes.size).toBe(1)
  })

  it('are taken of present admins of this mesh only, and gone with the admin that is revoked', async () => {
    const mesh = await testMesh()
    const store = await open(mesh)
    for (const bytes of [
      beat(mesh, 1, keyNamed('stranger')),
      beat(mesh, 1, root),
      beat(mesh, 1, admin, { mesh: 'cd'.repeat(32) }),
      beat(mesh, 1).map((byte, at) => (at === 80 ? byte ^ 1 : byte)),
    ]) {
      await expect(store.offer(bytes)).rejects.toThrow(failing('ERR_HEARTBEAT'))
    }
    await store.offer(beat(mesh, Number.MAX_SAFE_INTEGER, admin, { at: 0 }))
    await mesh.trust.revocations.offer(adminRevocation({ mesh: mesh.meshId, key: admin.publicKey }))
    expect(store.last()).toBeNull()
    expect(store.all()).toEqual([])
  })

  it('leave no files of admins that are none any more', async () => {
    const mesh = await testMesh()
    const folder = memoryFolder()
    const store = await open(mesh, folder)
    await store.offer(beat(mesh, 1))
    const admins = [second.publicKey]
    await mesh.trust.offer(signTrust(trustRecord({ mesh: mesh.meshId, version: 2, admins }), [root]))
    await store.offer(beat(mesh, 1, second))
    expect(await folder.list()).toHaveLength(1)
  })

  it('that were damaged on the disk are dropped and reported', async () => {
    const mesh = await testMesh()
    const folder = memoryFolder()
    await (await open(mesh, folder)).offer(beat(mesh, 1))
    const [name] = await folder.list()
    const bytes = (await folder.read(name!, 1 << 16))!
    bytes[90]! ^= 1
    await folder.write(name!, bytes)
    const alarms: string[] = []
    expect((await open(mesh, folder, alarms)).last()).toBeNull()
    expect(alarms).toEqual(['ERR_STORED_DAMAGED'])
  })

  it('say in one digest which releases their admin saw, in whatever order they were listed', () => {
    const heads = ['a', 'b'].map((app) => ({ digest: app.repeat(64), record: { app } }))
    expect(digestOfHeads(heads)).toBe(digestOfHeads(heads.toReversed()))
    expect(digestOfHeads(heads)).not.toBe(digestOfHeads(heads.slice(1)))
  })
})
