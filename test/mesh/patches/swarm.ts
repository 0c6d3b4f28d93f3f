/** Nodes in virtual time that exchange chunks and patches, and peers that misuse the protocol. */
import {
  createLog,
  memoryFolder,
  silentLog,
  systemClock,
  type Digest,
  type DurableFolder,
} from '../../../core/index.ts'
import {
  componentRef,
  createBlobExchange,
  openBlobStore,
  type BlobExchange,
  type BlobStore,
} from '../../../mesh/blobs/index.ts'
import { ComponentSource, type ObtainProgress } from '../../../mesh/component-source.ts'
import {
  createPatchExchange,
  openPatchStore,
  type PatchCodec,
  type PatchExchange,
  type PatchStore,
} from '../../../mesh/patches/index.ts'
import {
  decodeRequest,
  encodeMessage,
  patchesProtocol,
  type PatchAnswer,
  type PatchRequest,
} from '../../../mesh/patches/messages.ts'
import type { HeldRelease, HistoryEntry, ReleaseRecord } from '../../../mesh/releases/index.ts'
import type { Channel } from '../../../mesh/transport/index.ts'
import {
  SeededRandom,
  SimNetwork,
  VirtualClock,
  type SimNetworkOptions,
  type SimTransport,
} from '../../sim/index.ts'
import { releaseRecord } from '../releases/harness.ts'
import { directCodec, newer, older } from './samples.ts'

export const olderRef = componentRef(older).ref
export const newerRef = componentRef(newer).ref

const mesh = 'a'.repeat(64)
const olderRelease = 'b'.repeat(64)

/** The release that everybody has, and the one that follows it. */
export const olderRecord: ReleaseRecord = releaseRecord(mesh, { app: 'app', seq: 1, component: olderRef })
export const newerRecord: ReleaseRecord = releaseRecord(mesh, {
  app: 'app',
  seq: 2,
  component: newerRef,
  previous: olderRelease,
})

/** Stands in for the release log: nodes of these tests know both releases. */
const releases = {
  history: () => [
    { record: newerRecord, role: 'head' } as HistoryEntry,
    { record: olderRecord, role: 'past' } as HistoryEntry,
  ],
  get: (digest: Digest) => (digest === olderRelease ? ({ record: olderRecord } as HeldRelease) : null),
}

export interface NodeOptions {
  readonly has?: readonly Uint8Array[]
  /** A daemon of before, which exchanges chunks only. */
  readonly knowsPatches?: boolean
  readonly codec?: PatchCodec
  readonly folder?: DurableFolder
}

export interface SwarmNode {
  readonly name: string
  readonly transport: SimTransport
  readonly blobs: BlobStore
  readonly exchange: BlobExchange
  readonly patches: PatchExchange
  readonly patchStore: PatchStore
  readonly source: ComponentSource
  /** `bad-patch of x`, in order. */
  readonly reports: string[]
}

export interface Obtained {
  bytes: Uint8Array | null
  error: unknown
  isDone: boolean
  progress: ObtainProgress[]
}

const lines = { uplink: 2_500_000, downlink: 2_500_000 }

export class Swarm {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly network: SimNetwork

  constructor(seed = 1, options: SimNetworkOptions = { wire: { minLatencyMs: 10, maxLatencyMs: 10 } }) {
    this.random = new SeededRandom(seed)
    this.network = new SimNetwork(this.clock, this.random, options)
  }

  async node(name: string, options: NodeOptions = {}): Promise<SwarmNode> {
    const { has = [older], knowsPatches = true, codec = directCodec, folder = memoryFolder() } = options
    const { clock, random } = this
    const log =
      process.env['TEST_LOG'] === undefined
        ? silentLog
        : createLog((entry) => console.error(name, JSON.stringify(entry)), systemClock, 'debug')
    const transport = this.network.transport(name, lines)
    transport.start()
    const blobs = await openBlobStore(await folder.folder('blobs'), { clock })
    for (const bytes of has) await blobs.putComponent(bytes)
    const exchange = createBlobExchange({ transport, store: blobs, clock, random, log })
    await exchange.start?.()
    const patchStore = await openPatchStore(await folder.folder('patches'), log)
    const reports: string[] = []
    const patches = createPatchExchange({
      transport,
      store: patchStore,
      blobs,
      releases,
      codec,
      clock,
      log,
      report: (attack, peer) => void reports.push(`${attack} of ${peer}`),
    })
    if (knowsPatches) await patches.start?.()
    const source = new ComponentSource({ blobs, exchange, patches, releases, log })
    return { name, transport, blobs, exchange, patches, patchStore, source, reports }
  }

  /** A publisher that has made its patch. */
  async publisher(name: string): Promise<SwarmNode> {
    const node = await this.node(name, { has: [older, newer] })
    await this.clock.finish(node.source.prepareFor(newerRecord), 1_000)
    return node
  }

  connectAll(nodes: readonly { readonly transport: SimTransport }[]): void {
    for (const [at, a] of nodes.entries()) {
      for (const b of nodes.slice(at + 1)) this.network.connect(a.transport.self, b.transport.self)
    }
  }

  /** Starts to get the newer release. */
  obtain({ source }: SwarmNode, signal = new AbortController().signal): Obtained {
    const result: Obtained = { bytes: null, error: null, isDone: false, progress: [] }
    source
      .obtain(newerRecord, { signal, onProgress: (progress) => void result.progress.push(progress) })
      .then((bytes) => (result.bytes = bytes))
      .catch((error: unknown) => (result.error = error))
      .finally(() => (result.isDone = true))
      .catch(() => {})
    return result
  }

  /** A peer that answers questions about patches as the test says, and has no chunks. */
  rogue(name: string, answer: (request: PatchRequest, say: Say) => void): { transport: SimTransport } {
    const transport = this.network.transport(name, lines)
    transport.start()
    transport.handle(patchesProtocol, (_peer, channel) => void answerAll(channel, answer), {
      maxFrameBytes: 1024 * 1024,
    })
    return { transport }
  }
}

export type Say = (answer: PatchAnswer | Uint8Array) => void

async function answerAll(channel: Channel, answer: (request: PatchRequest, say: Say) => void): Promise<void> {
  const say: Say = (message) =>
    void channel.send(message instanceof Uint8Array ? message : encodeMessage(message)).catch(() => {})
  try {
    for await (const frame of channel.messages) {
      const request = decodeRequest(frame)
      if (request !== null) answer(request, say)
    }
  } catch {
    // It was cut off: that is for the test to see on the other side.
  }
}
