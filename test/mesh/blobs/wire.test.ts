/** What peers say to each other about blobs, well formed and not. */
import { deflateRawSync } from 'node:zlib'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestOf, isSelvedgeError } from '../../../core/index.ts'
import { decodeChunkFrame, encodeChunkFrame, isChunkFrame } from '../../../mesh/blobs/chunk-frame.ts'
import { blobLimits } from '../../../mesh/blobs/index.ts'
import {
  decodeNotice,
  decodeRequest,
  encodeNotice,
  encodeRequest,
  encodeWant,
} from '../../../mesh/blobs/messages.ts'

const bodies = fc.array(
  fc
    .oneof(
      fc.uint8Array({ minLength: 1, maxLength: 3_000 }),
      fc.integer({ min: 1, max: 60_000 }).map((length) => new Uint8Array(length).fill(7)),
    )
    .map((bytes) => ({ digest: digestOf(bytes), bytes })),
  { minLength: 1, maxLength: 20 },
)

test('chunks come out of a frame as they went in, packed or not', () => {
  fc.assert(
    fc.property(bodies, fc.boolean(), (chunks, packs) => {
      const frame = encodeChunkFrame(chunks, packs)
      expect(isChunkFrame(frame)).toBe(true)
      const read = decodeChunkFrame(frame)
      expect(read.map(({ digest }) => digest)).toEqual(chunks.map(({ digest }) => digest))
      expect(read.map(({ bytes }) => digestOf(bytes))).toEqual(read.map(({ digest }) => digest))
    }),
    { numRuns: 60 },
  )
})

test('what repeats itself takes less room, what does not takes no more', () => {
  const even = new Uint8Array(60_000)
  expect(encodeChunkFrame([{ digest: digestOf(even), bytes: even }], true).length).toBeLessThan(1_000)
  expect(encodeChunkFrame([{ digest: digestOf(even), bytes: even }], false).length).toBe(60_042)
})

function isRefused(run: () => unknown): boolean {
  try {
    run()
    return false
  } catch (error) {
    if (!isSelvedgeError(error, 'ERR_BLOB_PROTOCOL')) throw error
    return true
  }
}

test('a frame that is cut off, or has more than it says, is refused', () => {
  fc.assert(
    fc.property(bodies, fc.nat(), fc.boolean(), (chunks, at, packs) => {
      const frame = encodeChunkFrame(chunks, packs)
      expect(isRefused(() => decodeChunkFrame(frame.subarray(0, at % frame.length)))).toBe(true)
      expect(isRefused(() => decodeChunkFrame(Buffer.concat([frame, new Uint8Array(1)])))).toBe(true)
    }),
    { numRuns: 60 },
  )
})

test('a chunk that inflates to more than was said is refused, before it fills the memory', () => {
  const bomb = deflateRawSync(new Uint8Array(50_000_000))
  const frame = new Uint8Array(42 + bomb.length)
  const view = new DataView(frame.buffer)
  frame.set([1, 1])
  view.setUint32(34, 60_000)
  view.setUint32(38, bomb.length)
  frame.set(bomb, 42)
  const before = process.memoryUsage().arrayBuffers
  expect(isRefused(() => decodeChunkFrame(frame))).toBe(true)
  view.setUint32(34, blobLimits.frameBytes + 1)
  expect(isRefused(() => decodeChunkFrame(frame))).toBe(true)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000)
})

test('any bytes at all are read or refused, and nothing else happens', () => {
  const real = [
    encodeWant([digestOf(new Uint8Array())]),
    encodeRequest({ kind: 'got', bytes: 9 }),
    encodeNotice({ kind: 'has', list: digestOf(new Uint8Array()), bits: Uint8Array.of(1) }),
    encodeNotice({ kind: 'have', list: digestOf(new Uint8Array()), places: [1, 2] }),
    encodeChunkFrame([{ digest: digestOf(Uint8Array.of(1)), bytes: Uint8Array.of(1) }], false),
  ]
  const altered = fc
    .tuple(fc.constantFrom(...real), fc.nat(), fc.integer({ min: 0, max: 255 }))
    .map(([bytes, at, value]) =>
      Uint8Array.from(bytes, (byte, index) => (index === at % bytes.length ? value : byte)),
    )
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), altered), (bytes) => {
      for (const read of [decodeRequest, decodeNotice, decodeChunkFrame]) isRefused(() => read(bytes))
    }),
    { numRuns: 2_000 },
  )
})

test('more digests, places or bits than fit are refused', () => {
  const digest = digestOf(new Uint8Array())
  const digests = Array.from({ length: blobLimits.wantsPerMessage + 1 }, () => digest)
  const places = Array.from({ length: blobLimits.placesPerMessage + 1 }, (_, index) => index)
  expect(isRefused(() => decodeRequest(encodeWant(digests)))).toBe(true)
  expect(isRefused(() => decodeRequest(encodeRequest({ kind: 'cancel', digests })))).toBe(true)
  expect(isRefused(() => decodeNotice(encodeNotice({ kind: 'have', list: digest, places })))).toBe(true)
  const far = [blobLimits.chunksPerComponent]
  expect(isRefused(() => decodeNotice(encodeNotice({ kind: 'have', list: digest, places: far })))).toBe(true)
  const bits = new Uint8Array(blobLimits.chunksPerComponent)
  expect(isRefused(() => decodeNotice(encodeNotice({ kind: 'has', list: digest, bits })))).toBe(true)
})
