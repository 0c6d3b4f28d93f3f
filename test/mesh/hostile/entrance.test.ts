/** Ways in that are not one's own: invites used twice, credentials of others, records of others. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { encodeCbor } from '../../../core/index.ts'
import { applyForAdmission, signNodeRecord, verifyNodeRecord } from '../../../mesh/identity/index.ts'
import { keyNamed } from '../identity/harness.ts'
import { expectSeen, headProtocol, VirtualHarbor, type Rogue, type Ship } from '../virtual-harbor.ts'

let harbor: VirtualHarbor
let a: Ship

beforeEach(async () => {
  harbor = new VirtualHarbor(41)
  a = await harbor.found('a')
})

afterEach(() => harbor.close())

const namesOf = ({ mesh }: Ship): string[] => mesh.members().map(({ name }) => name)
const dialling = (from: Rogue, to: Ship): Promise<void> => harbor.dial(from.transport, to)

/** Sends an application for `invite`, as a stranger may. @returns whether an answer came, and not a refusal */
async function apply(from: Rogue, to: Ship, token: ReturnType<VirtualHarbor['invite']>, name: string) {
  const application = applyForAdmission({ invite: token, nodeKey: from.identity.key, name })
  const [address = ''] = to.transport.addresses()
  const { channel } = await harbor.clock.finish(
    from.transport.openBeforeAdmission(address, '/selvedge/join/1', new AbortController().signal),
    10_000,
  )
  await channel.send(application)
  const answer = await harbor.clock.finish(channel.messages[Symbol.asyncIterator]().next(), 30_000)
  return (answer.value as Uint8Array | undefined)?.length ?? 0
}

test('an invite that leaked lets in one node, and the second bearer is told of', async () => {
  const invite = harbor.invite()
  const [first, thief] = [await harbor.rogue('first'), await harbor.rogue('thief')]
  await apply(first, a, invite, 'first')
  await harbor.until(() => namesOf(a).includes('first'))
  await apply(thief, a, invite, 'thief')
  expectSeen(a, 'invite-reuse', 1, thief)
  await apply(thief, a, invite, 'first')
  expectSeen(a, 'invite-reuse', 2, thief)
  expect(namesOf(a)).toEqual(['a', 'first'])
})

test('an invite that is past its time lets nobody in', async () => {
  const invite = harbor.invite({ expiresAt: harbor.clock.now() + 1_000 })
  const late = await harbor.rogue('late')
  await harbor.clock.run(2_000)
  await apply(late, a, invite, 'late')
  expectSeen(a, 'invite-reuse', 1, late)
  expect(namesOf(a)).toEqual(['a'])
})

test('an invite that no admin signed lets nobody in', async () => {
  const forger = await harbor.rogue('forger')
  await apply(forger, a, harbor.invite({ admin: keyNamed('no admin') }), 'forger')
  expectSeen(a, 'before-admission', 1, forger)
  expect(namesOf(a)).toEqual(['a'])
})

test('an invite used on both sides of a cut lets in one node for good, and both sides say which', async () => {
  const b = await harbor.join('b', a)
  await harbor.until(() => namesOf(b).length === 2)
  const invite = harbor.invite()
  harbor.network.partition([a.mesh.self], [b.mesh.self])
  await harbor.clock.run(15_000)
  const [x, y] = [await harbor.rogue('x'), await harbor.rogue('y')]
  await apply(x, a, invite, 'x')
  await apply(y, b, invite, 'y')
  await harbor.until(() => namesOf(a).includes('x') && namesOf(b).includes('y'))
  harbor.network.heal()
  await harbor.dial(a.transport, b)
  await harbor.until(() => [a, b].every(({ mesh }) => mesh.alarms.length > 0))
  await harbor.until(() => namesOf(a).length === 3 && namesOf(a).join() === namesOf(b).join())
  for (const ship of [a, b]) {
    expectSeen(ship, 'invite-reuse', 1)
    expect(ship.mesh.alarms.map(({ code }) => code)).toEqual(['ERR_INVITE_TWICE'])
  }
  const turnedOut = namesOf(a).includes('x') ? y : x
  await expect(dialling(turnedOut, a)).rejects.toMatchObject({ code: 'ERR_ADMISSION_REFUSED' })
})

test('a credential admits nobody but the node it was made for, and into no other mesh', async () => {
  const b = await harbor.join('b', a)
  const stolen = a.mesh.credentials.chainFor(b.mesh.self) ?? []
  const thief = await harbor.rogue('thief', { chain: stolen })
  await expect(dialling(thief, a)).rejects.toMatchObject({ code: 'ERR_ADMISSION_REFUSED' })
  const elsewhere = new VirtualHarbor(42, { trust: { name: 'elsewhere' } })
  const other = await elsewhere.found('other')
  const chain = other.mesh.credentials.chainFor(other.mesh.self) ?? []
  for (const mesh of [harbor.meshId, elsewhere.meshId]) {
    const guest = await harbor.rogue(`guest ${mesh}`, { chain, mesh })
    await expect(dialling(guest, a)).rejects.toMatchObject({ code: 'ERR_ADMISSION_REFUSED' })
  }
  expect(a.mesh.counters.counts.refusedByUs).toMatchObject({
    ERR_ADMISSION_STRANGER: 1,
    ERR_CREDENTIAL_STRANGER: 1,
    ERR_ADMISSION_MESH: 1,
  })
  expectSeen(a, 'before-admission', 'some')
  await elsewhere.close()
})

test('a stranger gets nothing from the protocols of members, and is told of for asking', async () => {
  const stranger = await harbor.rogue('stranger')
  const [address = ''] = a.transport.addresses()
  const signal = new AbortController().signal
  const protocols = [headProtocol, '/selvedge/blobs/2', '/selvedge/membership/1']
  for (const protocol of protocols) {
    const opening = stranger.transport.openBeforeAdmission(address, protocol, signal)
    await expect(harbor.clock.finish(opening, 10_000)).rejects.toMatchObject({ code: 'ERR_CHANNEL_CLOSED' })
  }
  expectSeen(a, 'before-admission', protocols.length, stranger)
})

test('a node’s record counts from that node only, on this mesh only, and with its own number', async () => {
  const b = await harbor.join('b', a)
  const evil = await harbor.turncoat('evil', a)
  const heldOf = (of: Ship) => a.mesh.members().find(({ id }) => id === of.mesh.self)?.held?.record
  await harbor.until(() => heldOf(b) !== undefined)
  const { bytes, report, digest } = heldOf(b) as NonNullable<ReturnType<typeof heldOf>>
  const lie = { ...report, boot: report.boot + 9, addresses: ['/ip4/127.0.0.1/tcp/1'] }
  const altered = bytes.slice()
  altered[altered.length - 1] = (altered.at(-1) as number) ^ 1
  const forged = [
    // By another's key, in its name.
    signNodeRecord(evil.identity.key, lie),
    altered,
  ]
  for (const [at, record] of forged.entries()) {
    await harbor.offer(evil, a, `node/${b.mesh.self}`, [report.boot + 10 + at, 0], record)
  }
  expectSeen(a, 'forged-node-record', forged.length, evil)
  const elsewhere = signNodeRecord(b.identity.key, { ...lie, mesh: 'ab'.repeat(32) })
  await harbor.offer(evil, a, `node/${b.mesh.self}`, [report.boot + 20, 0], elsewhere)
  expect(heldOf(b)?.digest === digest || heldOf(b)?.report.boot === report.boot).toBe(true)
  expect(() => verifyNodeRecord(elsewhere, { mesh: harbor.meshId })).toThrow()
})

test('an application that is no application is refused, and the next one is heard', async () => {
  const rogue = await harbor.rogue('rogue')
  const [address = ''] = a.transport.addresses()
  for (const frame of [new Uint8Array(), new Uint8Array(5_000).fill(0x81), encodeCbor({ v: 1 })]) {
    const { channel } = await harbor.clock.finish(
      rogue.transport.openBeforeAdmission(address, '/selvedge/join/1', new AbortController().signal),
      10_000,
    )
    await channel.send(frame)
    await harbor.clock.run(1_000)
  }
  expectSeen(a, 'before-admission', 3, rogue)
  await harbor.join('b', a)
  expect(namesOf(a)).toEqual(['a', 'b'])
})
