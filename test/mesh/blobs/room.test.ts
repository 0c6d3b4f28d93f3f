/** Quotas, disks that are full, and what goes when there is no room. */
import { expect, test } from 'vitest'
import { memoryFolder, silentLog } from '../../../core/index.ts'
import {
  blobLimits,
  componentRef,
  createBlobExchange,
  openBlobStore,
  type BlobStore,
  type FetchProgress,
} from '../../../mesh/blobs/index.ts'
import { SeededRandom, SimDisk, SimNetwork, VirtualClock } from '../../sim/index.ts'
import { isSame, sample } from './samples.ts'

function kept(seed: number) {
  const bytes = sample(seed, 200_000)
  return { bytes, ref: componentRef(bytes).ref }
}
type Kept = ReturnType<typeof kept>
const [one, two, three] = [kept(1), kept(2), kept(3)]

/** Room for two components of 200 KB with their lists, and not for three. */
const quotaBytes = 500_000

async function storeWith(clock: VirtualClock, ...components: Kept[]): Promise<BlobStore> {
  const store = await openBlobStore(memoryFolder(), { clock, quotaBytes })
  for (const { bytes } of components) {
    await store.putComponent(bytes)
    clock.advance(1_000)
  }
  clock.advance(blobLimits.graceMs + 1)
  return store
}

test('what no release needs makes room, the least recently used first', async () => {
  const clock = new VirtualClock()
  const store = await storeWith(clock, one, two)
  expect(await store.usage()).toMatchObject({ quotaBytes, evictedBytes: 0 })
  store.setNeeded(() => ({ required: [], kept: [] }))
  clock.advance(1_000)
  expect(isSame(await store.readComponent(one.ref), one.bytes)).toBe(true)
  await store.putComponent(three.bytes)
  expect(isSame(await store.readComponent(three.ref), three.bytes)).toBe(true)
  expect(await store.holds(two.ref)).toBe(false)
  expect(isSame(await store.readComponent(one.ref), one.bytes)).toBe(true)
  const { usedBytes, evictedBytes } = await store.usage()
  expect(usedBytes).toBeLessThanOrEqual(quotaBytes)
  expect(evictedBytes).toBeGreaterThan(100_000)
})

test('what a release needs, or somebody holds, stays, and then there is no room', async () => {
  const clock = new VirtualClock()
  const store = await storeWith(clock, one, two)
  store.setNeeded(() => ({ required: [one.ref], kept: [] }))
  const { chunks } = componentRef(two.bytes)
  const release = store.hold([two.ref.chunks.digest, ...chunks.map(({ digest }) => digest)])
  await expect(store.putComponent(three.bytes)).rejects.toMatchObject({ code: 'ERR_BLOB_QUOTA' })
  expect(await store.check(one.ref)).toBe('whole')
  expect(await store.check(two.ref)).toBe('whole')
  release()
  clock.advance(blobLimits.graceMs + 1)
  await store.putComponent(three.bytes)
  expect(await store.check(one.ref)).toBe('whole')
  expect(await store.check(three.ref)).toBe('whole')
})

test('before anybody says what releases need, nothing is removed', async () => {
  const store = await storeWith(new VirtualClock(), one, two)
  await expect(store.putComponent(three.bytes)).rejects.toMatchObject({ code: 'ERR_BLOB_QUOTA' })
  expect(await store.check(one.ref)).toBe('whole')
  expect(await store.check(two.ref)).toBe('whole')
})

test('what was stored before a restart counts against the quota', async () => {
  const clock = new VirtualClock()
  const folder = memoryFolder()
  const before = await openBlobStore(folder, { clock, quotaBytes })
  await before.putComponent(one.bytes)
  const after = await openBlobStore(folder, { clock, quotaBytes })
  expect(await after.usage()).toEqual({ ...(await before.usage()) })
})

async function place() {
  const random = new SeededRandom(9)
  const clock = new VirtualClock()
  const network = new SimNetwork(clock, random)
  const node = async (name: string, disk: SimDisk, store?: BlobStore) => {
    const kept = store ?? (await openBlobStore(await disk.folder(), { clock }))
    const transport = network.transport(name, { uplink: 1_000_000 })
    transport.start()
    const exchange = createBlobExchange({ transport, store: kept, clock, random, log: silentLog })
    await exchange.start?.()
    return { store: kept, exchange }
  }
  return { random, clock, network, node }
}

test('a fetch that finds the disk full says so, waits, and goes on with what came when there is room', async () => {
  const { random, clock, network, node } = await place()
  const source = await node('source', new SimDisk(random))
  await source.store.putComponent(one.bytes)
  const disk = new SimDisk(random)
  const fetcher = await node('fetcher', disk)
  network.connect('source', 'fetcher')
  disk.capacityBytes = disk.usedBytes + 100_000
  let last: FetchProgress | null = null
  const fetching = fetcher.exchange.fetch(one.ref, { onProgress: (progress) => (last = progress) })
  await clock.runUntil(() => last?.paused?.code === 'ERR_DISK_FULL', 10_000)
  await clock.run(120_000)
  const whileFull = fetcher.exchange.traffic.receivedBytes
  await clock.run(120_000)
  // Nothing is asked for again and again.
  expect(fetcher.exchange.traffic.receivedBytes).toBe(whileFull)
  disk.capacityBytes = Number.POSITIVE_INFINITY
  await clock.finish(fetching, 30_000)
  expect(isSame(await clock.finish(fetcher.store.readComponent(one.ref), 1_000), one.bytes)).toBe(true)
  expect(fetcher.exchange.traffic.receivedBytes).toBeLessThan(1.3 * one.bytes.length)
  expect(last).toMatchObject({ paused: null, haveBytes: one.bytes.length })
})

test('a disk that is full gets room from what no release needs, and the fetch never pauses', async () => {
  const { random, clock, network, node } = await place()
  const source = await node('source', new SimDisk(random))
  await source.store.putComponent(two.bytes)
  const disk = new SimDisk(random)
  const fetcher = await node('fetcher', disk)
  await fetcher.store.putComponent(one.bytes)
  fetcher.store.setNeeded(() => ({ required: [], kept: [] }))
  await clock.run(blobLimits.graceMs + 1)
  network.connect('source', 'fetcher')
  disk.capacityBytes = disk.usedBytes + 20_000
  const pauses: unknown[] = []
  await clock.finish(
    fetcher.exchange.fetch(two.ref, { onProgress: ({ paused }) => paused !== null && pauses.push(paused) }),
    60_000,
  )
  expect(pauses).toEqual([])
  expect(isSame(await clock.finish(fetcher.store.readComponent(two.ref), 1_000), two.bytes)).toBe(true)
})

test('a release to go back to makes room for one that must be here, the oldest first and whole', async () => {
  const clock = new VirtualClock()
  const store = await storeWith(clock, one, two)
  store.setNeeded(() => ({ required: [three.ref], kept: [two.ref, one.ref] }))
  await store.putComponent(three.bytes)
  expect(await store.check(three.ref)).toBe('whole')
  expect(await store.check(two.ref)).toBe('whole')
  expect(await store.holds(one.ref)).toBe(false)
})

test('what no release needs makes room before any release to go back to', async () => {
  const clock = new VirtualClock()
  const store = await storeWith(clock, one, two)
  store.setNeeded(() => ({ required: [three.ref], kept: [one.ref] }))
  // Used last, so that age alone would spare it.
  await store.readComponent(two.ref)
  await store.putComponent(three.bytes)
  expect(await store.check(one.ref)).toBe('whole')
  expect(await store.holds(two.ref)).toBe(false)
})

/** Three times the room of one, more than the quota. */
const huge = { bytes: sample(4, 700_000), ref: componentRef(sample(4, 700_000)).ref }

test('a component that cannot fit takes no room: not one chunk of it comes, and the others are fetched', async () => {
  const { random, clock, network, node } = await place()
  const source = await node('source', new SimDisk(random))
  for (const { bytes } of [huge, one, two]) await source.store.putComponent(bytes)
  const disk = new SimDisk(random)
  const fetcher = await node('fetcher', disk, await openBlobStore(await disk.folder(), { clock, quotaBytes }))
  fetcher.store.setNeeded(() => ({ required: [huge.ref, one.ref, two.ref], kept: [] }))
  network.connect('source', 'fetcher')
  let last: FetchProgress | null = null
  const calledOff = new AbortController()
  const hopeless = fetcher.exchange
    .fetch(huge.ref, { signal: calledOff.signal, onProgress: (progress) => (last = progress) })
    .catch((error: unknown) => error)
  await clock.runUntil(() => last?.paused?.code === 'ERR_BLOB_QUOTA', 10_000)
  expect(last).toMatchObject({ haveBytes: 0, fetchedBytes: huge.ref.chunks.sizeBytes })
  await clock.finish(fetcher.exchange.fetch(one.ref), 20_000)
  await clock.finish(fetcher.exchange.fetch(two.ref), 20_000)
  expect(await clock.finish(fetcher.store.check(two.ref), 1_000)).toBe('whole')
  await clock.run(60_000)
  expect(last).toMatchObject({ haveBytes: 0, fetchedBytes: huge.ref.chunks.sizeBytes })
  expect(String((last as FetchProgress | null)?.paused?.message)).toContain(
    '700000 bytes of the component are to come',
  )
  calledOff.abort(new Error('called off'))
  expect(await clock.finish(hopeless, 1_000)).toMatchObject({ message: 'called off' })
})

test('a component that waits for room is fetched when there is some', async () => {
  const { random, clock, network, node } = await place()
  const source = await node('source', new SimDisk(random))
  await source.store.putComponent(three.bytes)
  const disk = new SimDisk(random)
  const fetcher = await node('fetcher', disk, await openBlobStore(await disk.folder(), { clock, quotaBytes }))
  for (const { bytes } of [one, two]) await clock.finish(fetcher.store.putComponent(bytes), 10_000)
  await clock.run(blobLimits.graceMs + 1)
  let required = [one.ref, two.ref, three.ref]
  fetcher.store.setNeeded(() => ({ required, kept: [] }))
  network.connect('source', 'fetcher')
  let last: FetchProgress | null = null
  const fetching = fetcher.exchange.fetch(three.ref, { onProgress: (progress) => (last = progress) })
  await clock.runUntil(() => last?.paused?.code === 'ERR_BLOB_QUOTA', 10_000)
  await clock.run(60_000)
  required = [two.ref, three.ref]
  await clock.finish(fetching, 2 * blobLimits.fullDiskPauseMs)
  expect(last).toMatchObject({ paused: null, haveBytes: three.bytes.length })
  expect(await clock.finish(fetcher.store.check(two.ref), 1_000)).toBe('whole')
})

test('of two beginnings that do not fit together, one gives its room to the other', async () => {
  const { random, clock, network, node } = await place()
  const [left, right] = [begun(sample(5, 400_000)), begun(sample(6, 400_000))]
  const source = await node('source', new SimDisk(random))
  const disk = new SimDisk(random)
  const store = await openBlobStore(await disk.folder(), { clock, quotaBytes })
  for (const { bytes, list, chunks, ref } of [left, right]) {
    await source.store.putComponent(bytes)
    await clock.finish(store.putChunk(ref.chunks.digest, list), 1_000)
    for (const chunk of chunks.slice(0, chunks.length / 2))
      await clock.finish(store.putChunk(chunk.digest, chunk.bytes), 1_000)
  }
  await clock.run(blobLimits.graceMs + 1)
  store.setNeeded(() => ({ required: [left.ref, right.ref], kept: [] }))
  const fetcher = await node('fetcher', disk, store)
  network.connect('source', 'fetcher')
  const ends = [left, right].map(({ ref }) => {
    const end = { isDone: false }
    void fetcher.exchange.fetch(ref).then(
      () => (end.isDone = true),
      () => {},
    )
    return end
  })
  await clock.runUntil(() => ends.some(({ isDone }) => isDone), 60_000)
  await clock.run(60_000)
  expect(ends.filter(({ isDone }) => isDone)).toHaveLength(1)
})

function begun(bytes: Uint8Array) {
  return { bytes, ...componentRef(bytes) }
}

test('one chunk that the disk did not take is written again, and nothing comes twice', async () => {
  const { random, clock, network, node } = await place()
  const source = await node('source', new SimDisk(random))
  await source.store.putComponent(one.bytes)
  const disk = new SimDisk(random)
  const fetcher = await node('fetcher', disk)
  network.connect('source', 'fetcher')
  let writes = 0
  disk.onStep = (step) => {
    disk.faults = step === 'create' && ++writes === 4 ? 1 : 0
  }
  await clock.finish(fetcher.exchange.fetch(one.ref), 30_000)
  expect(writes).toBeGreaterThan(4)
  expect(isSame(await clock.finish(fetcher.store.readComponent(one.ref), 1_000), one.bytes)).toBe(true)
  expect(fetcher.exchange.traffic.receivedBytes).toBe(one.bytes.length + one.ref.chunks.sizeBytes)
})

test('a disk that takes nothing at all ends the fetch, with what the disk said', async () => {
  const { random, clock, network, node } = await place()
  const source = await node('source', new SimDisk(random))
  await source.store.putComponent(one.bytes)
  const disk = new SimDisk(random)
  const fetcher = await node('fetcher', disk)
  network.connect('source', 'fetcher')
  disk.onStep = (step) => {
    disk.faults = step === 'create' ? 1 : 0
  }
  const failed = fetcher.exchange.fetch(one.ref).catch((error: unknown) => error)
  expect(await clock.finish(failed, 60_000)).toMatchObject({
    code: 'ERR_BLOB_STORE',
    message: expect.stringMatching(/in 5 attempts: .*EIO/),
  })
})
