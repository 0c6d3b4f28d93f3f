/**
 * Whole meshes in virtual time: the nodes' own code over the simulator's network, disks in memory. Nothing here takes
 * real time or depends on a machine's load, so that a flood is a flood and a deadline a deadline on every run.
 */
import { expect } from 'vitest'
import { encodeCbor, memoryFolder, type DurableFolder, type KeyPair, type Random } from '../../core/index.ts'
import type { AttackName } from '../../mesh/attacks.ts'
import { openMesh, type Mesh } from '../../mesh/index.ts'
import {
  AdmissionDesk,
  applyForAdmission,
  foundingCredential,
  issueInvite,
  openNodeIdentity,
  openTrustStore,
  readInvite,
  readTrust,
  signTrust,
  type Invite,
  type NodeIdentity,
  type TrustRecord,
} from '../../mesh/identity/index.ts'
import { signRelease, type ReleaseRecord } from '../../mesh/releases/index.ts'
import type { AdmissionGate, Channel } from '../../mesh/transport/index.ts'
import {
  SeededRandom,
  SimNetwork,
  VirtualClock,
  type SimNetworkOptions,
  type SimTransport,
} from '../sim/index.ts'
import { admin, publisher, root, seededRandom, trustRecord } from './identity/harness.ts'
import { directCodec } from './patches/samples.ts'
import { releaseRecord } from './releases/harness.ts'
import { testLog } from './transport/nodes.ts'

/** What of a node outlives its process. */
export interface Mooring {
  readonly name: string
  readonly folder: DurableFolder
  readonly identity: NodeIdentity
}

/** A virtual uplink and downlink of 10 MB/s, so that time passes while bytes do. */
const lines = { uplink: 10_000_000, downlink: 10_000_000 }
const openSignal = (): AbortSignal => new AbortController().signal

/** A node whose mesh runs; `transport` is what it stands on. */
export interface Ship extends Mooring {
  readonly mesh: Mesh
  readonly transport: SimTransport
}

/** A member, or a stranger, that runs no code of ours above its transport. */
export interface Rogue {
  readonly transport: SimTransport
  readonly identity: NodeIdentity
}

export class VirtualHarbor {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly network: SimNetwork
  readonly #ships: Ship[] = []
  readonly #killed = new Set<Ship>()
  readonly first: Uint8Array
  readonly meshId: string

  #boots = 0

  /** @param roots sign the first bundle, which says what `trust` changes */
  constructor(
    seed: number,
    {
      trust = {},
      roots = [root],
      ...options
    }: SimNetworkOptions & { trust?: Partial<TrustRecord>; roots?: KeyPair[] } = {},
  ) {
    this.random = new SeededRandom(seed)
    this.network = new SimNetwork(this.clock, this.random, options)
    this.first = signTrust(trustRecord(trust), roots)
    this.meshId = readTrust(this.first).digest
  }

  /** Starts the mesh's first node. */
  async found(name: string, folder: DurableFolder = memoryFolder()): Promise<Ship> {
    const mooring = await this.#moor(name, folder)
    const credential = foundingCredential({
      admin,
      mesh: this.meshId,
      roots: [root.publicKey],
      nodeKey: mooring.identity.key,
      name,
      groups: ['lobby'],
      roles: [],
      clock: this.clock,
      random: this.random,
    })
    await mooring.identity.join(this.meshId, credential)
    return this.run(mooring)
  }

  invite(changes: Partial<Parameters<typeof issueInvite>[0]> = {}): Invite {
    const { token } = issueInvite({
      admin,
      mesh: this.meshId,
      roots: [root.publicKey],
      addresses: ['/ip4/127.0.0.1/tcp/4001'],
      groups: ['lobby', 'garage'],
      roles: [],
      expiresAt: this.clock.now() + 3_600_000,
      random: this.random,
      ...changes,
    })
    return readInvite(token)
  }

  /** A node that `at` has let in, and that does not run yet. */
  async enter(name: string, at: Ship, folder: DurableFolder = memoryFolder()): Promise<Mooring> {
    const mooring = await this.#moor(name, folder)
    const { nodeId, key } = mooring.identity
    const desk = await this.deskOf(at)
    const application = applyForAdmission({ invite: this.invite(), nodeKey: key, name })
    const { credential } = await desk.redeem(application, nodeId)
    await at.mesh.credentials.offer(credential)
    await mooring.identity.join(this.meshId, credential)
    // What it rests on comes with the welcome.
    const book = await folder.folder('members')
    for (const bytes of at.mesh.credentials.chainFor(at.mesh.self) ?? []) {
      await book.write(`${at.mesh.self}.cbor`, bytes)
    }
    return mooring
  }

  /** Where this node lets others in; it keeps the uses where the node's own desk does. */
  async deskOf({ mesh, folder, identity }: Ship): Promise<AdmissionDesk> {
    return new AdmissionDesk({
      trust: mesh.trust,
      book: mesh.credentials,
      folder: await folder.folder('invites'),
      nodeKey: identity.key,
      clock: this.clock,
    })
  }

  /** Starts a node that has joined; again for a restart. */
  async run(mooring: Mooring): Promise<Ship> {
    let transport: SimTransport | null = null
    const mesh = await openMesh({
      ...mooring,
      clock: this.clock,
      random: this.random,
      listen: [],
      announce: [],
      mdns: false,
      offline: false,
      log: testLog(),
      describe: () => description,
      patchCodec: directCodec,
      createTransport: ({ gate, traffic }) => {
        transport = this.network.transport(mooring.identity.nodeId, { gate, traffic, ...lines })
        return transport
      },
    })
    if (transport === null) throw new Error('the mesh made no transport')
    const ship: Ship = { ...mooring, mesh, transport }
    this.#ships.push(ship)
    await this.clock.finish(mesh.start(), 10_000)
    return ship
  }

  /** Starts what is on a disk, as a machine does that was switched on. */
  async boot(name: string, folder: DurableFolder): Promise<Ship> {
    return this.run({ name, folder, identity: await this.#identityOf(name, folder) })
  }

  async join(name: string, at: Ship, folder: DurableFolder = memoryFolder()): Promise<Ship> {
    const ship = await this.run(await this.enter(name, at, folder))
    await this.dial(ship.transport, at)
    return ship
  }

  /** The end of its process, without a word. */
  kill(ship: Ship): void {
    ship.transport.kill()
    this.#killed.add(ship)
  }

  async dial(from: SimTransport, to: Ship): Promise<void> {
    await this.clock.finish(from.dial(to.transport.addresses(), openSignal()), 30_000)
  }

  /** A peer with a key of its own and whatever credential it shows; not connected. */
  async rogue(
    name: string,
    shows: { identity?: NodeIdentity; chain?: readonly Uint8Array[]; mesh?: string } = {},
  ): Promise<Rogue> {
    const identity = shows.identity ?? (await this.#identityOf(name, memoryFolder()))
    const greeting = encodeCbor({ v: 1, mesh: shows.mesh ?? this.meshId, chain: shows.chain ?? [] })
    const gate: AdmissionGate = { greet: async () => greeting, check: async () => {} }
    const transport = this.network.transport(identity.nodeId, { gate, ...lines })
    transport.start()
    return { transport, identity }
  }

  /** A member that joined properly and then runs no code of ours; connected to `at`. */
  async turncoat(name: string, at: Ship): Promise<Rogue> {
    return this.turn(await this.enter(name, at), at)
  }

  /** As {@link turncoat}, for a node that has joined. */
  async turn({ name, identity }: Mooring, at: Ship): Promise<Rogue> {
    const rogue = await this.rogue(name, {
      identity,
      chain: at.mesh.credentials.chainFor(identity.nodeId) ?? [],
    })
    await this.dial(rogue.transport, at)
    return rogue
  }

  /** A channel from a rogue; what comes on it is read and thrown away. */
  async channel(from: Rogue, to: Ship, protocol: string): Promise<Channel> {
    const channel = await this.clock.finish(from.transport.open(to.mesh.self, protocol, openSignal()), 30_000)
    const read = async (): Promise<void> => {
      for await (const _ of channel.messages) void _
    }
    read().catch(() => {})
    return channel
  }

  /** Announces a head and sends it unasked as well as when asked, as one who wants to be rid of it. */
  async offer(
    from: Rogue,
    to: Ship,
    key: string,
    order: readonly [number, number],
    bytes: Uint8Array,
  ): Promise<void> {
    const channel = await this.channel(from, to, headProtocol)
    await channel.send(encodeCbor({ t: 'have', ids: [[key, ...order, new Uint8Array(32).fill(0xab)]] }))
    await this.clock.run(50)
    await channel.send(encodeCbor({ t: 'heads', heads: [[key, bytes]] })).catch(() => {})
    await this.clock.run(50)
  }

  release(changes: Partial<ReleaseRecord> = {}, key = publisher): Uint8Array {
    return signRelease(key, releaseRecord(this.meshId, changes))
  }

  until(isTrue: () => boolean, limitMs = 30_000): Promise<number> {
    return this.clock.runUntil(isTrue, limitMs)
  }

  async close(): Promise<void> {
    for (const ship of this.#ships) {
      // Of a process that is gone only the timers are left; its disk may be off.
      const ended = this.#killed.has(ship) ? ship.mesh.stop().catch(() => {}) : ship.mesh.stop()
      await this.clock.finish(ended, 60_000)
    }
  }

  async #moor(name: string, folder: DurableFolder): Promise<Mooring> {
    const identity = await this.#identityOf(name, folder)
    const trust = await openTrustStore({
      meshId: this.meshId,
      folder: await folder.folder('trust'),
      onAlarm: () => {},
    })
    await trust.offer(this.first)
    return { name, folder, identity }
  }

  async #identityOf(name: string, folder: DurableFolder): Promise<NodeIdentity> {
    const random: Random = seededRandom(`${this.random.seed} ${name} ${this.#boots++}`)
    return openNodeIdentity(await folder.folder('identity'), random)
  }
}

/** Fails unless this node saw the sign of an attack so often, of this peer where one is given. */
export function expectSeen(
  { mesh: { attacks } }: Ship,
  attack: AttackName,
  times: number | 'some',
  of?: Rogue,
): void {
  const sightings = attacks.sightings().filter((seen) => seen.attack === attack)
  const own = sightings.filter(({ peer }) => of === undefined || peer === of.transport.self)
  const count = own.reduce((sum, seen) => sum + seen.count, 0)
  if (times === 'some') expect(count, attack).toBeGreaterThan(0)
  else expect(count, attack).toBe(times)
}

export const headProtocol = '/selvedge/heads/2'

const description = {
  arch: 'x64',
  platform: 'linux',
  runtime: 'node',
  version: '0.0.0',
  features: [],
  devices: [],
  apps: [],
}
