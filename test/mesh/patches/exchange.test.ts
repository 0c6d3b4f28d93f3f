/** The daemon's own exchange of patches and chunks in virtual time. */
import { describe, expect, test } from 'vitest'
import { digestOf, encodeCbor, memoryFolder, silentLog } from '../../../core/index.ts'
import { openPatchStore, patchLimits, type PatchCodec } from '../../../mesh/patches/index.ts'
import { encodeMessage, patchesProtocol, type PatchRequest } from '../../../mesh/patches/messages.ts'
import { makePatch } from '../../../mesh/patches/patch.ts'
import { simSeed, withSeedAsync } from '../../sim/index.ts'
import { isSame, sample } from '../blobs/samples.ts'
import { directCodec, newer, older, zstd } from './samples.ts'
import { newerRecord, newerRef, olderRef, Swarm, type Say, type SwarmNode } from './swarm.ts'

const patch = makePatch(older, newer, zstd)

function chunkBytes({ exchange }: SwarmNode): number {
  return exchange.traffic.receivedBytes
}

/** All bytes that nodes other than `node` put on the wire under any protocol. */
function sentBytes(node: SwarmNode): number {
  return [...node.transport.sent.values()].reduce((sum, { bytes }) => sum + bytes, 0)
}

/** Serves `bytes` as the patch from the first base, whatever it is. */
function offering(bytes: Uint8Array, said = digestOf(bytes), sizeBytes = bytes.length) {
  return (request: PatchRequest, say: Say): void => {
    const { n } = request
    if (request.kind === 'find') {
      say({ kind: 'known', n, expecting: false, patches: [{ base: 0, digest: said, sizeBytes }] })
    }
    if (request.kind !== 'get') return
    for (let at = 0; at < bytes.length; at += patchLimits.pieceBytes) {
      say({ kind: 'piece', n, bytes: bytes.subarray(at, at + patchLimits.pieceBytes) })
    }
  }
}

test('a node that has the release before gets the next one by a patch, and no chunk or list', async () => {
  const swarm = new Swarm()
  const [a, b] = [await swarm.publisher('a'), await swarm.node('b')]
  swarm.connectAll([a, b])
  const result = swarm.obtain(b)
  await swarm.clock.runUntil(() => result.isDone, 1_000)
  expect(isSame(result.bytes, newer)).toBe(true)
  expect(chunkBytes(b)).toBe(0)
  expect(b.patches.traffic).toEqual({ receivedBytes: patch.length, sentBytes: 0, made: 0, applied: 1 })
  expect(result.progress.at(-1)).toEqual({
    haveBytes: newer.length,
    totalBytes: newer.length,
    fetchedBytes: patch.length,
    patchBytes: patch.length,
    paused: null,
  })
})

test('what a patch gave is stored in chunks, which those who have nothing can fetch', async () => {
  const swarm = new Swarm()
  const [a, b] = [await swarm.publisher('a'), await swarm.node('b')]
  const c = await swarm.node('c', { has: [] })
  swarm.connectAll([a, b])
  const result = swarm.obtain(b)
  await swarm.clock.runUntil(() => result.isDone, 1_000)
  expect(await b.blobs.check(newerRef)).toBe('whole')
  swarm.network.connect('b', 'c')
  const late = swarm.obtain(c)
  await swarm.clock.runUntil(() => late.isDone, 5_000)
  expect(isSame(late.bytes, newer)).toBe(true)
})

test('only chunks that the node lacks are written', async () => {
  const swarm = new Swarm()
  const folder = memoryFolder()
  const [a, b] = [await swarm.publisher('a'), await swarm.node('b', { folder })]
  const names = async (): Promise<string[]> => {
    const blobs = await folder.folder('blobs')
    const lists = (await Promise.all(
      Array.from({ length: 256 }, async (_, index) =>
        (await blobs.folder(index.toString(16).padStart(2, '0'))).list(),
      ),
    )) as string[][]
    return lists.flat()
  }
  const before = await names()
  swarm.connectAll([a, b])
  const result = swarm.obtain(b)
  await swarm.clock.runUntil(() => result.isDone, 1_000)
  const added = (await names()).length - before.length
  expect(added).toBeGreaterThan(1)
  expect(added).toBeLessThan(6)
})

test('whoever asks while the patch is being made is told to wait, and does not fetch chunks meanwhile', async () => {
  const swarm = new Swarm()
  const slow: PatchCodec = {
    ...directCodec,
    make: (base, target) =>
      new Promise((resolve) => swarm.clock.after(1_500, () => resolve(makePatch(base, target, zstd)))),
  }
  const [a, b] = [await swarm.node('a', { has: [older, newer], codec: slow }), await swarm.node('b')]
  swarm.connectAll([a, b])
  void a.source.prepareFor(newerRecord)
  const result = swarm.obtain(b)
  await swarm.clock.run(1_000)
  expect(result.isDone).toBe(false)
  await swarm.clock.runUntil(() => result.isDone, 2_000)
  expect(chunkBytes(b)).toBe(0)
})

test('where making it fails, those who waited fetch chunks at once', async () => {
  const swarm = new Swarm()
  const broken: PatchCodec = {
    ...directCodec,
    make: () =>
      new Promise((_resolve, reject) => swarm.clock.after(500, () => reject(new Error('no memory')))),
  }
  const [a, b] = [await swarm.node('a', { has: [older, newer], codec: broken }), await swarm.node('b')]
  swarm.connectAll([a, b])
  void a.source.prepareFor(newerRecord)
  const result = swarm.obtain(b)
  await swarm.clock.runUntil(() => result.isDone, 1_500)
  expect(isSame(result.bytes, newer)).toBe(true)
})

test('a patch is handed on from neighbour to neighbour: whoever made it sends it once for each of its own', async () => {
  const swarm = new Swarm()
  const a = await swarm.publisher('a')
  const chain = [a, ...(await Promise.all(['b', 'c', 'd', 'e'].map((name) => swarm.node(name))))]
  for (const [at, node] of chain.slice(1).entries()) {
    swarm.network.connect(chain[at]?.name ?? '', node.name)
  }
  const results = chain.slice(1).map((node) => swarm.obtain(node))
  await swarm.clock.runUntil(() => results.every(({ isDone }) => isDone), 10_000)
  expect(results.every(({ bytes }) => isSame(bytes, newer))).toBe(true)
  expect(a.patches.traffic.sentBytes).toBe(patch.length)
  expect(chain.slice(1).map((node) => node.patches.traffic.applied)).toEqual([1, 1, 1, 1])
  expect(chain.slice(1).map(chunkBytes)).toEqual([0, 0, 0, 0])
})

test('in a mesh of eight where all ask at once, asking costs each node little beside the patch', async () => {
  const swarm = new Swarm()
  const a = await swarm.publisher('a')
  const others = await Promise.all(['b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => swarm.node(name)))
  swarm.connectAll([a, ...others])
  const results = others.map((node) => swarm.obtain(node))
  await swarm.clock.runUntil(() => results.every(({ isDone }) => isDone), 10_000)
  await swarm.clock.run(1_000)
  const total = [a, ...others].reduce((sum, node) => sum + sentBytes(node), 0)
  expect(others.map(chunkBytes)).toEqual(others.map(() => 0))
  expect(total / others.length - patch.length).toBeLessThan(3_000)
})

test('who told of the release is asked first, and nobody else where that is enough', async () => {
  const swarm = new Swarm()
  const nodes = await Promise.all(['b', 'c', 'd', 'e'].map((name) => swarm.node(name)))
  const [z, b] = [await swarm.publisher('z'), nodes[0] as SwarmNode]
  swarm.connectAll([...nodes, z])
  b.source.heard('release/app', 'z')
  const result = swarm.obtain(b)
  await swarm.clock.runUntil(() => result.isDone, 1_000)
  expect(nodes.slice(1).filter((node) => sentBytes(node) > 0).length).toBeLessThanOrEqual(1)
})

test('nodes that know no patches go on with chunks, in both directions', async () => {
  const swarm = new Swarm()
  const old = await swarm.node('old', { has: [older, newer], knowsPatches: false })
  const b = await swarm.node('b')
  swarm.connectAll([old, b])
  const result = swarm.obtain(b)
  await swarm.clock.runUntil(() => result.isDone, 2_000)
  expect(isSame(result.bytes, newer)).toBe(true)
  expect(chunkBytes(b)).toBeGreaterThan(newerRef.chunks.sizeBytes)
  const [next, laggard] = [
    await swarm.publisher('next'),
    await swarm.node('laggard', { knowsPatches: false }),
  ]
  swarm.connectAll([next, laggard])
  const second = swarm.obtain(laggard)
  await swarm.clock.runUntil(() => second.isDone, 2_000)
  expect(isSame(second.bytes, newer)).toBe(true)
})

test('a patch that turns up while chunks are on their way is used', async () => {
  const swarm = new Swarm()
  const [a, b] = [await swarm.node('a', { has: [older] }), await swarm.node('b')]
  swarm.connectAll([a, b])
  const result = swarm.obtain(b)
  await swarm.clock.run(1_000)
  expect(result.isDone).toBe(false)
  // Chunks would come as well: so that it is the patch, nobody serves them.
  await a.exchange.stop?.()
  await swarm.clock.finish(a.blobs.putComponent(newer), 10)
  void a.source.prepareFor(newerRecord)
  await swarm.clock.runUntil(() => result.isDone, 10_000)
  expect(isSame(result.bytes, newer)).toBe(true)
  expect(b.patches.traffic.applied).toBe(1)
})

test('a node without the base, or with one that is damaged, fetches chunks', async () => {
  const swarm = new Swarm()
  const [a, b] = [await swarm.publisher('a'), await swarm.node('b')]
  const readComponent = b.blobs.readComponent.bind(b.blobs)
  b.blobs.readComponent = async (ref) => (ref.digest === olderRef.digest ? null : readComponent(ref))
  swarm.connectAll([a, b])
  const result = swarm.obtain(b)
  await swarm.clock.runUntil(() => result.isDone, 3_000)
  expect(isSame(result.bytes, newer)).toBe(true)
  expect(b.reports).toEqual([])
  expect(chunkBytes(b)).toBeGreaterThan(0)
})

test('a node that was away while others have no patch from what it has is made one, once, by whom it asks', async () => {
  const swarm = new Swarm()
  const made: number[] = []
  const counting: PatchCodec = {
    ...directCodec,
    make(base, target) {
      made.push(target.length)
      return directCodec.make(base, target)
    },
  }
  const a = await swarm.node('a', { has: [older, newer], codec: counting })
  const [b, c] = [await swarm.node('b'), await swarm.node('c')]
  swarm.connectAll([a, b])
  const first = swarm.obtain(b)
  await swarm.clock.runUntil(() => first.isDone, 2_000)
  swarm.connectAll([a, c])
  const second = swarm.obtain(c)
  await swarm.clock.runUntil(() => second.isDone, 2_000)
  expect([b, c].map(chunkBytes)).toEqual([0, 0])
  expect(made).toEqual([newer.length])
})

test('a patch that saves nothing is not made', async () => {
  const swarm = new Swarm()
  const other = sample(51, 300_000)
  const a = await swarm.node('a', { has: [older, other] })
  const otherRef = await swarm.clock.finish(a.blobs.putComponent(other), 10)
  await swarm.clock.finish(a.patches.make(olderRef, otherRef), 1_000)
  expect(a.patchStore.find(otherRef.digest, [olderRef.digest])).toEqual([])
  expect(a.patches.traffic.made).toBe(0)
})

test('whoever no longer wants the release ends both ways of getting it', async () => {
  const swarm = new Swarm()
  const b = await swarm.node('b')
  const lonely = new AbortController()
  const result = swarm.obtain(b, lonely.signal)
  await swarm.clock.run(500)
  lonely.abort(new Error('no longer wanted'))
  await swarm.clock.run(10)
  expect(String(result.error)).toContain('no longer wanted')
})

describe('a hostile peer', () => {
  const other = older.slice()
  other[9] = (other[9] ?? 0) ^ 1
  const inflating = encodeCbor({
    v: 1,
    sections: [
      {
        from: 0,
        length: 10,
        sizeBytes: newer.length,
        frame: zstd.compress(new Uint8Array(8_000_000), older.subarray(0, 10), 3),
      },
    ],
  })

  test.each([
    ['that hands out a patch for another base', offering(makePatch(newer, newer, zstd)), 'bad-patch'],
    ['that hands out a patch to other bytes', offering(makePatch(older, other, zstd)), 'bad-patch'],
    ['that hands out rubbish', offering(sample(52, 900)), 'bad-patch'],
    ['that sends other bytes than it offered', offering(sample(52, 900), digestOf(patch)), 'bad-patch'],
    ['whose patch would inflate without end', offering(inflating), 'bad-patch'],
    ['that sends more than it offered', offering(sample(53, 40_000), digestOf(patch), 100), 'parser'],
    [
      'that drips its patch byte by byte',
      (request: PatchRequest, say: Say) => {
        const { n } = request
        if (request.kind === 'get') say({ kind: 'piece', n, bytes: patch.subarray(0, 1) })
        else offering(patch)(request, say)
      },
      'parser',
    ],
    [
      'that offers a patch for a base that nobody asked for',
      ({ n }: PatchRequest, say: Say) =>
        say({
          kind: 'known',
          n,
          expecting: false,
          patches: [{ base: 3, digest: digestOf(patch), sizeBytes: 9 }],
        }),
      'parser',
    ],
    ['that does not speak the protocol', (_request: PatchRequest, say: Say) => say(sample(54, 90)), 'parser'],
    [
      'that sends a frame over the limit',
      (_request: PatchRequest, say: Say) => say(new Uint8Array(500_000)),
      'parser',
    ],
  ])('%s is noted and not asked again, and the release comes all the same', async (_what, answer, attack) => {
    const swarm = new Swarm()
    const asked: string[] = []
    const rogue = swarm.rogue('rogue', (request, say) => {
      asked.push(request.kind)
      answer(request, say)
    })
    const [honest, b] = [await swarm.node('honest', { has: [newer] }), await swarm.node('b')]
    swarm.connectAll([rogue, honest, b])
    b.source.heard('release/app', 'rogue')
    const result = swarm.obtain(b)
    await swarm.clock.runUntil(() => result.isDone, 5_000)
    expect(isSame(result.bytes, newer)).toBe(true)
    expect(b.reports).toEqual([`${attack} of rogue`])
    expect(b.patchStore.find(newerRef.digest, [olderRef.digest])).toEqual([])
    // It is still a peer: it may have the right chunks.
    expect(b.transport.peers()).toContain('rogue')
    const finds = asked.filter((kind) => kind === 'find').length
    expect(finds).toBe(1)
  })

  test.each([
    ['that never answers', () => {}, []],
    [
      'that always expects a patch and never has one',
      ({ n }: PatchRequest, say: Say) => say({ kind: 'known', n, expecting: true, patches: [] }),
      [],
    ],
    [
      'that offers a patch and does not send it',
      (request: PatchRequest, say: Say) => {
        if (request.kind !== 'get') offering(patch)(request, say)
      },
      ['slow-retrieval of rogue'],
    ],
    [
      'that offers a patch and then has it no more, again and again',
      (request: PatchRequest, say: Say) => {
        offering(patch)({ n: request.n, kind: 'find', app: 'app', target: '', bases: [] }, say)
        if (request.kind === 'get') say({ kind: 'gone', n: request.n })
      },
      [],
    ],
  ])('%s holds a release up for seconds at most', async (_what, answer, reports) => {
    const swarm = new Swarm()
    const rogue = swarm.rogue('rogue', answer)
    const [honest, b] = [await swarm.node('honest', { has: [newer] }), await swarm.node('b')]
    swarm.connectAll([rogue, honest, b])
    b.source.heard('release/app', 'rogue')
    const result = swarm.obtain(b)
    await swarm.clock.runUntil(() => result.isDone, 9_000)
    expect(isSame(result.bytes, newer)).toBe(true)
    expect(b.reports).toEqual(reports)
  })

  test('that asks without end makes a node remember no more than a few questions', async () => {
    const swarm = new Swarm()
    const a = await swarm.publisher('a')
    const rogue = swarm.rogue('rogue', () => {})
    swarm.connectAll([a, rogue])
    const channel = await swarm.clock.finish(
      rogue.transport.open('a', patchesProtocol, new AbortController().signal),
      1_000,
    )
    for (let n = 0; n < 10 * patchLimits.questionsPerPeer; n++) {
      const find = {
        kind: 'find',
        app: 'app',
        n,
        target: newerRef.digest,
        bases: [sample(n, 1).length.toString().padStart(64, '0')],
      }
      await swarm.clock.finish(channel.send(encodeMessage(find as PatchRequest)), 1_000)
    }
    await swarm.clock.run(1_000)
    const before = sentBytes(a)
    await a.patchStore.put('0'.repeat(63) + '1', newerRef.digest, patch)
    const making = a.patches.make(olderRef, { ...newerRef, chunks: newerRef.chunks })
    await swarm.clock.finish(making, 1_000)
    await swarm.clock.run(1_000)
    expect(sentBytes(a) - before).toBeLessThan(patchLimits.questionsPerPeer * 300)
  })
})

test('a swarm with a liar and wires that break ends right on every seed', { timeout: 120_000 }, async () => {
  const first = simSeed()
  for (let run = 0; run < 8; run++) {
    await withSeedAsync(first + run, async () => {
      const wire = { minLatencyMs: 5, maxLatencyMs: 60, breakChance: 0.01 }
      const swarm = new Swarm(first + run, { wire })
      const a = await swarm.publisher('a')
      const others = await Promise.all(['b', 'c', 'd', 'e'].map((name) => swarm.node(name)))
      const liar = swarm.rogue('liar', offering(makePatch(older, older, zstd)))
      const all = [a, ...others, liar]
      swarm.connectAll(all)
      const results = others.map((node) => swarm.obtain(node))
      const reconnect = (): void => {
        swarm.connectAll(all)
        swarm.clock.after(1_000, reconnect)
      }
      reconnect()
      await swarm.clock.runUntil(() => results.every(({ isDone }) => isDone), 120_000)
      expect(results.every(({ bytes }) => isSame(bytes, newer))).toBe(true)
    })
  }
})

describe('what is kept of patches', () => {
  test('is there after a restart, and what is damaged is not', async () => {
    const folder = memoryFolder()
    const store = await openPatchStore(folder, silentLog)
    await store.put(olderRef.digest, newerRef.digest, patch)
    await folder.write('c'.repeat(64), patch)
    const again = await openPatchStore(folder, silentLog)
    expect(again.find(newerRef.digest, ['d'.repeat(64), olderRef.digest])).toEqual([
      { base: olderRef.digest, target: newerRef.digest, digest: digestOf(patch), sizeBytes: patch.length },
    ])
    expect(isSame(await again.get(digestOf(patch)), patch)).toBe(true)
    expect(await folder.list()).toEqual([digestOf(patch)])
    await folder.write(digestOf(patch), patch.subarray(1))
    expect(await again.get(digestOf(patch))).toBeNull()
    expect(again.find(newerRef.digest, [olderRef.digest])).toEqual([])
  })

  test('is bounded in number and bytes, the oldest leave, and all leave with their release', async () => {
    const folder = memoryFolder()
    const store = await openPatchStore(folder, silentLog)
    const name = (at: number): string => String(at).padStart(64, '0')
    for (let at = 0; at < patchLimits.keptPatches + 3; at++)
      await store.put(name(at), name(at), sample(at, 10))
    expect((await folder.list()).length).toBe(patchLimits.keptPatches)
    expect(store.find(name(0), [name(0)])).toEqual([])
    for (let at = 100; at < 110; at++)
      await store.put(name(at), name(at), sample(at, patchLimits.patchBytes / 2))
    const held = await Promise.all(
      (await folder.list()).map(async (file) => (await folder.read(file, 4e6))?.length ?? 0),
    )
    expect(held.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(patchLimits.keptBytes + 4_096)
    await store.retain(new Set([name(109)]))
    expect((await folder.list()).length).toBe(1)
  })
})
