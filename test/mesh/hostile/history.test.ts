/** What is old, sold as new: to a node that runs, that comes back from a restored disk, or that was long away. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Signs } from '../../../host/node/signs.ts'
import { digestOfHeads, signHeartbeat } from '../../../mesh/identity/index.ts'
import { readRelease } from '../../../mesh/releases/index.ts'
import { admin } from '../identity/harness.ts'
import { SeededRandom, SimDisk } from '../../sim/index.ts'
import { expectSeen, VirtualHarbor, type Rogue, type Ship } from '../virtual-harbor.ts'

const key = 'release/light-alarm'
let harbor: VirtualHarbor
let a: Ship
let evil: Rogue

beforeEach(async () => {
  harbor = new VirtualHarbor(31)
  a = await harbor.found('a')
  evil = await harbor.turncoat('evil', a)
})

afterEach(() => harbor.close())

const seqOf = ({ mesh }: Ship): number => mesh.releases.head('light-alarm')?.record.seq ?? 0

/** An admin's word on what `a` holds. */
function beat(counter: number): Uint8Array {
  return signHeartbeat(
    {
      v: 1,
      mesh: harbor.meshId,
      counter,
      at: harbor.clock.now(),
      trust: 1,
      releases: digestOfHeads(a.mesh.releases.heads()),
      everyMs: 600_000,
      critical: [],
    },
    admin,
  )
}

/** What a node looks for that no refusal at the door tells it. */
function watching({ mesh }: Ship): Signs {
  const apps = { status: () => [], onChange: () => () => {} }
  const signs = new Signs({ mesh, apps, clock: harbor.clock })
  signs.start()
  return signs
}

/** Releases 1…count, each following the one before it. */
function line(count: number): Uint8Array[] {
  const all: Uint8Array[] = []
  for (let seq = 1; seq <= count; seq++) {
    const last = all.at(-1)
    const previous = last === undefined ? null : readRelease(last).digest
    all.push(harbor.release({ seq, version: `${seq}.0.0`, previous }))
  }
  return all
}

test('an older release that is announced as the newest one stays the older one', async () => {
  const [one, two] = line(2) as [Uint8Array, Uint8Array]
  const b = await harbor.join('b', a)
  await a.mesh.publish(one)
  await a.mesh.publish(two)
  await harbor.until(() => seqOf(b) === 2)
  await harbor.offer(evil, a, key, [99, 0], one)
  expectSeen(a, 'rollback', 1, evil)
  expect([a, b].map(seqOf)).toEqual([2, 2])
  expect(a.mesh.releases.head('light-alarm')?.digest).toBe(readRelease(two).digest)
})

test('a disk that was set back is known at the first contact with a member that holds newer', async () => {
  const [one, two] = line(2) as [Uint8Array, Uint8Array]
  await a.mesh.publish(one)
  const disk = new SimDisk(new SeededRandom(1))
  const c = await harbor.join('c', a, await disk.folder())
  await harbor.until(() => seqOf(c) === 1)
  harbor.kill(c)
  const [today, backup] = [disk.restart('kept'), disk.restart('kept')]
  harbor.kill(await harbor.boot('c', await today.folder()))
  const later = await harbor.boot('c', await today.restart('kept').folder())
  await harbor.dial(later.transport, a)
  await a.mesh.publish(two)
  await harbor.until(() => seqOf(later) === 2)
  harbor.kill(later)

  // Alone with a liar it cannot be told: what is on the disk is valid, and so is what the liar serves.
  harbor.network.partition([a.mesh.self], [c.mesh.self, evil.transport.self])
  const restored = await harbor.boot('c', await backup.folder())
  const bootBefore = restored.identity.boot
  await harbor.dial(evil.transport, restored)
  await harbor.offer(evil, restored, key, [1, 0], one)
  expect(seqOf(restored)).toBe(1)
  harbor.network.heal()
  await harbor.dial(restored.transport, a)
  expect(await harbor.until(() => seqOf(restored) === 2)).toBeLessThan(500)
  // It has met its own later self, too.
  await harbor.until(() => restored.identity.boot > bootBefore)
  expectSeen(restored, 'rollback', 1)
  await harbor.offer(evil, restored, key, [99, 0], one)
  expectSeen(restored, 'rollback', 'some', evil)
  expect(seqOf(restored)).toBe(2)
})

test('numbers do not go back over a reboot from the node’s own disk', async () => {
  const [one, two] = line(2) as [Uint8Array, Uint8Array]
  const disk = new SimDisk(new SeededRandom(2))
  const c = await harbor.join('c', a, await disk.folder())
  await c.mesh.publish(one)
  await c.mesh.publish(two)
  harbor.kill(c)
  const again = await harbor.boot('c', await disk.restart('lost').folder())
  await harbor.dial(evil.transport, again)
  await harbor.offer(evil, again, key, [99, 0], one)
  expect(seqOf(again)).toBe(2)
  expectSeen(again, 'rollback', 1, evil)
})

test('a node that was long away and meets a liar first is told of what the liar kept from it', async () => {
  const releases = line(5)
  const disk = new SimDisk(new SeededRandom(3))
  const c = await harbor.join('c', a, await disk.folder())
  await a.mesh.publish(releases[0] as Uint8Array)
  await harbor.until(() => seqOf(c) === 1)
  harbor.kill(c)
  for (const bytes of releases.slice(1)) await a.mesh.publish(bytes)
  const heartbeat = beat(1)
  await a.mesh.heartbeats.offer(heartbeat)
  harbor.network.partition([a.mesh.self], [c.mesh.self, evil.transport.self])
  const back = await harbor.boot('c', await disk.restart('lost').folder())
  const signs = watching(back)
  await harbor.dial(evil.transport, back)
  await harbor.offer(evil, back, key, [3, 0], releases[2] as Uint8Array)
  // Newer than what it had, and signed: there is no reason to refuse it, until the heartbeat says where the mesh is.
  expect(seqOf(back)).toBe(3)
  await harbor.offer(
    evil,
    back,
    `heartbeat/${Buffer.from(admin.publicKey).toString('hex')}`,
    [1, 0],
    heartbeat,
  )
  await harbor.clock.run(90_000)
  expect(signs.problems()).toMatchObject([{ code: 'ERR_HEARTBEAT_BEHIND' }])
  expectSeen(back, 'old-but-newer', 1)
  const last = back.mesh.heartbeats.last()?.heartbeat.record
  expect(last?.releases).not.toBe(digestOfHeads(back.mesh.releases.heads()))
  harbor.network.heal()
  await harbor.until(() => seqOf(back) === 5)
  expect(last?.releases).toBe(digestOfHeads(back.mesh.releases.heads()))
  expect(signs.problems()).toEqual([])
  signs.stop()
})

test('a node that is kept from all news sees the age of the last sign, and goes on', async () => {
  const disk = new SimDisk(new SeededRandom(4))
  const c = await harbor.join('c', a, await disk.folder())
  await a.mesh.publish(harbor.release())
  await a.mesh.heartbeats.offer(beat(1))
  await harbor.until(() => c.mesh.heartbeats.last() !== null && seqOf(c) === 1)
  // From now on only the liar is there, who says that all is as it was; the wall clock is not asked.
  await harbor.clock.finish(a.mesh.setNetwork(false), 10_000)
  await harbor.dial(evil.transport, c)
  harbor.clock.shiftWall(-86_400_000)
  const signs = watching(c)
  await harbor.clock.run(3_600_000)
  expect(signs.problems()).toMatchObject([{ code: 'ERR_HEARTBEAT_OVERDUE' }])
  expectSeen(c, 'freeze', 1)
  await harbor.offer(evil, c, key, [1, 0], harbor.release())
  expect(c.mesh.heartbeats.last()?.ageMs).toBeGreaterThan(3_590_000)
  expect(c.mesh.releases.desired().map(({ record }) => record.app)).toEqual(['light-alarm'])
  signs.stop()
  harbor.kill(c)
  // After a boot nobody can tell how long ago it was.
  const again = await harbor.boot('c', await disk.restart('lost').folder())
  expect(again.mesh.heartbeats.last()?.ageMs).toBeNull()
  const after = watching(again)
  expect(after.heartbeat()?.state).toBe('unknown')
  after.stop()
  expect(again.mesh.releases.desired()).toHaveLength(1)
})
