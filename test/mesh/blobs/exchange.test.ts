/** Real transports on loopback, stores in memory. */
import { afterEach, expect, test } from 'vitest'
import { digestOf, memoryFolder, systemClock, type DurableFolder } from '../../../core/index.ts'
import {
  blobLimits,
  componentRef,
  createBlobExchange,
  cut,
  openBlobStore,
  type BlobExchange,
  type BlobStore,
  type FetchProgress,
} from '../../../mesh/blobs/index.ts'
import { blobsProtocol, encodeNotice, encodeWant } from '../../../mesh/blobs/messages.ts'
import { transportLimits, type Channel, type Transport } from '../../../mesh/transport/index.ts'
import { seededRandom } from '../../host/fake-clock.ts'
import { firstFrame, soon, testLog, TestNodes, until } from '../transport/nodes.ts'
import { isSame, joined, sample } from './samples.ts'
import { chunkFrame, wantsOf } from './scripted-peer.ts'

interface Node {
  readonly transport: Transport
  readonly store: BlobStore
  readonly exchange: BlobExchange
}

const transports = new TestNodes()
const exchanges: BlobExchange[] = []
afterEach(async () => {
  for (const exchange of exchanges.splice(0)) await exchange.stop?.()
  await transports.stopAll()
})

async function withBlobs(transport: Transport, folder: DurableFolder): Promise<Node> {
  const store = await openBlobStore(folder)
  const exchange = createBlobExchange({
    transport,
    store,
    clock: systemClock,
    log: testLog(),
    random: seededRandom(7),
  })
  exchanges.push(exchange)
  await exchange.start?.()
  return { transport, store, exchange }
}

async function node(name: string, folder: DurableFolder = memoryFolder()): Promise<Node> {
  return withBlobs(await transports.start(name), folder)
}

async function connect(from: { transport: Transport }, to: { transport: Transport }): Promise<void> {
  await from.transport.dial(to.transport.addresses(), soon())
  await until(() => to.transport.peers().includes(from.transport.self))
}

const component = sample(21, 1_500_000)
const { ref, list, chunks } = componentRef(component)
const wholeBytes = list.length + component.length

/** Serves `budget` reads of blobs, then holds the next ones until `open`. */
function gated(folder: DurableFolder, budget: number): { folder: DurableFolder; open(): void } {
  let left = budget
  let open!: () => void
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const gate = (inner: DurableFolder): DurableFolder => ({
    path: inner.path,
    write: (name, bytes) => inner.write(name, bytes),
    remove: (name) => inner.remove(name),
    list: () => inner.list(),
    sizes: () => inner.sizes(),
    folder: async (name) => gate(await inner.folder(name)),
    async read(name, maxBytes) {
      if (left-- <= 0) await opened
      return inner.read(name, maxBytes)
    },
  })
  return { folder: gate(folder), open }
}

async function filledFolder(): Promise<DurableFolder> {
  const folder = memoryFolder()
  await (await openBlobStore(folder)).putComponent(component)
  return folder
}

test('a node fetches a component from a peer that has it, and counts what came', async () => {
  const [a, b] = [await node('a', await filledFolder()), await node('b')]
  await connect(b, a)
  const seen: FetchProgress[] = []
  const result = await b.exchange.fetch(ref, {
    signal: soon(),
    onProgress: (progress) => seen.push(progress),
  })
  expect(result).toEqual({ fetchedBytes: wholeBytes })
  expect(b.exchange.traffic).toEqual({ receivedBytes: wholeBytes, sentBytes: 0 })
  await until(() => a.exchange.traffic.sentBytes === wholeBytes)
  expect(isSame(await b.store.readComponent(ref), component)).toBe(true)
  expect(seen.at(-1)).toMatchObject({
    haveBytes: component.length,
    totalBytes: component.length,
    fetchedBytes: wholeBytes,
    diskBytes: 0,
    sources: [{ peer: a.transport.self, bytes: wholeBytes }],
    paused: null,
  })
  const have = seen.map(({ haveBytes }) => haveBytes)
  expect(have).toEqual(have.toSorted((x, y) => x - y))
})

test('what is on the disk already is not fetched, and needs no peer', async () => {
  const b = await node('b', await filledFolder())
  expect(await b.exchange.fetch(ref, { signal: soon() })).toEqual({ fetchedBytes: 0 })
})

test('who wants the component itself is handed what was read back from the disk and verified', async () => {
  const [a, b] = [await node('a', await filledFolder()), await node('b')]
  await connect(b, a)
  const handed: Uint8Array[] = []
  const onWhole = (bytes: Uint8Array): number => handed.push(bytes)
  await Promise.all([1, 2].map(() => b.exchange.fetch(ref, { signal: soon(), onWhole })))
  expect(handed.map((bytes) => isSame(bytes, component))).toEqual([true, true])
})

test('what does not add up is handed to nobody', async () => {
  const [a, b] = [await node('a', await filledFolder()), await node('b')]
  await connect(b, a)
  const handed: Uint8Array[] = []
  const lie = { ...ref, digest: componentRef(sample(77, 5_000)).ref.digest }
  const fetching = b.exchange.fetch(lie, { signal: soon(), onWhole: (bytes) => handed.push(bytes) })
  await expect(fetching).rejects.toMatchObject({ code: 'ERR_BLOB_MISMATCH' })
  expect(handed).toEqual([])
})

test('of the next release only the changed chunks and the list are moved', async () => {
  const next = joined([component.subarray(0, 700_000), sample(22, 100), component.subarray(700_000)])
  const [a, b] = [await node('a', await filledFolder()), await node('b', await filledFolder())]
  const nextRef = await a.store.putComponent(next)
  await connect(b, a)
  const { fetchedBytes } = await b.exchange.fetch(nextRef, { signal: soon() })
  const known = new Set(chunks.map((chunk) => chunk.digest))
  const changed = componentRef(next).chunks.filter((chunk) => !known.has(chunk.digest))
  expect(fetchedBytes).toBe(changed.reduce((sum, chunk) => sum + chunk.sizeBytes, nextRef.chunks.sizeBytes))
  expect(fetchedBytes).toBeLessThan(component.length / 4)
  expect(isSame(await b.store.readComponent(nextRef), next)).toBe(true)
})

test('a component of the largest kind, whose list is longer than a usual frame, comes over whole', async () => {
  // What ends one short chunk ends every chunk: cuts as close as they can be, and few distinct chunks to move.
  const short = cut(sample(23, 1_000_000)).find(({ sizeBytes }) => sizeBytes < blobLimits.averageChunkBytes)
  const end = short?.bytes.subarray(-32) ?? new Uint8Array()
  const piece = joined([sample(24, blobLimits.minChunkBytes), end])
  const large = joined(Array.from({ length: 16_000 }, () => piece))
  const [a, b] = [await node('a'), await node('b')]
  const largeRef = await a.store.putComponent(large)
  expect(largeRef.chunks.sizeBytes).toBeGreaterThan(transportLimits.defaultFrameBytes)
  await connect(b, a)
  await b.exchange.fetch(largeRef, { signal: AbortSignal.timeout(60_000) })
  expect(await b.store.check(largeRef)).toBe('whole')
})

test('two sources share the work', async () => {
  const [a, b, c] = [
    await node('a', await filledFolder()),
    await node('b', await filledFolder()),
    await node('c'),
  ]
  await connect(c, a)
  await connect(c, b)
  const served = { a: 0, b: 0 }
  // Neither is done with all before the other has said that it has it.
  count(a.store, () => served.a++, 10)
  count(b.store, () => served.b++, 10)
  await c.exchange.fetch(ref, { signal: soon() })
  expect(served.a).toBeGreaterThan(chunks.length / 10)
  expect(served.b).toBeGreaterThan(chunks.length / 10)
})

function count(store: BlobStore, onServed: () => void, takesMs = 0): void {
  const getChunk = store.getChunk.bind(store)
  store.getChunk = async (digest) => {
    onServed()
    if (takesMs > 0) await new Promise((wake) => setTimeout(wake, takesMs))
    return getChunk(digest)
  }
}

test('calls for one component share one fetch', async () => {
  const [a, b] = [await node('a', await filledFolder()), await node('b')]
  await connect(b, a)
  const results = await Promise.all([1, 2, 3].map(() => b.exchange.fetch(ref, { signal: soon() })))
  expect(results.map(({ fetchedBytes }) => fetchedBytes)).toEqual([wholeBytes, wholeBytes, wholeBytes])
  expect(a.exchange.traffic.sentBytes).toBe(wholeBytes)
})

test('one caller that gives up does not end the fetch of the other', async () => {
  const [a, b] = [await node('a'), await node('b')]
  await connect(b, a)
  const giveUp = new AbortController()
  const first = b.exchange.fetch(ref, { signal: giveUp.signal })
  const second = b.exchange.fetch(ref, { signal: soon() })
  giveUp.abort(new Error('changed my mind'))
  await expect(first).rejects.toThrow('changed my mind')
  await a.store.putComponent(component)
  expect(await second).toEqual({ fetchedBytes: wholeBytes })
})

test('a node that fetches serves what it has got so far: a chain of three fetches at the same time', async () => {
  const [a, b, c] = [await node('a', await filledFolder()), await node('b'), await node('c')]
  await connect(b, a)
  await connect(c, b)
  const [, last] = await Promise.all([
    b.exchange.fetch(ref, { signal: soon() }),
    c.exchange.fetch(ref, { signal: soon() }),
  ])
  expect(last).toEqual({ fetchedBytes: wholeBytes })
  expect(isSame(await c.store.readComponent(ref), component)).toBe(true)
})

test('a fetch that no peer can serve waits for one, and ends with the signal of its caller', async () => {
  const [a, b] = [await node('a'), await node('b')]
  const giveUp = new AbortController()
  const waiting = b.exchange.fetch(ref, { signal: giveUp.signal })
  await connect(b, a)
  await a.store.putComponent(component)
  expect(await waiting).toEqual({ fetchedBytes: wholeBytes })

  const nowhere = b.exchange.fetch(componentRef(sample(24, 9_000)).ref, { signal: giveUp.signal })
  giveUp.abort(new Error('enough'))
  await expect(nowhere).rejects.toThrow('enough')
  await expect(b.exchange.fetch(ref, { signal: giveUp.signal })).rejects.toThrow('enough')
})

/** A member that answers every want with bytes of its own making. */
function serveLies(transport: Transport): void {
  const maxFrameBytes = blobLimits.frameBytes
  transport.handle(blobsProtocol, (_peer, channel) => void answerLies(channel).catch(() => {}), {
    maxFrameBytes,
  })
}

async function answerLies(channel: Channel): Promise<void> {
  for await (const digest of wantsOf(channel, chunks.length)) {
    await channel.send(chunkFrame(digest, sample(66, 5_000)))
  }
}

test('a liar is caught by its first chunk and shut out, and the fetch ends well with the honest one', async () => {
  const [honest, liar, c] = [
    await node('honest', await filledFolder()),
    { transport: await transports.start('liar') },
    await node('c'),
  ]
  serveLies(liar.transport)
  await connect(c, liar)
  const fetching = c.exchange.fetch(ref, { signal: soon() })
  await until(() => c.transport.peers().length === 0, 'the end of the liar')
  await connect(c, honest)
  expect(await fetching).toEqual({ fetchedBytes: wholeBytes })
  expect(isSame(await c.store.readComponent(ref), component)).toBe(true)
  await expect(c.transport.dial(liar.transport.addresses(), soon())).rejects.toMatchObject({
    code: 'ERR_PEER_BANNED',
  })
})

test('a peer whose answers cannot be read is shut out as well', async () => {
  const [vandal, c] = [{ transport: await transports.start('vandal') }, await node('c')]
  vandal.transport.handle(blobsProtocol, (_peer, channel) => {
    channel.send(new Uint8Array([0xff, 0xff])).catch(() => {})
  })
  await connect(c, vandal)
  const giveUp = new AbortController()
  const fetching = c.exchange.fetch(ref, { signal: giveUp.signal })
  await until(() => c.transport.peers().length === 0, 'the end of the vandal')
  giveUp.abort(new Error('enough'))
  await expect(fetching).rejects.toThrow('enough')
})

test('after a crash the fetch resumes from what is on the disk', async () => {
  const source = gated(await filledFolder(), 30)
  const [a, first] = [await node('a', source.folder), await node('b')]
  const folder = memoryFolder()
  const transport = first.transport
  await first.exchange.stop?.()
  const b = await withBlobs(transport, folder)
  await connect(b, a)
  let before: FetchProgress | null = null
  const cut = b.exchange.fetch(ref, { onProgress: (progress) => (before = progress) })
  cut.catch(() => {})
  await until(() => (before?.fetchedBytes ?? 0) > 0 && (before?.haveBytes ?? 0) > 100_000, 'some chunks')
  await b.exchange.stop?.()
  await expect(cut).rejects.toMatchObject({ code: 'ERR_BLOBS_STOPPED' })

  source.open()
  const again = await withBlobs(transport, folder)
  const onDisk = (await again.store.missing({ sizeBytes: ref.sizeBytes, chunks })).reduce(
    (left, { sizeBytes }) => left - sizeBytes,
    component.length,
  )
  expect(onDisk).toBeGreaterThan(100_000)
  const { fetchedBytes } = await again.exchange.fetch(ref, { signal: soon() })
  expect(fetchedBytes).toBe(component.length - onDisk)
  expect(isSame(await again.store.readComponent(ref), component)).toBe(true)
})

test('a fetch outlives the network being switched off and on, on its own side and on the other', async () => {
  for (const which of ['fetcher', 'source'] as const) {
    const source = gated(await filledFolder(), 20)
    const [a, b] = [await node(`a-${which}`, source.folder), await node(`b-${which}`)]
    await connect(b, a)
    let progress: FetchProgress | null = null
    const fetching = b.exchange.fetch(ref, { signal: soon(), onProgress: (now) => (progress = now) })
    await until(() => (progress?.haveBytes ?? 0) > 0, 'the first chunk')
    const { transport } = which === 'fetcher' ? b : a
    await transport.stop?.()
    source.open()
    await transport.start?.()
    await until(() => b.transport.peers().length === 0, 'the loss of the connection')
    await connect(b, a)
    expect(await fetching).toEqual({ fetchedBytes: wholeBytes })
  }
})

test('a channel that is closed under a fetch is opened again, on the same connection', async () => {
  const [transport, b] = [await transports.start('a'), await node('b')]
  let closed = 0
  const unhandle = transport.handle(blobsProtocol, (_peer, channel) => {
    closed++
    channel.close()
  })
  await connect(b, { transport })
  const fetching = b.exchange.fetch(ref, { signal: soon() })
  await until(() => closed === 2, 'the second try')
  unhandle()
  await withBlobs(transport, await filledFolder())
  expect(await fetching).toEqual({ fetchedBytes: wholeBytes })
})

test('a chunk damaged at the source is missing there, not wrong: nobody is blamed, and another source helps', async () => {
  const folder = await filledFolder()
  const victim = chunks[3]?.digest ?? ''
  await (await folder.folder(victim.slice(0, 2))).write(victim, new Uint8Array([1]))
  const [a, b] = [await node('a', folder), await node('b')]
  await connect(b, a)
  let have = 0
  const fetching = b.exchange.fetch(ref, {
    signal: soon(),
    onProgress: ({ haveBytes }) => (have = haveBytes),
  })
  await until(() => have === component.length - (chunks[3]?.sizeBytes ?? 0), 'all but one chunk')
  const c = await node('c', await filledFolder())
  await connect(b, c)
  await fetching
  expect(isSame(await b.store.readComponent(ref), component)).toBe(true)
  expect(b.transport.peers()).toContain(a.transport.self)
})

test('a chunk damaged on the own disk is found at the end of the fetch and fetched again', async () => {
  const folder = await filledFolder()
  const victim = chunks[5]
  await (
    await folder.folder(victim?.digest.slice(0, 2) ?? '')
  ).write(victim?.digest ?? '', new Uint8Array([1]))
  const [a, b] = [await node('a', await filledFolder()), await node('b', folder)]
  await connect(b, a)
  expect(await b.exchange.fetch(ref, { signal: soon() })).toEqual({ fetchedBytes: victim?.sizeBytes })
})

test('a release whose digest does not fit its chunks fails as what it is, and its source stays trusted', async () => {
  const [a, b] = [await node('a', await filledFolder()), await node('b')]
  await connect(b, a)
  const lie = { ...ref, digest: digestOf(new Uint8Array([1])) }
  await expect(b.exchange.fetch(lie, { signal: soon() })).rejects.toMatchObject({ code: 'ERR_BLOB_MISMATCH' })
  const size = { ...ref, sizeBytes: ref.sizeBytes - 1 }
  await expect(b.exchange.fetch(size, { signal: soon() })).rejects.toMatchObject({ code: 'ERR_CHUNK_LIST' })
  const noList = { ...ref, chunks: { digest: chunks[0]?.digest ?? '', sizeBytes: chunks[0]?.sizeBytes ?? 0 } }
  await expect(b.exchange.fetch(noList, { signal: soon() })).rejects.toMatchObject({ code: 'ERR_CHUNK_LIST' })
  const huge = { ...ref, sizeBytes: blobLimits.componentBytes + 1 }
  await expect(b.exchange.fetch(huge, { signal: soon() })).rejects.toMatchObject({ code: 'ERR_BLOB_SIZE' })
  expect(b.transport.peers()).toEqual([a.transport.self])
})

test('chunks of a fetch under way are not collected, though no release names them yet', async () => {
  const folder = await filledFolder()
  const gone = chunks[0]?.digest ?? ''
  await (await folder.folder(gone.slice(0, 2))).remove(gone)
  const b = await node('b', folder)
  const idle = await openBlobStore(await filledFolder())
  expect(await idle.collect([])).toEqual({ blobs: chunks.length + 1 })
  let have = 0
  const fetching = b.exchange.fetch(ref, {
    signal: soon(),
    onProgress: ({ haveBytes }) => (have = haveBytes),
  })
  await until(() => have > 0, 'a look at the disk')
  expect(await b.store.collect([])).toEqual({ blobs: 0 })
  await connect(b, await node('a', await filledFolder()))
  expect(await fetching).toEqual({ fetchedBytes: chunks[0]?.sizeBytes })
})

test('a want that cannot be read, or asks for too much, closes the channel and harms nothing else', async () => {
  const [a, b] = [await node('a', await filledFolder()), await node('b')]
  await connect(b, a)
  const tooMany = Array.from({ length: blobLimits.wantsPerMessage + 1 }, () => ref.digest)
  for (const frame of [new Uint8Array([0xa0, 0xa0]), encodeWant(tooMany), encodeWant(['../../etc/passwd'])]) {
    const channel = await b.transport.open(a.transport.self, blobsProtocol, soon())
    await channel.send(frame)
    await expect(firstFrame(channel)).rejects.toThrow('closed without a frame')
  }
  expect(await b.exchange.fetch(ref, { signal: soon() })).toEqual({ fetchedBytes: wholeBytes })
})

test('a message of a kind that is not known yet is passed over', async () => {
  const [a, b] = [await node('a', await filledFolder()), await node('b')]
  await connect(b, a)
  const channel = await b.transport.open(a.transport.self, blobsProtocol, soon())
  // {"kind": "hint"}
  await channel.send(Buffer.from('a1646b696e646468696e74', 'hex'))
  await channel.send(encodeWant([ref.digest]))
  expect(await firstFrame(channel)).toEqual(encodeNotice({ kind: 'missing', digests: [ref.digest] }))
  channel.close()
})

test('one peer is served on few channels at once', async () => {
  const [a, b] = [await node('a', await filledFolder()), await node('b')]
  await connect(b, a)
  const channels: Channel[] = []
  for (let index = 0; index < blobLimits.channelsPerPeer; index++) {
    const channel = await b.transport.open(a.transport.self, blobsProtocol, soon())
    await channel.send(encodeWant([ref.chunks.digest]))
    await firstFrameOnly(channel)
    channels.push(channel)
  }
  const one = await b.transport.open(a.transport.self, blobsProtocol, soon())
  await expect(firstFrame(one)).rejects.toThrow('closed without a frame')
  for (const channel of channels) channel.close()
})

/** Reads one frame and leaves the channel open. */
async function firstFrameOnly(channel: Channel): Promise<void> {
  await channel.messages[Symbol.asyncIterator]().next()
}

test('a stopped exchange fetches nothing, and starts again', async () => {
  const [a, b] = [await node('a', await filledFolder()), await node('b')]
  await connect(b, a)
  await b.exchange.stop?.()
  await b.exchange.stop?.()
  await expect(b.exchange.fetch(ref)).rejects.toMatchObject({ code: 'ERR_BLOBS_STOPPED' })
  await b.exchange.start?.()
  await b.exchange.start?.()
  expect(await b.exchange.fetch(ref, { signal: soon() })).toEqual({ fetchedBytes: wholeBytes })
})
