/** A mesh in memory: its people's keys, a trust store, books and desks for as many nodes as a test needs. */
import { createHash } from 'node:crypto'
import {
  keyPairFromSeed,
  memoryFolder,
  type Clock,
  type DurableFolder,
  type KeyPair,
  type Random,
} from '../../../core/index.ts'
import {
  AdmissionDesk,
  applyForAdmission,
  foundingCredential,
  issueInvite,
  nodeIdOf,
  openCredentialBook,
  openTrustStore,
  readInvite,
  readTrust,
  signTrust,
  type Alarm,
  type CredentialBook,
  type Invite,
  type TrustRecord,
  type TrustStore,
} from '../../../mesh/identity/index.ts'

export const startOfTime = Date.UTC(2026, 0, 1)

/** Random bytes that follow from a name, so that a failing test fails again. */
export function seededRandom(name: string): Random {
  let count = 0
  return {
    bytes(length) {
      const hash = createHash('shake256', { outputLength: length })
      return new Uint8Array(hash.update(`${name}/${count++}`).digest())
    },
    fraction: () => 0.5,
  }
}

export function keyNamed(name: string): KeyPair {
  return keyPairFromSeed(seededRandom(name).bytes(32))
}

/** A wall clock that the test sets. */
export function handClock(): Clock & { time: number } {
  return {
    time: startOfTime,
    now() {
      return this.time
    },
    monotonicMs() {
      return this.time
    },
    after: () => () => {},
  }
}

export const root = keyNamed('root')
export const admin = keyNamed('admin')
export const publisher = keyNamed('publisher')

/** Version 1 of a bundle; a test changes what it is about. */
export function trustRecord(changes: Partial<TrustRecord> = {}): TrustRecord {
  return {
    v: 1,
    mesh: null,
    name: 'harbor',
    version: 1,
    threshold: 1,
    roots: [root.publicKey],
    admins: [admin.publicKey],
    publishers: [{ key: publisher.publicKey, apps: ['light-*', 'uplink'], grants: ['sensor:*', 'pin:led'] }],
    createdAt: startOfTime,
    critical: [],
    ...changes,
  }
}

export interface TestMesh {
  readonly meshId: string
  readonly first: Uint8Array
  readonly trust: TrustStore
  readonly alarms: Alarm[]
  readonly clock: ReturnType<typeof handClock>
}

export async function testMesh(record = trustRecord(), keys = [root]): Promise<TestMesh> {
  const first = signTrust(record, keys)
  const meshId = readTrust(first).digest
  const alarms: Alarm[] = []
  const trust = await openTrustStore({
    meshId,
    folder: memoryFolder(),
    onAlarm: (alarm) => alarms.push(alarm),
  })
  await trust.offer(first)
  return { meshId, first, trust, alarms, clock: handClock() }
}

const inviteRandom = seededRandom('invites')

export function inviteTo(mesh: TestMesh, changes: Partial<Parameters<typeof issueInvite>[0]> = {}): Invite {
  const { token } = issueInvite({
    admin,
    mesh: mesh.meshId,
    roots: [root.publicKey],
    addresses: ['/ip4/127.0.0.1/tcp/4001'],
    groups: ['lobby', 'garage'],
    roles: ['member'],
    expiresAt: startOfTime + 3_600_000,
    random: inviteRandom,
    ...changes,
  })
  return readInvite(token)
}

/** A node with its own book and desk. */
export interface TestNode {
  readonly name: string
  readonly key: KeyPair
  readonly id: string
  readonly book: CredentialBook
  readonly alarms: Alarm[]
  readonly desk: AdmissionDesk
  readonly bookFolder: DurableFolder
  readonly deskFolder: DurableFolder
}

export async function testNode(mesh: TestMesh, name: string): Promise<TestNode> {
  const key = keyNamed(`node ${name}`)
  const alarms: Alarm[] = []
  const bookFolder = memoryFolder()
  const deskFolder = memoryFolder()
  const { trust, clock } = mesh
  const book = await openCredentialBook({ trust, folder: bookFolder, onAlarm: (alarm) => alarms.push(alarm) })
  const desk = new AdmissionDesk({ trust, book, folder: deskFolder, nodeKey: key, clock })
  return { name, key, id: nodeIdOf(key.publicKey), book, alarms, desk, bookFolder, deskFolder }
}

/** The node that founded the mesh. */
export async function foundingNode(
  mesh: TestMesh,
  name = 'founder',
): Promise<TestNode & { credential: Uint8Array }> {
  const node = await testNode(mesh, name)
  const credential = foundingCredential({
    admin,
    mesh: mesh.meshId,
    roots: [root.publicKey],
    nodeKey: node.key,
    name,
    groups: ['lobby'],
    roles: ['member'],
    clock: mesh.clock,
    random: seededRandom(`founding ${name}`),
  })
  await node.book.offer(credential)
  return { ...node, credential }
}

/** What a newcomer called `name` sends for this invite. */
export function application(invite: Invite, name: string): { bytes: Uint8Array; id: string } {
  const key = keyNamed(`node ${name}`)
  return { bytes: applyForAdmission({ invite, nodeKey: key, name }), id: nodeIdOf(key.publicKey) }
}

/** Lets `name` in at `member`, and tells the member's book. */
export async function admit(member: TestNode, invite: Invite, name: string): Promise<Uint8Array> {
  const { bytes, id } = application(invite, name)
  const { credential } = await member.desk.redeem(bytes, id)
  await member.book.offer(credential)
  return credential
}
