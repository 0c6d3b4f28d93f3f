/** Members that serve, or ask for, components as they should not, beside an honest one. Whole nodes in virtual time. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { digestOf, encodeCbor, type Digest } from '../../../core/index.ts'
import { encodeChunkFrame } from '../../../mesh/blobs/chunk-frame.ts'
import { blobLimits, componentRef } from '../../../mesh/blobs/index.ts'
import { blobsProtocol, encodeNotice, encodeWant } from '../../../mesh/blobs/messages.ts'
import type { ComponentRef } from '../../../mesh/index.ts'
import type { AttackName } from '../../../mesh/attacks.ts'
import { decodeRequest, encodeMessage, patchesProtocol } from '../../../mesh/patches/messages.ts'
import { makePatch } from '../../../mesh/patches/patch.ts'
import { readRelease } from '../../../mesh/releases/index.ts'
import type { Channel } from '../../../mesh/transport/index.ts'
import { heapInUse } from '../../heap.ts'
import { SeededRandom, SimDisk } from '../../sim/index.ts'
import { isSame, sample } from '../blobs/samples.ts'
import { requestsOf, wantsOf } from '../blobs/scripted-peer.ts'
import { newer, older, zstd } from '../patches/samples.ts'
import { expectSeen, VirtualHarbor, type Rogue, type Ship } from '../virtual-harbor.ts'

const component = sample(81, 600_000)
const { ref, list, chunks } = componentRef(component)
const blobs = new Map<Digest, Uint8Array>(chunks.map(({ digest, bytes }) => [digest, bytes]))
blobs.set(ref.chunks.digest, list)
const rightBytes = (digest: Digest): Uint8Array => blobs.get(digest) ?? new Uint8Array()
const frameOf = (digest: Digest, bytes: Uint8Array): Uint8Array =>
  encodeChunkFrame([{ digest, bytes }], false)

let harbor: VirtualHarbor
let honest: Ship
let c: Ship
let evil: Rogue

beforeEach(async () => {
  harbor = new VirtualHarbor(61)
  honest = await harbor.found('honest')
  c = await harbor.join('c', honest)
  evil = await harbor.turncoat('evil', honest)
  await harbor.until(() => c.mesh.members().length === 3)
  await harbor.dial(evil.transport, c)
})

afterEach(() => harbor.close())

function serving(serve: (channel: Channel) => Promise<void>): void {
  const options = { maxFrameBytes: 4 * blobLimits.frameBytes }
  evil.transport.handle(blobsProtocol, (_peer, channel) => void serve(channel).catch(() => {}), options)
}

/** Fetches while the rogue is the only source; the honest node has the component a little later. @returns how long, ms */
async function fetchAt(ship: Ship, aloneMs: number): Promise<number> {
  const startMs = harbor.clock.monotonicMs()
  const fetching = ship.mesh.exchange.fetch(ref)
  await harbor.clock.run(aloneMs)
  await honest.mesh.blobs.putComponent(component)
  await harbor.clock.finish(fetching, 60_000)
  return harbor.clock.monotonicMs() - startMs
}

async function expectFetched(attack: AttackName, isOut: boolean, aloneMs = 200): Promise<void> {
  await fetchAt(c, aloneMs)
  expect(isSame(await c.mesh.blobs.readComponent(ref), component)).toBe(true)
  await harbor.until(() => c.mesh.attacks.counts[attack] > 0)
  expectSeen(c, attack, 'some', evil)
  expect(c.transport.isBanned(evil.transport.self)).toBe(isOut)
}

test('who sends wrong bytes is shut out with the first chunk, and none of it is stored', async () => {
  const wrong = (digest: Digest): Uint8Array => rightBytes(digest).map((byte) => byte ^ 1)
  serving(async (channel) => {
    for await (const digest of wantsOf(channel, chunks.length)) {
      await channel.send(frameOf(digest, digest === ref.chunks.digest ? list : wrong(digest)))
    }
  })
  await expectFetched('wrong-bytes', true)
  for (const { digest } of chunks) expect(await c.mesh.blobs.getChunk(digestOf(wrong(digest)))).toBeNull()
})

test('who takes every want and sends nothing is passed over, and told of', async () => {
  serving(async (channel) => {
    for await (const _ of requestsOf(channel, chunks.length)) void _
  })
  await expectFetched('slow-retrieval', false, 10_000)
})

test('who sends a byte now and then is passed over, and told of', async () => {
  // A line that carries fifty bytes a second.
  evil.transport.disconnect(c.mesh.self)
  await harbor.until(() => !c.transport.peers().includes(evil.transport.self))
  harbor.network.setWire(evil.transport.self, c.mesh.self, { bytesPerSecond: 50 })
  await harbor.dial(evil.transport, c)
  serving(async (channel) => {
    for await (const digest of wantsOf(channel, chunks.length)) {
      await channel.send(frameOf(digest, rightBytes(digest)))
    }
  })
  await expectFetched('slow-retrieval', false, 10_000)
})

test('who answers with more than a frame may hold is shut out', async () => {
  serving(async (channel) => {
    for await (const _ of wantsOf(channel, chunks.length)) {
      await channel.send(new Uint8Array(blobLimits.frameBytes + 1).fill(1))
    }
  })
  await expectFetched('endless-data', true)
})

test('who appends to its messages is shut out', async () => {
  serving(async (channel) => {
    for await (const _ of channel.messages) {
      const notice = encodeNotice({ kind: 'missing', digests: [ref.digest] })
      await channel.send(Uint8Array.of(...notice, 0))
    }
  })
  await expectFetched('trailing-data', true)
})

test('who answers with nonsense is shut out', async () => {
  serving(async (channel) => {
    for await (const _ of channel.messages) await channel.send(new Uint8Array(5_000).fill(0x81))
  })
  await expectFetched('parser', true)
})

test('who sends what nobody asked for, without end, is shut out before it costs much', async () => {
  const junk = sample(82, 60_000)
  const frame = frameOf(digestOf(junk), junk)
  let sent = 0
  serving(async (channel) => {
    for (;;) {
      await channel.send(frame)
      sent += frame.length
    }
  })
  const before = heapInUse()
  await expectFetched('endless-data', true)
  expect(sent).toBeLessThan(16 * 1024 * 1024)
  expect(await c.mesh.blobs.getChunk(digestOf(junk))).toBeNull()
  expect(heapInUse() - before).toBeLessThan(32 * 1024 * 1024)
})

const floods: readonly (readonly [string, Uint8Array])[] = [
  ['what is there', encodeWant(chunks.slice(0, 64).map(({ digest }) => digest))],
  ['what is not there', encodeWant(Array.from({ length: 64 }, (_, index) => digestOf(Uint8Array.of(index))))],
]

test.each(floods)('who wants %s without end holds up nobody, and costs bounded memory', async (_, wants) => {
  await honest.mesh.blobs.putComponent(component)
  const before = heapInUse()
  const channel = await harbor.channel(evil, honest, blobsProtocol)
  const over = new AbortController()
  const flood = async (): Promise<void> => {
    while (!over.signal.aborted) await channel.send(wants)
  }
  flood().catch(() => {})
  expect(await fetchAt(c, 0)).toBeLessThan(10_000)
  over.abort()
  expect(heapInUse() - before).toBeLessThan(32 * 1024 * 1024)
})

test('a component whose chunks add up to other bytes than were signed is not run, whoever serves it', async () => {
  await honest.mesh.blobs.putComponent(component)
  const forged: ComponentRef = { ...ref, digest: digestOf(sample(83, 100)) }
  await expect(harbor.clock.finish(c.mesh.exchange.fetch(forged), 60_000)).rejects.toMatchObject({
    code: 'ERR_BLOB_MISMATCH',
  })
  expect(await c.mesh.blobs.readComponent(forged)).toBeNull()
  expect(c.transport.isBanned(honest.mesh.self)).toBe(false)
})

test('what is changed on the disk after it was checked is not what is run', async () => {
  await honest.mesh.blobs.putComponent(component)
  const disk = new SimDisk(new SeededRandom(7))
  const d = await harbor.join('d', honest, await disk.folder('/data'))
  await harbor.clock.finish(d.mesh.exchange.fetch(ref), 60_000)
  expect(await d.mesh.blobs.check(ref)).toBe('whole')
  const victim = chunks[3]?.digest ?? ''
  const path = disk.files().find((file) => file.endsWith(victim)) ?? ''
  expect(disk.flipBit(path)).toBe(true)
  harbor.kill(d)
  const again = await harbor.boot('d', await disk.restart('kept').folder('/data'))
  expect(await again.mesh.blobs.readComponent(ref)).toBeNull()
  await harbor.clock.finish(again.mesh.exchange.fetch(ref), 60_000)
  expect(isSame(await again.mesh.blobs.readComponent(ref), component)).toBe(true)
})

function withAnotherByte(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, at) => (at === 9 ? byte ^ 1 : byte))
}

const wrongPatches: readonly (readonly [string, Uint8Array])[] = [
  ['from another base', makePatch(newer, newer, zstd)],
  ['to other bytes', makePatch(older, withAnotherByte(older), zstd)],
  [
    'that inflates without end',
    encodeCbor({
      v: 1,
      sections: [
        {
          from: 0,
          length: 10,
          sizeBytes: newer.length,
          frame: zstd.compress(new Uint8Array(8_000_000), older.subarray(0, 10), 3),
        },
      ],
    }),
  ],
]

test.each(wrongPatches)('a patch %s changes nothing: the release comes all the same', async (_, patch) => {
  const [olderRef, newerRef] = [older, newer].map((bytes) => componentRef(bytes).ref) as [
    ComponentRef,
    ComponentRef,
  ]
  const one = harbor.release({ seq: 1, component: olderRef })
  const two = harbor.release({ seq: 2, component: newerRef, previous: readRelease(one).digest })
  for (const { mesh } of [honest, c]) {
    await mesh.blobs.putComponent(older)
    await mesh.releases.offer(one)
  }
  evil.transport.handle(patchesProtocol, (_peer, channel) => {
    const answer = async (): Promise<void> => {
      for await (const frame of channel.messages) {
        const request = decodeRequest(frame)
        if (request?.kind === 'find') {
          const offer = { base: 0, digest: digestOf(patch), sizeBytes: patch.length }
          await channel.send(
            encodeMessage({ kind: 'known', n: request.n, expecting: false, patches: [offer] }),
          )
        } else if (request?.kind === 'get') {
          await channel.send(encodeMessage({ kind: 'piece', n: request.n, bytes: patch }))
        }
      }
    }
    answer().catch(() => {})
  })
  await harbor.offer(evil, c, 'release/light-alarm', [2, 0], two)
  expect(c.mesh.releases.head('light-alarm')?.record.seq).toBe(2)
  const { record } = readRelease(two)
  const call = { signal: new AbortController().signal, onProgress: () => {} }
  const obtaining = c.mesh.source.obtain(record, call)
  await harbor.clock.run(500)
  await honest.mesh.blobs.putComponent(newer)
  expect(isSame(await harbor.clock.finish(obtaining, 60_000), newer)).toBe(true)
  expectSeen(c, 'bad-patch', 'some', evil)
})
