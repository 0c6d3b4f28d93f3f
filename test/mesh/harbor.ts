/** Whole meshes in one process: real transports over loopback, disks in memory, keys in a temporary folder. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  encodeCbor,
  memoryFolder,
  systemClock,
  systemRandom,
  type Digest,
  type DurableFolder,
} from '../../core/index.ts'
import { foundMesh, joinMesh, openMesh, type Mesh, type MeshOptions } from '../../mesh/index.ts'
import {
  issueInvite,
  openKeyRing,
  openNodeIdentity,
  type KeyRing,
  type NodeIdentity,
} from '../../mesh/identity/index.ts'
import { signRelease, type ReleaseRecord } from '../../mesh/releases/index.ts'
import { createTransport, type Transport } from '../../mesh/transport/index.ts'
import { releaseRecord } from './releases/harness.ts'
import { openGate, soon, testLog } from './transport/nodes.ts'

/** A node that has joined; `mesh` is what runs, the rest outlives it. */
export interface Berth {
  readonly name: string
  readonly folder: DurableFolder
  readonly identity: NodeIdentity
}

export class Harbor {
  readonly #stops: (() => Promise<unknown> | unknown)[] = []
  readonly keyRing: KeyRing
  meshId: Digest = ''

  private constructor(keys: string) {
    this.keyRing = openKeyRing(keys)
    this.#stops.push(() => rm(keys, { recursive: true, force: true }))
  }

  static async open(): Promise<Harbor> {
    return new Harbor(await mkdtemp(join(tmpdir(), 'selvedge-harbor-')))
  }

  /** Makes the mesh and starts its first node. */
  async found(name: string): Promise<Mesh> {
    const berth = await newBerth(name)
    this.meshId = await foundMesh({
      ...berth,
      ...seams,
      meshName: 'harbor',
      groups: ['lobby'],
      keyRing: this.keyRing,
    })
    return this.run(berth)
  }

  async invite(
    at: { addresses(): readonly string[] },
    changes: { addresses?: string[] } = {},
  ): Promise<string> {
    const { token } = issueInvite({
      admin: await this.keyRing.get(this.meshId, 'admin'),
      random: systemRandom,
      mesh: this.meshId,
      roots: [],
      addresses: changes.addresses ?? [...at.addresses()],
      groups: ['lobby', 'garage'],
      roles: [],
      expiresAt: Date.now() + 60_000,
    })
    return token
  }

  /** Redeems a token for a node that does not run yet. */
  async enter(name: string, token: string): Promise<Berth> {
    const berth = await newBerth(name)
    await joinMesh({
      ...berth,
      ...seams,
      token,
      groups: [],
      log: testLog(),
      signal: soon(),
    })
    return berth
  }

  async join(name: string, at: Mesh, changes: Partial<MeshOptions> = {}): Promise<Mesh> {
    return this.run(await this.enter(name, await this.invite(at)), false, changes)
  }

  /** Starts a node that has joined; again for a restart. */
  async run(berth: Berth, offline = false, changes: Partial<MeshOptions> = {}): Promise<Mesh> {
    const mesh = await openMesh({
      ...berth,
      ...seams,
      listen: ['127.0.0.1:0'],
      announce: [],
      mdns: false,
      offline,
      log: testLog(),
      describe: () => description,
      ...changes,
    })
    this.#stops.push(() => mesh.stop())
    await mesh.start()
    return mesh
  }

  async release(changes: Partial<ReleaseRecord> = {}): Promise<Uint8Array> {
    return signRelease(await this.keyRing.get(this.meshId, 'publisher'), releaseRecord(this.meshId, changes))
  }

  /** A transport that does not run our code above it: a member's where a berth is given, else a stranger's. */
  async rogue(
    options: { seed?: Uint8Array; chain?: readonly Uint8Array[]; mesh?: Digest } = {},
  ): Promise<Transport> {
    const greeting = encodeCbor({ v: 1, mesh: options.mesh ?? this.meshId, chain: options.chain ?? [] })
    const transport = createTransport({
      ...seams,
      privateKeySeed: options.seed ?? systemRandom.bytes(32),
      listen: ['127.0.0.1:0'],
      gate: { ...openGate, greet: async () => greeting },
      log: testLog(),
    })
    this.#stops.push(() => transport.stop?.())
    await transport.start?.()
    return transport
  }

  /** A member that joined properly and then runs no code of ours; connected to `at`. */
  async turncoat(name: string, at: Mesh): Promise<{ transport: Transport; berth: Berth }> {
    const berth = await this.enter(name, await this.invite(at))
    const chain = at.credentials.chainFor(berth.identity.nodeId) ?? []
    const transport = await this.rogue({ seed: berth.identity.seed, chain })
    await transport.dial(at.addresses(), soon())
    return { transport, berth }
  }

  async close(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop()
  }
}

const seams = { clock: systemClock, random: systemRandom }

const description = {
  arch: 'x64',
  platform: 'linux',
  runtime: 'node',
  version: '0.0.0',
  features: [],
  devices: [],
  apps: [],
}

async function newBerth(name: string): Promise<Berth> {
  const folder = memoryFolder()
  return { name, folder, identity: await openNodeIdentity(await folder.folder('identity'), systemRandom) }
}
