/** Members that serve or ask for blobs as they should not, beside an honest one, over loopback. */
import { createServer, connect as connectTcp, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { digestOf, encodeCbor, memoryFolder, systemClock, type Digest } from '../../../core/index.ts'
import {
  blobLimits,
  componentRef,
  createBlobExchange,
  openBlobStore,
  type BlobExchange,
  type BlobStore,
} from '../../../mesh/blobs/index.ts'
import { blobsProtocol, encodeNotice, encodeWant } from '../../../mesh/blobs/messages.ts'
import type { Channel, Transport } from '../../../mesh/transport/index.ts'
import { seededRandom } from '../../host/fake-clock.ts'
import { isSame, sample } from '../blobs/samples.ts'
import { chunkFrame, requestsOf, wantsOf } from '../blobs/scripted-peer.ts'
import { soon, testLog, TestNodes, until } from '../transport/nodes.ts'

interface Node {
  readonly transport: Transport
  readonly store: BlobStore
  readonly exchange: BlobExchange
}

const component = sample(31, 1_500_000)
const { ref, list, chunks } = componentRef(component)
const blobs = new Map<Digest, Uint8Array>(chunks.map(({ digest, bytes }) => [digest, bytes]))
blobs.set(ref.chunks.digest, list)

const transports = new TestNodes()
const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
  await transports.stopAll()
})

async function node(name: string, has?: Uint8Array): Promise<Node> {
  const transport = await transports.start(name)
  const store = await openBlobStore(memoryFolder())
  if (has !== undefined) await store.putComponent(has)
  const random = seededRandom(7)
  const exchange = createBlobExchange({ transport, store, clock: systemClock, log: testLog(), random })
  stops.push(() => exchange.stop?.())
  await exchange.start?.()
  return { transport, store, exchange }
}

/** A member that treats each channel on which it is asked for blobs as it likes. */
async function rogue(name: string, serve: (channel: Channel) => Promise<void>): Promise<Transport> {
  const transport = await transports.start(name)
  const options = { maxFrameBytes: 2 * blobLimits.frameBytes }
  transport.handle(blobsProtocol, (_peer, channel) => void serve(channel).catch(() => {}), options)
  return transport
}

async function connect(from: Transport, to: Transport, addresses = to.addresses()): Promise<void> {
  await from.dial(addresses, soon())
  await until(() => to.peers().includes(from.self))
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Fetches from the rogue, which came first, and from an honest member that comes when work is under way. */
async function fetchBeside(bad: Transport, addresses = bad.addresses()): Promise<Node> {
  const [honest, c] = [await node('honest', component), await node('c')]
  await connect(c.transport, bad, addresses)
  const fetching = c.exchange.fetch(ref, { signal: AbortSignal.timeout(60_000) })
  await wait(50)
  await connect(c.transport, honest.transport)
  await fetching
  expect(isSame(await c.store.readComponent(ref), component)).toBe(true)
  return c
}

test('a server that takes every want and says nothing is passed over', async () => {
  const bad = await rogue('bad', async (channel) => {
    for await (const _ of requestsOf(channel, chunks.length)) void _
  })
  await fetchBeside(bad)
})

test('three servers that say nothing do not keep the honest one from being asked', async () => {
  const silent = async (channel: Channel): Promise<void> => {
    for await (const _ of requestsOf(channel, chunks.length)) void _
  }
  const [honest, c] = [await node('honest', component), await node('c')]
  for (const name of ['bad1', 'bad2', 'bad3']) await connect(c.transport, await rogue(name, silent))
  const fetching = c.exchange.fetch(ref, { signal: AbortSignal.timeout(60_000) })
  await wait(50)
  await connect(c.transport, honest.transport)
  await fetching
  expect(isSame(await c.store.readComponent(ref), component)).toBe(true)
})

/** Lets everything through from `to`, and from the moment `trickle` is called one byte a second. */
async function trickler(to: Transport): Promise<{ addresses: string[]; trickle(): void }> {
  const port = Number(/\/tcp\/(\d+)/.exec(to.addresses()[0] ?? '')?.[1])
  const sockets: Socket[] = []
  let isTrickling = false
  const server: Server = createServer((near) => {
    const far = connectTcp(port, '127.0.0.1')
    sockets.push(near, far)
    for (const socket of [near, far]) socket.on('error', () => {}).on('close', () => near.destroy())
    near.pipe(far)
    let held = Buffer.alloc(0)
    const timer = setInterval(() => {
      if (near.destroyed) return clearInterval(timer)
      near.write(held.subarray(0, 1))
      held = held.subarray(1)
    }, 1_000)
    far.on('data', (data) => {
      if (!isTrickling) return near.write(data)
      held = Buffer.concat([held, data])
      return true
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stops.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}/p2p/${to.self}`
  return { addresses: [address], trickle: () => (isTrickling = true) }
}

test('a server whose answers come at one byte a second is passed over', async () => {
  let onWant = (): void => {}
  const bad = await rogue('bad', async (channel) => {
    for await (const digest of wantsOf(channel, chunks.length)) {
      onWant()
      await channel.send(chunkFrame(digest, blobs.get(digest) as Uint8Array))
    }
  })
  const { addresses, trickle } = await trickler(bad)
  let wants = 0
  onWant = () => {
    wants++
    trickle()
  }
  await fetchBeside(bad, addresses)
  expect(wants).toBeGreaterThan(0)
})

test('a server that sends a right chunk every two seconds is overtaken, and keeps its place', async () => {
  const bad = await rogue('bad', async (channel) => {
    for await (const digest of wantsOf(channel, chunks.length)) {
      if (digest !== ref.chunks.digest) await wait(2_000)
      await channel.send(chunkFrame(digest, blobs.get(digest) as Uint8Array))
    }
  })
  const c = await fetchBeside(bad)
  expect(c.transport.peers()).toContain(bad.self)
})

test('what nobody asked for is neither kept nor stored, and whoever goes on with it is shut out', async () => {
  const junk = sample(32, 60_000)
  const frame = chunkFrame(digestOf(junk), junk)
  const lacks = encodeNotice({ kind: 'missing', digests: Array.from({ length: 64 }, () => digestOf(junk)) })
  let sent = 0
  const bad = await rogue('bad', async (channel) => {
    for (;;) {
      await channel.send(frame)
      await channel.send(lacks)
      sent += frame.length
    }
  })
  const c = await fetchBeside(bad)
  await until(() => !c.transport.peers().includes(bad.self), 'the end of the rogue')
  expect(await c.store.getChunk(digestOf(junk))).toBeNull()
  // What the limit allows, and what was under way.
  expect(sent).toBeLessThan(blobLimits.unaskedBytes + 4_000_000)
})

test('a server whose answer is over the limit is shut out before all of it came', async () => {
  const bad = await rogue('bad', async (channel) => {
    for await (const _ of channel.messages) await channel.send(new Uint8Array(blobLimits.frameBytes + 1))
  })
  const c = await fetchBeside(bad)
  await until(() => !c.transport.peers().includes(bad.self), 'the end of the rogue')
})

/** What a publisher signed, served as it is. */
async function fetchSigned(bytes: Uint8Array, sizeBytes: number, listBytes = bytes.length): Promise<unknown> {
  const digest = digestOf(bytes)
  const bad = await rogue('bad', async (channel) => {
    for await (const _ of wantsOf(channel, 1)) await channel.send(chunkFrame(digest, bytes))
  })
  const c = await node('c')
  await connect(c.transport, bad)
  const signed = { digest: ref.digest, sizeBytes, chunks: { digest, sizeBytes: listBytes } }
  try {
    return await c.exchange.fetch(signed, { signal: soon() }).catch((error: unknown) => error)
  } finally {
    await c.exchange.stop?.()
    await transports.stopAll()
  }
}

test('a list of a million chunks, of too many, of the wrong size, or longer than was said, ends the fetch', async () => {
  const named = (count: number): object[] => {
    const one = { digest: ref.digest, sizeBytes: 1 }
    return Array.from({ length: count }, () => one)
  }
  const listOf = (count: number, sizeBytes = count): Uint8Array =>
    encodeCbor({ v: 1, sizeBytes, chunks: named(count) })
  const million = listOf(1_000_000)
  expect(await fetchSigned(million, 1_000_000)).toMatchObject({ code: 'ERR_BLOB_SIZE' })
  expect(await fetchSigned(listOf(20_000), 20_000)).toMatchObject({ code: 'ERR_CHUNK_LIST' })
  expect(await fetchSigned(listOf(10, 9_999), 9_999)).toMatchObject({ code: 'ERR_CHUNK_LIST' })
  expect(await fetchSigned(listOf(10), 11)).toMatchObject({ code: 'ERR_CHUNK_LIST' })
  expect(await fetchSigned(listOf(10), 10, 10)).toMatchObject({ code: 'ERR_CHUNK_LIST' })
})

test('a client that wants without end and reads nothing holds up nobody, and costs bounded memory', async () => {
  const [server, c] = [await node('server', component), await node('c')]
  const bad = await transports.start('bad')
  await connect(bad, server.transport)
  await connect(c.transport, server.transport)
  const before = process.memoryUsage().rss
  const wants = encodeWant(chunks.slice(0, 64).map(({ digest }) => digest))
  for (let index = 0; index < 3; index++) {
    const channel = await bad.open(server.transport.self, blobsProtocol, soon())
    const flood = async (): Promise<void> => {
      for (let round = 0; round < 5_000; round++) await channel.send(wants)
    }
    flood().catch(() => {})
  }
  await wait(300)
  await c.exchange.fetch(ref, { signal: soon() })
  expect(isSame(await c.store.readComponent(ref), component)).toBe(true)
  expect(process.memoryUsage().rss - before).toBeLessThan(400_000_000)
})
