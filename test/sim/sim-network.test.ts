/** The virtual network under the daemon's own heads and blobs. */
import { expect, test } from 'vitest'
import { digestOf, encodeCbor, decodeCbor, silentLog } from '../../core/index.ts'
import { componentRef, createBlobExchange, openBlobStore, type BlobExchange } from '../../mesh/blobs/index.ts'
import { createHeadExchange, type Head, type HeadExchange } from '../../mesh/heads/index.ts'
import { transportLimits, type Channel } from '../../mesh/transport/index.ts'
import { sample } from '../mesh/blobs/samples.ts'
import {
  type SeededRandom,
  SimDisk,
  SimNetwork,
  simSeed,
  VirtualClock,
  withSeedAsync,
  type SimTransport,
  type SimNetworkOptions,
} from './index.ts'

interface Place {
  readonly clock: VirtualClock
  readonly network: SimNetwork
  readonly random: SeededRandom
}

function place(random: SeededRandom, options: SimNetworkOptions = {}): Place {
  const clock = new VirtualClock()
  return { clock, random, network: new SimNetwork(clock, random, options) }
}

function started(network: SimNetwork, name: string, options = {}): SimTransport {
  const transport = network.transport(name, options)
  transport.start()
  return transport
}

function makeHead(key: string, order: number, content: string): Head {
  const bytes = encodeCbor({ key, order, content })
  return { key, order: [order, 0], digest: digestOf(bytes), bytes }
}

function headNode({ clock, network, random }: Place, name: string): HeadExchange {
  const exchange: HeadExchange = createHeadExchange({
    transport: started(network, name),
    clock,
    random,
    log: silentLog,
    async accept(key, bytes) {
      const { order, content } = decodeCbor(bytes, { maxBytes: 4_096, maxDepth: 4, maxItems: 16 }) as {
        order: number
        content: string
      }
      const before = exchange.get(key)
      exchange.changed(makeHead(key, order, content))
      return exchange.get(key) === before ? 'older' : 'accepted'
    },
  })
  exchange.start()
  return exchange
}

const seed = simSeed()

/** Opens a channel from `a` to `b` and hands out both ends. */
async function pair(
  { clock, network }: Place,
  options: { uplink?: number; maxFrameBytes?: number } = {},
): Promise<{ a: SimTransport; b: SimTransport; near: Channel; far: Channel }> {
  const a = started(network, 'a', { uplink: options.uplink })
  const b = started(network, 'b')
  let far: Channel | null = null
  b.handle('/x', (_peer, channel) => (far = channel), options)
  network.connect('a', 'b')
  const near = await clock.finish(a.open('b', '/x', new AbortController().signal), 1_000)
  return { a, b, near, far: far as unknown as Channel }
}

async function readAll(channel: Channel): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = []
  for await (const frame of channel.messages) frames.push(frame)
  return frames
}

test('frames arrive whole, in order and once, however late some of them are', () =>
  withSeedAsync(seed, async (random) => {
    const scene = place(random, { wire: { maxLatencyMs: 40, resendChance: 0.3, resendMs: 200 } })
    const { near, far } = await pair(scene)
    const sent = Array.from({ length: 100 }, (_, at) => new Uint8Array(1 + random.below(2_000)).fill(at))
    const read = readAll(far)
    const sending = (async () => {
      for (const frame of sent) await near.send(frame)
      near.close()
    })()
    await scene.clock.finish(sending, 60_000)
    expect(await scene.clock.finish(read, 60_000)).toEqual(sent)
    await scene.clock.finish(far.closed, 1_000)
    await expect(far.send(new Uint8Array(1))).rejects.toMatchObject({ code: 'ERR_CHANNEL_CLOSED' })
  }))

test('a sender is held by a reader that does not read, and the channel is given up in the end', () =>
  withSeedAsync(seed, async (random) => {
    const scene = place(random)
    const { near } = await pair(scene)
    let frames = 0
    const sending = (async () => {
      for (;;) {
        await near.send(new Uint8Array(64 * 1024))
        frames++
      }
    })().catch((error: Error & { code?: string }) => error.code)
    await scene.clock.run(1_000)
    expect(frames * 64 * 1024).toBeLessThan(1024 * 1024)
    expect(await scene.clock.finish(sending, transportLimits.sendStallMs)).toBe('ERR_CHANNEL_CLOSED')
  }))

test('a line passes so many bytes per second, and its channels share it', () =>
  withSeedAsync(seed, async (random) => {
    const scene = place(random)
    const { a, near, far } = await pair(scene, { uplink: 1_000_000 })
    const other = await scene.clock.finish(a.open('b', '/x', new AbortController().signal), 1_000)
    const start = scene.clock.monotonicMs()
    await Promise.all([near.send(new Uint8Array(500_000)), other.send(new Uint8Array(50_000))])
    let smallAtMs = 0
    other.closed.then(() => (smallAtMs = scene.clock.monotonicMs())).catch(() => {})
    near.close()
    other.close()
    expect((await scene.clock.finish(readAll(far), 5_000))[0]?.length).toBe(500_000)
    expect(scene.clock.monotonicMs() - start).toBeGreaterThan(540)
    expect(scene.clock.monotonicMs() - start).toBeLessThan(570)
    expect(smallAtMs - start).toBeLessThan(200)
  }))

test('a frame over the limit of its reader ends the channel with an error', () =>
  withSeedAsync(seed, async (random) => {
    const scene = place(random)
    const { near, far } = await pair(scene, { maxFrameBytes: 100 })
    await near.send(new Uint8Array(101))
    await expect(scene.clock.finish(readAll(far), 1_000)).rejects.toMatchObject({
      code: 'ERR_FRAME_TOO_LARGE',
    })
  }))

test('a partition that heals in time only delays; one that lasts is noticed by both ends', () =>
  withSeedAsync(seed, async (random) => {
    const scene = place(random, { silenceMs: 5_000 })
    const { a, b, near, far } = await pair(scene)
    const lost: string[] = []
    for (const end of [a, b]) end.on('peer:lost', ({ peer }) => lost.push(peer))
    const read = readAll(far)
    scene.network.partition(['a'], ['b'])
    await near.send(new Uint8Array([1]))
    await scene.clock.run(4_000)
    scene.network.heal()
    await near.send(new Uint8Array([2]))
    await scene.clock.run(2_000)
    expect(lost).toEqual([])
    scene.network.partition(['a'], ['b'])
    await near.send(new Uint8Array([3]))
    await scene.clock.run(6_000)
    expect(lost.sort()).toEqual(['a', 'b'])
    expect(await read).toEqual([new Uint8Array([1]), new Uint8Array([2])])
    expect(a.peers()).toEqual([])
  }))

test('who is banned or does not run cannot be dialled, and a gate decides who is admitted', () =>
  withSeedAsync(seed, async (random) => {
    const { clock, network } = place(random)
    const gate = {
      greet: async (): Promise<Uint8Array> => new Uint8Array([1]),
      check: async (remote: string): Promise<void> => {
        if (remote === 'stranger') throw Object.assign(new Error('no member'), { code: 'ERR_STRANGER' })
      },
    }
    const member = started(network, 'member', { gate })
    const [stranger, friend] = [started(network, 'stranger'), started(network, 'friend')]
    const signal = new AbortController().signal
    const dial = (from: SimTransport): Promise<string> =>
      clock.finish(from.dial(member.addresses(), signal), 10_000)
    await expect(dial(stranger)).rejects.toMatchObject({ code: 'ERR_ADMISSION_REFUSED' })
    expect(await dial(friend)).toBe('member')
    member.ban('friend', 1_000, 'a test')
    await clock.run(10)
    expect(friend.peers()).toEqual([])
    await expect(dial(friend)).rejects.toMatchObject({ code: 'ERR_DIAL_UNREACHABLE' })
    await clock.run(1_000)
    expect(await dial(friend)).toBe('member')
    member.kill()
    await clock.run(10)
    expect(friend.peers()).toEqual([])
    await expect(clock.finish(friend.dial('member', signal), 10_000)).rejects.toMatchObject({
      code: 'ERR_DIAL_REFUSED',
    })
  }))

test('heads reach every node over wires that break, and the same seed gives the same run', async () => {
  const trace = (own: number): Promise<string> =>
    withSeedAsync(own, async (random) => {
      const scene = place(random, {
        wire: { maxLatencyMs: 80, resendChance: 0.1, resendMs: 200, breakChance: 0.02 },
      })
      const names = ['n0', 'n1', 'n2', 'n3', 'n4', 'n5']
      const nodes = names.map((name) => headNode(scene, name))
      const link = (): void =>
        names.forEach((name, at) => scene.network.connect(name, names[(at + 1) % 6] as string))
      for (let round = 0; round < 20; round++) {
        link()
        random.pick(nodes).changed(makeHead(`release/${random.below(5)}`, round, `${round}`))
        await scene.clock.run(random.below(1_000))
      }
      const isSame = (): boolean => new Set(nodes.map((node) => node.summary().digest)).size === 1
      for (let round = 0; round < 60 && !isSame(); round++) {
        link()
        await scene.clock.run(1_000)
      }
      expect(isSame()).toBe(true)
      return JSON.stringify([
        scene.clock.monotonicMs(),
        names.map((name) => scene.network.find(name)?.sentBytes()),
      ])
    })
  expect(await trace(seed)).toBe(await trace(seed))
})

test('a component reaches a node over slow wires while one source leaves and comes back', () =>
  withSeedAsync(seed, async (random) => {
    const { clock, network } = place(random, { wire: { minLatencyMs: 5, maxLatencyMs: 30 } })
    const bytes = sample(seed, 600_000)
    const { ref } = componentRef(bytes)
    const node = async (
      name: string,
      has: boolean,
    ): Promise<{ transport: SimTransport; exchange: BlobExchange }> => {
      const disk = new SimDisk(random)
      const store = await openBlobStore(await disk.folder('/blobs'), { clock })
      if (has) await store.putComponent(bytes)
      const transport = started(network, name, { uplink: 200_000, downlink: 400_000 })
      const exchange = createBlobExchange({ transport, store, clock, random, log: silentLog })
      await exchange.start?.()
      return { transport, exchange }
    }
    const [a, b, c] = [await node('a', true), await node('b', true), await node('c', false)]
    network.connect('c', 'a')
    network.connect('c', 'b')
    const fetched = c.exchange.fetch(ref)
    await clock.run(500)
    a.transport.stop()
    await clock.run(500)
    a.transport.start()
    network.connect('c', 'a')
    const { fetchedBytes } = await clock.finish(fetched, 60_000)
    expect(fetchedBytes).toBeGreaterThanOrEqual(bytes.length)
    expect(b.exchange.traffic.sentBytes).toBeGreaterThan(0)
    // 600 KB through 400 KB/s.
    expect(clock.monotonicMs()).toBeGreaterThan(1_500)
  }))
