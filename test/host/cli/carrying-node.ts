/** A node of the test mesh behind a control socket: real stores in memory, no network, no engine. */
import { join } from 'node:path'
import { memoryFolder, silentLog, systemClock } from '../../../core/index.ts'
import {
  acquireDataLock,
  ControlServer,
  type NodeCarriage,
  type ReleaseEntry,
  type StatusReport,
} from '../../../host/api/index.ts'
import { nodeCarriage } from '../../../host/node/carriage.ts'
import { releaseEntry } from '../../../host/node/report.ts'
import { Carriage } from '../../../mesh/carriage/index.ts'
import {
  componentRef,
  openBlobStore,
  signRelease,
  type BlobStore,
  type ReleaseRecord,
} from '../../../mesh/index.ts'
import { FakeNode } from '../api/fake-node.ts'
import { sampleStatus } from '../api/sample-status.ts'
import { publisher, testMesh, testNode, type TestMesh, type TestNode } from '../../mesh/identity/harness.ts'
import { openLog, releaseRecord, type TestLog } from '../../mesh/releases/harness.ts'

export interface CarryingNode {
  readonly data: string
  readonly mesh: TestMesh
  readonly member: TestNode
  readonly releases: TestLog
  readonly blobs: BlobStore
  /** Signs and takes a release, with its component where `keep` does not say otherwise. */
  publish(
    component: Uint8Array,
    changes?: Partial<ReleaseRecord>,
    options?: { readonly keep?: boolean },
  ): Promise<Uint8Array>
  stop(): Promise<void>
}

class Node extends FakeNode {
  override readonly carriage: NodeCarriage
  readonly #mesh: TestMesh
  readonly #log: TestLog['log']

  constructor(mesh: TestMesh, member: TestNode, { log, alarms }: TestLog, blobs: BlobStore) {
    super()
    this.#mesh = mesh
    this.#log = log
    const takers = { trust: mesh.trust, credentials: member.book, releases: log }
    const carriage = new Carriage({ ...takers, clock: mesh.clock, witness: null })
    this.carriage = nodeCarriage({ mesh: { ...takers, blobs, carriage, alarms }, log: silentLog })
  }

  override async status(): Promise<StatusReport> {
    return { ...sampleStatus, mesh: { id: this.#mesh.meshId, name: 'harbor', trustVersion: 1 } }
  }

  override async releases(app: string | null): Promise<readonly ReleaseEntry[]> {
    const apps = app === null ? this.#log.heads().map(({ record }) => record.app) : [app]
    return apps.flatMap((name) => this.#log.history(name)).map((entry) => releaseEntry(entry))
  }
}

/** @param folder a folder of its own, for its socket. `record` is for a mesh of other people */
export async function carryingNode(
  folder: string,
  record?: Parameters<typeof testMesh>[0],
): Promise<CarryingNode> {
  const mesh = await testMesh(record)
  const member = await testNode(mesh, 'carrier')
  const releases = await openLog(mesh.trust)
  const blobs = await openBlobStore(memoryFolder())
  const data = join(folder, 'data')
  const lock = await acquireDataLock(data)
  const node = new Node(mesh, member, releases, blobs)
  const server = new ControlServer({ node, lock, clock: systemClock, log: silentLog })
  await server.start()
  return {
    data,
    mesh,
    member,
    releases,
    blobs,
    async publish(component, changes = {}, { keep = true } = {}) {
      const ref = keep ? await blobs.putComponent(component) : componentRef(component).ref
      const signed = signRelease(publisher, releaseRecord(mesh.meshId, { component: ref, ...changes }))
      await releases.log.offer(signed)
      return signed
    },
    async stop() {
      await server.stop()
      await lock.release()
    },
  }
}
