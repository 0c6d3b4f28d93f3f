/**
 * A component among peers of whom one lies, one is slow and one dies, on wires that delay and break, with disks that fail
 * and fill: the daemon's own exchanges and stores, in virtual time. Who is connected to whom, how large the component is, and what everybody's line
 * takes, follows from the seed.
 */
import { digestOf, silentLog, type Digest } from '../../core/index.ts'
import { componentRef, createBlobExchange, openBlobStore, type BlobStore } from '../../mesh/blobs/index.ts'
import { blobsProtocol } from '../../mesh/blobs/messages.ts'
import type { ComponentRef } from '../../mesh/releases/index.ts'
import type { Channel } from '../../mesh/transport/index.ts'
import { chunkFrame, requestsOf } from '../mesh/blobs/scripted-peer.ts'
import { SimDisk } from './disk.ts'
import type { SeededRandom } from './random.ts'
import { SimNetwork } from './sim-network.ts'
import type { SimTransport } from './sim-transport.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface SwarmOutcome {
  /** Virtual milliseconds until every fetch was done. */
  readonly tookMs: number
  readonly sizeBytes: number
  /** Whether each of those that fetched has, on its disk, what was published. */
  readonly isRight: readonly boolean[]
  /** Whom somebody shut out. */
  readonly banned: readonly string[]
  /** Wrong chunks that the liar got to send. */
  readonly lies: number
  /** Bytes that those who fetched received, over those that they needed. */
  readonly overhead: number
  /** Fetches that a failing disk ended, and that were begun anew. */
  readonly begunAnew: number
}

interface Place {
  readonly random: SeededRandom
  readonly clock: VirtualClock
  readonly network: SimNetwork
}

interface Node {
  readonly disk: SimDisk
  readonly transport: SimTransport
  readonly store: BlobStore
  readonly exchange: ReturnType<typeof createBlobExchange>
}

/** Nobody waits longer: who does has been forgotten. */
const limitMs = 300_000

async function node(
  { random, clock, network }: Place,
  name: string,
  { uplink, has }: { uplink: number; has?: Uint8Array },
): Promise<Node> {
  const disk = new SimDisk(random)
  const store = await openBlobStore(await disk.folder(), { clock })
  if (has !== undefined) await store.putComponent(has)
  const transport = network.transport(name, { uplink, downlink: 500_000 })
  transport.start()
  const exchange = createBlobExchange({ transport, store, clock, random, log: silentLog })
  await exchange.start?.()
  return { disk, transport, store, exchange }
}

/** Says that it has everything, and sends the right bytes until it does not. */
function liar({ random, network }: Place, bytes: Uint8Array, onLie: () => void): void {
  const { ref, list, chunks } = componentRef(bytes)
  const blobs = new Map<Digest, Uint8Array>(chunks.map((chunk) => [chunk.digest, chunk.bytes]))
  blobs.set(ref.chunks.digest, list)
  const serve = async (channel: Channel): Promise<void> => {
    for await (const request of requestsOf(channel, new Set(chunks.map(({ digest }) => digest)).size)) {
      for (const digest of request.kind === 'want' ? request.digests : []) {
        const right = blobs.get(digest)
        if (right === undefined || random.chance(0.5)) {
          onLie()
          await channel.send(chunkFrame(digest, random.bytes(random.below(20_000) + 1)))
        } else await channel.send(chunkFrame(digest, right))
      }
    }
  }
  const transport = network.transport('liar', { uplink: 500_000 })
  transport.start()
  transport.handle(blobsProtocol, (_peer, channel) => void serve(channel).catch(() => {}), {
    maxFrameBytes: 8 * 1024 * 1024,
  })
}

/** As a worn card and one that is full: for some seconds steps fail, or there is no room. */
function trouble({ random, clock }: Place, { disk }: Node, sizeBytes: number): void {
  if (random.chance(0.4)) {
    disk.faults = 0.05
    clock.after(500 + random.below(5_000), () => (disk.faults = 0))
  }
  if (random.chance(0.3)) {
    disk.capacityBytes = disk.usedBytes + random.below(sizeBytes)
    clock.after(500 + random.below(10_000), () => (disk.capacityBytes = Number.POSITIVE_INFINITY))
  }
}

/** Begins anew what a disk ended, as an app does that could not get its component. @returns how often */
async function fetchInTheEnd({ clock }: Place, { exchange }: Node, ref: ComponentRef): Promise<number> {
  for (let anew = 0; ; anew++) {
    const isDone = await exchange.fetch(ref).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EIO' && error.code !== 'ERR_DISK_IO') throw error
        return false
      },
    )
    if (isDone) return anew
    await new Promise<void>((resolve) => clock.after(500, resolve))
  }
}

/** @throws Error where a fetch is not done within five virtual minutes, and what a fetch throws */
export async function runSwarm(random: SeededRandom): Promise<SwarmOutcome> {
  const clock = new VirtualClock()
  const wire = {
    minLatencyMs: 1 + random.below(20),
    maxLatencyMs: 20 + random.below(100),
    resendChance: random.chance(0.5) ? 0.05 : 0,
    resendMs: 200,
    breakChance: random.chance(0.3) ? 0.002 : 0,
  }
  const network = new SimNetwork(clock, random, { wire })
  const place = { random, clock, network }
  const bytes = random.bytes(20_000 + random.below(400_000))
  const { ref } = componentRef(bytes)
  const banned = new Set<string>()
  let lies = 0

  await node(place, 'honest', { uplink: 100_000 + random.below(400_000), has: bytes })
  await node(place, 'slow', { uplink: 2_000 + random.below(8_000), has: bytes })
  await node(place, 'dying', { uplink: 100_000 + random.below(400_000), has: bytes })
  liar(place, bytes, () => lies++)
  const fetchers = [
    await node(place, 'first', { uplink: 300_000 }),
    await node(place, 'second', { uplink: 300_000 }),
  ]
  for (const { transport } of fetchers) transport.on('peer:banned', ({ peer }) => banned.add(peer))
  const names = random.shuffle(['honest', 'slow', 'dying', 'liar', 'first', 'second'])
  const connect = (): void => {
    for (const a of names) for (const b of names) if (a < b) network.connect(a, b)
  }
  connect()
  // What breaks is dialled again, as the daemon's redialler does.
  const redial = (): void => {
    connect()
    clock.after(1_000, redial)
  }
  clock.after(1_000, redial)
  clock.after(random.below(3_000), () => network.find('dying')?.kill())

  for (const fetcher of fetchers) trouble(place, fetcher, bytes.length)
  const start = clock.monotonicMs()
  const fetches = fetchers.map((fetcher) => fetchInTheEnd(place, fetcher, ref))
  const anew = await clock.finish(Promise.all(fetches), limitMs)
  const tookMs = clock.monotonicMs() - start
  // What is on the disks now, not whether they can be read.
  for (const { disk } of fetchers) disk.faults = 0
  const read = await Promise.all(fetchers.map(({ store }) => store.readComponent(ref)))
  const received = fetchers.reduce((sum, { exchange }) => sum + exchange.traffic.receivedBytes, 0)
  return {
    tookMs,
    sizeBytes: bytes.length,
    isRight: read.map((found) => found !== null && digestOf(found) === ref.digest),
    banned: [...banned].sort(),
    lies,
    begunAnew: anew.reduce((sum, times) => sum + times, 0),
    overhead: received / (fetchers.length * (ref.sizeBytes + ref.chunks.sizeBytes)),
  }
}
