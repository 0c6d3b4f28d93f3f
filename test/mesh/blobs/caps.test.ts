/** What the owner of a node lets components take of its wires, and how components share what there is. */
import { expect, test } from 'vitest'
import { silentLog } from '../../../core/index.ts'
import {
  componentRef,
  createBlobExchange,
  openBlobStore,
  type BlobCaps,
  type BlobStore,
} from '../../../mesh/blobs/index.ts'
import { SeededRandom, SimDisk, SimNetwork, VirtualClock } from '../../sim/index.ts'
import { sample } from './samples.ts'

const large = sample(71, 600_000)
const small = sample(72, 30_000)
const [largeRef, smallRef] = [componentRef(large).ref, componentRef(small).ref]
/** Far more than any cap here. */
const line = 5_000_000
const cap = 50_000

function place() {
  const random = new SeededRandom(11)
  const clock = new VirtualClock()
  const network = new SimNetwork(clock, random)
  const node = async (name: string, caps: BlobCaps = {}, uplink = line) => {
    const store: BlobStore = await openBlobStore(await new SimDisk(random).folder(), { clock })
    const transport = network.transport(name, { uplink })
    transport.start()
    const exchange = createBlobExchange({ transport, store, clock, random, log: silentLog, caps })
    await exchange.start?.()
    return { store, exchange }
  }
  return { clock, network, node }
}

/** Half a second's worth is saved up, and a window may be on its way when the cap strikes. */
const atLeastMs = (bytes: number): number => (bytes / cap) * 1_000 - 2_000

test('a cap on uploads holds for all who fetch together', async () => {
  const { clock, network, node } = place()
  const source = await node('source', { uploadBytesPerSecond: cap })
  await source.store.putComponent(large)
  // They do not know each other: all of it comes from the source.
  const fetchers = [await node('a'), await node('b')]
  for (const name of ['a', 'b']) network.connect('source', name)
  const start = clock.monotonicMs()
  await clock.finish(Promise.all(fetchers.map(({ exchange }) => exchange.fetch(largeRef))), 120_000)
  expect(clock.monotonicMs() - start).toBeGreaterThan(atLeastMs(2 * large.length))
  expect(clock.monotonicMs() - start).toBeLessThan(1.5 * atLeastMs(2 * large.length))
})

test('a cap on downloads holds over all sources together', async () => {
  const { clock, network, node } = place()
  for (const name of ['one', 'other']) await (await node(name)).store.putComponent(large)
  const fetcher = await node('fetcher', { downloadBytesPerSecond: cap })
  for (const name of ['one', 'other']) network.connect(name, 'fetcher')
  const start = clock.monotonicMs()
  await clock.finish(fetcher.exchange.fetch(largeRef), 120_000)
  expect(clock.monotonicMs() - start).toBeGreaterThan(atLeastMs(large.length))
  expect(clock.monotonicMs() - start).toBeLessThan(1.5 * atLeastMs(large.length))
})

test('without caps the line alone decides', async () => {
  const { clock, network, node } = place()
  await (await node('source')).store.putComponent(large)
  const fetcher = await node('fetcher')
  network.connect('source', 'fetcher')
  const start = clock.monotonicMs()
  await clock.finish(fetcher.exchange.fetch(largeRef), 120_000)
  expect(clock.monotonicMs() - start).toBeLessThan(2_000)
})

test('a small component does not wait for a large one that was begun before it', async () => {
  const { clock, network, node } = place()
  const source = await node('source', { uploadBytesPerSecond: cap })
  for (const bytes of [large, small]) await source.store.putComponent(bytes)
  const [busy, late] = [await node('busy'), await node('late')]
  for (const name of ['busy', 'late']) network.connect('source', name)
  let isLargeThere = false
  const fetchingLarge = busy.exchange.fetch(largeRef).then(() => (isLargeThere = true))
  await clock.run(2_000)
  const start = clock.monotonicMs()
  await clock.finish(late.exchange.fetch(smallRef), 60_000)
  // Half of the line is its own: 30 KB at 25 KB/s, and what was on the way to the other.
  expect(clock.monotonicMs() - start).toBeLessThan(5_000)
  expect(isLargeThere).toBe(false)
  await clock.finish(fetchingLarge, 60_000)
})
