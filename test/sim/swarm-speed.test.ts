/** How near a swarm comes to the lower bound, in virtual time: of one seed's run it is the same on every machine. */
import { expect, test } from 'vitest'
import { memoryFolder, silentLog } from '../../core/index.ts'
import { componentRef, createBlobExchange, openBlobStore } from '../../mesh/blobs/index.ts'
import { SeededRandom, SimNetwork, VirtualClock } from './index.ts'

const receivers = 8
/** 20 Mbit/s. */
const line = 2_500_000

/** @returns the time until the last node had everything over the lower bound, and what the seed sent over the size */
async function race(
  seed: number,
  sizeBytes: number,
  leaving: number,
): Promise<{ ratio: number; seedSent: number }> {
  const random = new SeededRandom(seed)
  const clock = new VirtualClock()
  const network = new SimNetwork(clock, random, { wire: { minLatencyMs: 1, maxLatencyMs: 3 } })
  const bytes = random.bytes(sizeBytes)
  const { ref } = componentRef(bytes)
  const nodes = await Promise.all(
    Array.from({ length: receivers + 1 }, async (_, index) => {
      const store = await openBlobStore(memoryFolder(), { clock })
      if (index === 0) await store.putComponent(bytes)
      const transport = network.transport(`node-${index}`, { uplink: line, downlink: line })
      transport.start()
      const exchange = createBlobExchange({ transport, store, clock, random, log: silentLog })
      await exchange.start?.()
      return { transport, exchange }
    }),
  )
  const connect = (): void => {
    for (const { transport: a } of nodes)
      for (const { transport: b } of nodes) network.connect(a.self, b.self)
  }
  connect()
  const [source, ...others] = nodes
  const start = clock.monotonicMs()
  const fetching = Promise.all(others.map(({ exchange }) => exchange.fetch(ref)))
  if (leaving > 0) {
    await clock.runUntil(() => (others[0]?.exchange.traffic.receivedBytes ?? 0) > 0.4 * sizeBytes, 60_000)
    for (const { transport } of others.slice(0, leaving)) transport.stop()
    await clock.run(2_000)
    for (const { transport } of others.slice(0, leaving)) transport.start()
    connect()
  }
  await clock.finish(fetching, 120_000)
  const boundMs = Math.max(sizeBytes / line, (receivers * sizeBytes) / (line * (receivers + 1))) * 1_000
  return {
    ratio: (clock.monotonicMs() - start) / boundMs,
    seedSent: (source?.exchange.traffic.sentBytes ?? 0) / sizeBytes,
  }
}

test('a seed sends little more than one copy to eight nodes, which are done near the lower bound', async () => {
  const { ratio, seedSent } = await race(1, 6_000_000, 0)
  expect(ratio).toBeLessThan(1.3)
  expect(seedSent).toBeLessThan(1.35)
})

test('three of eight that leave for two seconds cost less than twice the lower bound', async () => {
  // The two seconds count as they are: of a larger file they are a smaller share.
  expect((await race(3, 9_000_000, 3)).ratio).toBeLessThan(2)
})
