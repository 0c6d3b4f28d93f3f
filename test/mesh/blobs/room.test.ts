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
  store.setNeeded(() => [])
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
  store.setNeeded(() => [one.ref])
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
  fetcher.store.setNeeded(() => [])
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
