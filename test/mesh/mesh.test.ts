/** The composed mesh: several nodes in one process, talking over loopback. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { digestOf, keyPairFromSeed, systemRandom } from '../../core/index.ts'
import { applyForAdmission, encodeCredential, readApplication } from '../../mesh/identity/credential.ts'
import {
  digestOfHeads,
  publicKeyOf,
  readInvite,
  signHeartbeat,
  signRevocation,
} from '../../mesh/identity/index.ts'
import { signReceipt } from '../../mesh/identity/receipt.ts'
import { readRelease } from '../../mesh/releases/index.ts'
import { HeadExchange } from '../../mesh/heads/head-exchange.ts'
import type { Mesh } from '../../mesh/index.ts'
import { Redialler } from '../../mesh/transport/index.ts'
import { Harbor } from './harbor.ts'
import { until } from './transport/nodes.ts'

let harbor: Harbor
const unhandled: unknown[] = []
const note = (reason: unknown): unknown => unhandled.push(reason)

beforeEach(async () => {
  unhandled.length = 0
  process.on('unhandledRejection', note)
  harbor = await Harbor.open()
})

afterEach(async () => {
  await harbor.close()
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})

const names = (mesh: Mesh): string[] => mesh.members().map(({ name }) => name)
const verdict = (mesh: Mesh, of: Mesh): string | undefined =>
  mesh.members().find(({ id }) => id === of.self)?.opinion.verdict
const head = (mesh: Mesh): string | undefined => mesh.releases.head('light-alarm')?.digest
const allAlive = (meshes: readonly Mesh[]): boolean =>
  meshes.every((mesh) => meshes.every((other) => verdict(mesh, other) === 'alive'))

test('five nodes come to the same members, records and releases, whoever let them in', async () => {
  const first = await harbor.found('n1')
  const meshes = [first]
  for (const name of ['n2', 'n3', 'n4', 'n5']) meshes.push(await harbor.join(name, meshes.at(-1) as Mesh))
  const bytes = await harbor.release()
  await meshes[2]?.publish(bytes)
  await until(
    () => meshes.every((mesh) => names(mesh).join() === 'n1,n2,n3,n4,n5'),
    'five members everywhere',
  )
  await until(() => allAlive(meshes), 'everybody alive everywhere')
  await until(
    () => meshes.every((mesh) => head(mesh) === readRelease(bytes).digest),
    'the release everywhere',
  )
  await until(
    () => meshes.every((mesh) => mesh.members().every(({ held }) => held !== null)),
    'all records everywhere',
  )
  expect(meshes.flatMap((mesh) => mesh.alarms)).toEqual([])
})

test('a node whose network is off misses a release, and has it soon after its network is on', async () => {
  const a = await harbor.found('a')
  const b = await harbor.join('b', a)
  const c = await harbor.join('c', b)
  await until(() => allAlive([a, b, c]))
  const address = c.addresses()[0]
  await c.setNetwork(false)
  expect(c.addresses()).toEqual([])
  expect(verdict(c, c)).toBe('isolated')
  const bytes = await harbor.release()
  await a.publish(bytes)
  await until(() => head(b) !== undefined)
  expect(head(c)).toBeUndefined()
  await until(() => verdict(a, c) === 'left', 'it said so before')
  expect(a.opinion(c.self)?.why).toBe('its network was switched off')
  await c.setNetwork(true)
  expect(c.addresses()[0]).toBe(address)
  await until(() => head(c) === readRelease(bytes).digest)
  await until(() => allAlive([a, b, c]))
})

test('releases with one number from two sides of a cut: the smaller digest stands, and every node knows of both', async () => {
  const a = await harbor.found('a')
  const b = await harbor.join('b', a)
  const c = await harbor.join('c', b)
  await until(() => allAlive([a, b, c]))
  await c.setNetwork(false)
  const [small, large] = (
    await Promise.all(['1.0.0', '1.0.1'].map((version) => harbor.release({ version })))
  ).sort((x, y) => (readRelease(x).digest < readRelease(y).digest ? -1 : 1)) as [Uint8Array, Uint8Array]
  await a.publish(large)
  await c.publish(small)
  await until(() => head(b) === readRelease(large).digest)
  await c.setNetwork(true)
  const meshes = [a, b, c]
  await until(
    () => meshes.every((mesh) => head(mesh) === readRelease(small).digest),
    'the smaller everywhere',
  )
  await until(
    () => meshes.every((mesh) => mesh.alarms.some(({ code }) => code === 'ERR_RELEASE_FORK')),
    'the alarm everywhere',
  )
  for (const mesh of meshes) {
    expect(mesh.alarms.map(({ code }) => code)).toEqual(['ERR_RELEASE_FORK'])
    const forks = mesh.releases.history('light-alarm').filter(({ role }) => role === 'fork')
    expect(forks.map(({ digest }) => digest)).toEqual([readRelease(large).digest])
  }
})

test('an invite redeemed on two sides of a cut: one node stays, the other is cut off, and all agree', async () => {
  const a = await harbor.found('a')
  const b = await harbor.join('b', a)
  await until(() => allAlive([a, b]))
  const token = await harbor.invite(a, { addresses: [...a.addresses(), ...b.addresses()] })
  await b.setNetwork(false)
  const x = await harbor.enter('x', token)
  await a.setNetwork(false)
  await b.setNetwork(true)
  const y = await harbor.enter('y', token)
  const atX = await harbor.run(x)
  const atY = await harbor.run(y)
  await a.setNetwork(true)
  await until(() => names(a).length === 3 && names(a).join() === names(b).join(), 'one of the two at a and b')
  const [stays, falls] = names(a).includes('x') ? [atX, atY] : [atY, atX]
  await until(() => verdict(a, stays) === 'alive' && verdict(b, stays) === 'alive')
  await until(() => [a, b, stays].every((mesh) => verdict(falls, mesh) !== 'alive'), 'the loser is cut off')
  await until(() => [a, b].every((mesh) => mesh.alarms.some(({ code }) => code === 'ERR_INVITE_TWICE')))
  await a.publish(await harbor.release())
  await until(() => head(stays) !== undefined)
  expect(head(falls)).toBeUndefined()
})

test('one node that changes is all that its neighbours publish and learn again', async () => {
  const a = await harbor.found('a')
  const b = await harbor.join('b', a)
  const c = await harbor.join('c', b)
  const numbers = (mesh: Mesh): unknown[] => mesh.members().map(({ held }) => held?.record.report.number)
  const areSame = (): boolean => [b, c].every((mesh) => numbers(mesh).join() === numbers(a).join())
  await until(() => allAlive([a, b, c]) && areSame())
  let before: unknown[]
  do {
    before = numbers(a)
    await new Promise((resolve) => setTimeout(resolve, 300))
    // Each finds out more about itself for a while, the longer the busier the machine.
  } while (numbers(a).join() !== before.join() || !areSame())
  const published = vi.spyOn(HeadExchange.prototype, 'changed')
  const learned = vi.spyOn(Redialler.prototype, 'know')
  b.descriptionChanged()
  await until(() => numbers(a).join() !== before.join() && areSame())
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(new Set(published.mock.calls.map(([{ key }]) => key))).toEqual(new Set([`node/${b.self}`]))
  expect(new Set(learned.mock.calls.map(([peer]) => peer))).toEqual(new Set([b.self]))
  vi.restoreAllMocks()
})

test('a restart without a peer keeps members, records and releases', async () => {
  const a = await harbor.found('a')
  const berth = await harbor.enter('b', await harbor.invite(a))
  const b = await harbor.run(berth)
  await until(() => allAlive([a, b]))
  await a.publish(await harbor.release())
  await until(() => head(b) !== undefined && b.members().every(({ held }) => held !== null))
  await b.stop()
  await a.stop()
  const again = await harbor.run(berth, true)
  expect(names(again)).toEqual(['a', 'b'])
  expect(head(again)).toBe(head(a))
  expect(again.members().find(({ name }) => name === 'a')?.held).not.toBeNull()
})

test('a node that lost its trust says what to do, and starts when that was done', async () => {
  const a = await harbor.found('a')
  const berth = await harbor.enter('b', await harbor.invite(a))
  const trust = await berth.folder.folder('trust')
  const whole = await trust.read('trust-chain.cbor', 1 << 20)
  for (const name of ['trust-chain.cbor', 'trust-chain.copy.cbor']) await trust.write(name, Uint8Array.of(7))
  await expect(harbor.run(berth, true)).rejects.toMatchObject({
    code: 'ERR_TRUST_DAMAGED',
    hint: expect.stringContaining('copy trust/trust-chain.cbor from the data folder of another member'),
  })
  await trust.write('trust-chain.cbor', whole as Uint8Array)
  const b = await harbor.run(berth)
  await until(() => allAlive([a, b]))
  expect(await trust.read('trust-chain.copy.cbor', 1 << 20)).toEqual(whole)
})

test('nodes that all start again at once find each other, though nobody chose their ports', async () => {
  const first = await harbor.found('first')
  const berths = []
  for (const name of ['second', 'third']) berths.push(await harbor.enter(name, await harbor.invite(first)))
  const meshes = [first]
  for (const berth of berths) meshes.push(await harbor.run(berth))
  await until(() => meshes.every((mesh) => mesh.connectedPeers === 2))
  await until(() => meshes.every((mesh) => mesh.members().every(({ held }) => held !== null)))
  for (const mesh of meshes) await mesh.stop()
  // The one that the invites lead to stays away.
  const again = await Promise.all(berths.map((berth) => harbor.run(berth)))
  await until(() => again.every((mesh) => mesh.connectedPeers === 1))
})

test('a network switched to and fro at any moment ends as it was asked for last', async () => {
  const a = await harbor.found('a')
  const b = await harbor.join('b', a)
  await Promise.all([false, true, false, true, true, false].map((on) => b.setNetwork(on)))
  expect(b.isOnline).toBe(false)
  expect(b.addresses()).toEqual([])
  await Promise.all([b.setNetwork(true), b.setNetwork(false), b.setNetwork(true)])
  await until(() => allAlive([a, b]))
})

test('a stopped node stays off, whatever is asked of its network', async () => {
  const a = await harbor.found('a')
  await a.setNetwork(false)
  const asked = a.setNetwork(true)
  const stopped = a.stop()
  const late = a.setNetwork(true)
  await Promise.allSettled([asked, stopped, late])
  await a.setNetwork(true).catch(() => {})
  expect(a.addresses()).toEqual([])
})

test('a connected member that is revoked is disconnected on every node, and nothing of it is left', async () => {
  const a = await harbor.found('a')
  const b = await harbor.join('b', a)
  const thief = await harbor.join('x', a)
  await until(() => allAlive([a, b, thief]))
  const revocation = signRevocation(
    {
      v: 1,
      mesh: harbor.meshId,
      kind: 'node',
      key: publicKeyOf(thief.self),
      nodes: [],
      at: 0,
      reason: 'stolen',
      critical: [],
    },
    [await harbor.keyRing.get(harbor.meshId, 'admin')],
  )
  await a.trust.revocations.offer(revocation)
  await until(() => names(b).join() === 'a,b', 'the other member knows')
  await until(() => verdict(thief, a) !== 'alive' && verdict(thief, b) !== 'alive', 'the thief is alone')
  for (const mesh of [a, b]) {
    expect(names(mesh)).toEqual(['a', 'b'])
    expect(mesh.credentials.isRevoked(thief.self)).toBe(true)
  }
  await until(() => a.connectedPeers === 1 && b.connectedPeers === 1)
})

test('a receipt for a used token turns nobody out, however its digest was chosen', async () => {
  const a = await harbor.found('a')
  const b = await harbor.enter('b', await harbor.invite(a))
  const token = await harbor.invite(a)
  const owner = await harbor.run(await harbor.enter('x', token))
  await until(() => allAlive([a, owner]))
  const invite = readInvite(token)
  const nodeKey = keyPairFromSeed(systemRandom.bytes(32))
  const { certificate } = readApplication(applyForAdmission({ invite, nodeKey, name: 'y' }))
  const { mesh, node, inviteId } = certificate.record
  const signed = (at: number): Uint8Array =>
    signReceipt({ v: 1, mesh, node, inviteId, certificate: certificate.digest, at }, b.identity.key)
  const held = a.credentials.get(owner.self)?.receipt.digest ?? ''
  let at = 0
  while (digestOf(signed(at)) >= held) at++
  const parts = { invite: invite.bytes, certificate: certificate.bytes, receipt: signed(at) }
  await a.credentials.offer(encodeCredential(parts))
  expect(names(a)).toEqual(['a', 'b', 'x'])
  expect(a.alarms).toMatchObject([{ code: 'ERR_INVITE_TWICE' }])
  await until(() => verdict(owner, a) === 'alive', 'the owner is in touch')
})

test('an app goes back to its last release that counts on every node, and who joins later has that one', async () => {
  const a = await harbor.found('a')
  const b = await harbor.join('b', a)
  const [first, second] = [await harbor.release(), await harbor.release({ seq: 2 })]
  for (const bytes of [first, second]) await a.releases.offer(bytes)
  await until(() => head(b) === readRelease(second).digest, 'the second release everywhere')
  const revocation = signRevocation(
    {
      v: 1,
      mesh: harbor.meshId,
      kind: 'release',
      app: 'light-alarm',
      release: readRelease(second).digest,
      effect: 'fall-back',
      at: 0,
      reason: 'burns the lamp',
      critical: [],
    },
    [await harbor.keyRing.get(harbor.meshId, 'admin')],
  )
  await b.trust.revocations.offer(revocation)
  await until(() => head(a) === readRelease(first).digest, 'the first release again')
  const c = await harbor.join('c', a)
  await until(() => head(c) === readRelease(first).digest, 'the newcomer has it')
  expect(c.releases.history('light-alarm').map(({ record }) => record.seq)).toEqual([1])
  const next = await harbor.release({ seq: 2, version: '3.0.0', previous: readRelease(first).digest })
  await c.publish(next)
  await until(() => [a, b, c].every((mesh) => head(mesh) === readRelease(next).digest), 'the next one')
})

test('a heartbeat reaches every node, and each tells its age by its own clock', async () => {
  const a = await harbor.found('a')
  const b = await harbor.join('b', a)
  expect(b.heartbeats.last()).toBeNull()
  const admin = await harbor.keyRing.get(harbor.meshId, 'admin')
  const releases = digestOfHeads(a.releases.heads())
  const record = { v: 1, mesh: harbor.meshId, counter: 1, at: 0, trust: 1, releases, critical: [] } as const
  await a.heartbeats.offer(signHeartbeat(record, admin))
  await until(() => b.heartbeats.last() !== null, 'the heartbeat')
  expect(b.heartbeats.last()?.ageMs).toBeGreaterThanOrEqual(0)
  expect(b.heartbeats.last()?.heartbeat.record.releases).toBe(digestOfHeads(b.releases.heads()))
})
